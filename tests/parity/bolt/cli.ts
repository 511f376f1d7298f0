/** What `bbolt info|pages|check|stats|buckets` print, made from our own reading of the file. */
import { isUtf8 } from 'node:buffer';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addBucketStats, bucketStats, newBucketStats } from '../../../src/engine/bolt/bucket-stats.ts';
import { Db } from '../../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import type { Tx } from '../../../src/engine/bolt/tx.ts';
import { xray } from '../../../src/engine/bolt/xray.ts';
import type { XrayPage } from '../../../src/engine/bolt/xray-report.ts';
import { readDatabase } from './databases.ts';
import type { IndexEntry } from './databases.ts';
import { differences } from './lines.ts';
import type { TraceCase } from './traces.ts';

/** UTF-8 where it is; other bytes as the transcripts have them, `\\xNN`. */
function nameText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const size = [1, 2, 3, 4].find((length) => isUtf8(bytes.subarray(at, at + length)));
    if (size === undefined) text += `\\x${bytes[at].toString(16).padStart(2, '0')}`;
    else text += Buffer.from(bytes.subarray(at, at + size)).toString('utf8');
    at += size ?? 1;
  }
  return text;
}

/** Fields left-aligned in columns of 8, 10, 6 and 6. */
const row = (id: string, type: string, items: string, overflow: string): string =>
  `${id.padEnd(8)} ${type.padEnd(10)} ${items.padEnd(6)} ${overflow.padEnd(6)}\n`;

function pagesText(pager: MemoryPager): string {
  let text = row('ID', 'TYPE', 'ITEMS', 'OVRFLW') + row('========', '==========', '======', '======');
  const page = ({ pgid, kind, count, overflow }: XrayPage): void => {
    if (kind === 'free') {
      for (let id = pgid; id <= pgid + overflow; id++) text += row(String(id), 'free', '', '');
    } else text += row(String(pgid), kind, String(count), overflow > 0 ? String(overflow) : '');
  };
  xray(pager, { page });
  return text;
}

/** A number, and its share of another as bbolt prints it. */
const share = (part: number, whole: number): string =>
  `${part} (${whole === 0 ? 0 : Math.trunc((100 * part) / whole)}%)`;

function statsText(tx: Tx): string {
  const stats = newBucketStats();
  let count = 0;
  tx.root.forEachBucket((name) => {
    const bucket = tx.bucket(name);
    if (bucket !== null) addBucketStats(stats, bucketStats(bucket));
    count++;
  });
  const { branchAllocBytes, branchInuseBytes, leafAllocBytes, leafInuseBytes, inlineBucketInuseBytes } =
    stats;
  return `Aggregate statistics for ${count} buckets

Page count statistics
	Number of logical branch pages: ${stats.branchPageCount}
	Number of physical branch overflow pages: ${stats.branchOverflowCount}
	Number of logical leaf pages: ${stats.leafPageCount}
	Number of physical leaf overflow pages: ${stats.leafOverflowCount}
Tree statistics
	Number of keys/value pairs: ${stats.keyCount}
	Number of levels in B+tree: ${stats.depth}
Page size utilization
	Bytes allocated for physical branch pages: ${branchAllocBytes}
	Bytes actually used for branch data: ${share(branchInuseBytes, branchAllocBytes)}
	Bytes allocated for physical leaf pages: ${leafAllocBytes}
	Bytes actually used for leaf data: ${share(leafInuseBytes, leafAllocBytes)}
Bucket statistics
	Total number of buckets: ${stats.bucketCount}
	Total number on inlined buckets: ${share(stats.inlineBucketCount, stats.bucketCount)}
	Bytes used for inlined buckets: ${share(inlineBucketInuseBytes, leafInuseBytes)}
`;
}

function commandText(command: string, pager: MemoryPager): string {
  const db = Db.open(new MemoryPager(pager.image()), { noFreelistSync: true });
  const tx = db.beginRead();
  switch (command) {
    case 'info':
      return `Page Size: ${db.pageSize}\n`;
    case 'pages':
      return pagesText(pager);
    case 'check':
      return tx.check().length === 0
        ? 'OK\n'
        : tx
            .check()
            .map(({ text }) => `${text}\n`)
            .join('');
    case 'stats':
      return statsText(tx);
    default: {
      let text = '';
      tx.root.forEachBucket((name) => {
        text += `${nameText(name)}\n`;
      });
      return text;
    }
  }
}

/**
 * The sections `$ bbolt COMMAND NAME.db` of a transcript, each followed by what was printed and an empty
 * line.
 */
function compareTranscript(dir: string, file: string): string[] {
  const transcript = readFileSync(join(dir, 'cli', file), 'utf8');
  const entries = JSON.parse(readFileSync(join(dir, 'db', 'index.json'), 'utf8')) as IndexEntry[];
  const name = file.replace(/\.txt$/, '');
  const entry = entries.find((one) => one.name === name);
  if (entry === undefined) throw new Error(`${name} is not in the index`);
  const pager = new MemoryPager(readDatabase(dir, entry.file, entries));
  const ours = [...transcript.matchAll(/^\$ bbolt (\w+) .*$/gm)]
    .map(([line, command]) => `${line}\n${commandText(command, pager)}`)
    .join('\n');
  const theirLines = transcript.split('\n');
  const ourLines = ours.split('\n');
  const at = ourLines.findIndex((line, i) => line !== theirLines[i]);
  if (at < 0 && theirLines.slice(ourLines.length).every((line) => line === '')) return [];
  return differences({ [`line ${at}`]: theirLines[at] }, { [`line ${at}`]: ourLines[at] });
}

/** All transcripts of a folder's cli/. */
export function cliCases(dir: string): TraceCase[] {
  if (!existsSync(join(dir, 'cli'))) return [];
  const files = readdirSync(join(dir, 'cli'))
    .filter((name) => name.endsWith('.txt'))
    .sort();
  return files.map((file) => ({ name: `cli ${file}`, run: () => compareTranscript(dir, file) }));
}
