/** Parity with real etcd's files: what a folder of manifests says of each, against what we read and serve. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { checkFile } from '../../src/engine/bolt/tx-check.ts';
import { openDb } from '../../src/engine/backend/backend.ts';
import { databaseOf } from '../../src/engine/server/restore.ts';
import { snapshotStatus } from '../../src/engine/server/snapshot-status.ts';
import { differences } from './bolt/lines.ts';
import type { ParityResult } from './main.ts';
import { leaseFacts, prefixFacts, readHistory, topFacts } from './xray/content.ts';
import { directoryFacts } from './xray/directory.ts';
import { findFile } from './xray/files.ts';
import { factsOf, readManifest } from './xray/manifest.ts';
import type { Fact, Facts, Manifest } from './xray/manifest.ts';
import { bucketFacts, fileFacts, metaPagesFacts, pageFacts } from './xray/pages.ts';
import { recordFacts } from './xray/records.ts';
import { servedFacts } from './xray/served.ts';

/** All comparisons of one manifest with the file that it is of. */
export function xrayFacts(dir: string, manifest: Manifest): Fact[] {
  const { bytes, directory } = findFile(dir, manifest.file);
  const db = openDb(new MemoryPager(databaseOf(bytes, true)));
  const census = pageFacts(db);
  const findings = checkFile(db.pager, db.pageSize, db.meta).length;
  const isStored = !String(manifest['freelist_page'] ?? 'none').startsWith('none');
  const buckets = bucketFacts(db);
  const whole = {
    ...fileFacts(bytes),
    ...recordFacts(db),
    bbolt_check: findings + census.findings === 0 ? 'OK' : `${findings + census.findings} findings`,
    bbolt_check_errors: findings,
    bucket_order: Object.keys(buckets),
  };
  return [
    ...factsOf('file', manifest, whole),
    ...factsOf('meta', manifest['meta'], metaPagesFacts(db)),
    ...factsOf('pages', manifest['pages'], census.pages),
    ...factsOf('free_pages', manifest['free_pages'], census.free),
    { name: 'freelist is stored', expected: isStored, actual: db.meta.freelist !== null },
    ...factsOf('buckets', manifest['buckets'], buckets),
    ...contentFacts(manifest, db),
    ...(directory === null ? [] : directoryFacts(directory, manifest)),
    ...servedFacts(bytes, manifest, db),
  ];
}

function contentFacts(manifest: Manifest, db: ReturnType<typeof openDb>): Fact[] {
  const history = readHistory(db);
  const prefixes = (manifest.mvcc?.['by_prefix'] ?? {}) as Facts;
  const byPrefix = prefixFacts(history, Object.keys(prefixes));
  const { hash, revision, totalKey, totalSize } = snapshotStatus(db);
  return [
    ...factsOf('mvcc', manifest.mvcc, {
      ...history.facts,
      top20_by_revisions: topFacts(history, 20),
    }),
    { name: 'mvcc.prefixes', expected: Object.keys(prefixes).sort(), actual: Object.keys(byPrefix).sort() },
    ...factsOf('mvcc.by_prefix', prefixes, byPrefix),
    ...factsOf('leases', manifest['leases'], leaseFacts(db)),
    ...factsOf('status', manifest['etcdctl_snapshot_status'], { hash, revision, totalKey, totalSize }),
    ...factsOf('status', manifest['snapshot_status_recomputed'], {
      hash,
      total_key: totalKey,
      total_size: totalSize,
    }),
  ];
}

/** Compares every fact of every `*.manifest.json` of a folder. */
export function runXrayParity(dir: string): ParityResult {
  const names = readdirSync(dir).filter((name) => name.endsWith('.manifest.json'));
  const report: string[] = [];
  let [passed, failed] = [0, 0];
  for (const name of names.sort()) {
    const results = resultsOf(() => xrayFacts(dir, readManifest(join(dir, name))));
    const wrong = results.filter(({ found }) => found.length > 0);
    passed += results.length - wrong.length;
    failed += wrong.length;
    const file = basename(name, '.manifest.json');
    report.push(`${file}: ${results.length - wrong.length} passed, ${wrong.length} failed`);
    for (const { found } of wrong) for (const line of found) report.push(`    ${line}`);
  }
  if (names.length === 0) return { passed: 0, failed: 1, report: `no *.manifest.json in ${dir}` };
  return { passed, failed, report: report.join('\n') };
}

interface Compared {
  readonly found: readonly string[];
}

/** A file that cannot be read is one failure. */
function resultsOf(facts: () => readonly Fact[]): Compared[] {
  try {
    return facts().map(({ name, expected, actual }) => ({
      found: differences({ [name]: expected }, { [name]: actual }),
    }));
  } catch (error) {
    return [{ found: [String(error instanceof Error ? error.stack : error)] }];
  }
}
