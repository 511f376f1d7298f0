/** Replays freelist scripts: the freelist alone, without pages. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ArrayFreelist } from '../../../src/engine/bolt/freelist/array.ts';
import type { Freelist, Spans } from '../../../src/engine/bolt/freelist/freelist.ts';
import { HashmapFreelist } from '../../../src/engine/bolt/freelist/hashmap.ts';
import { SharedFreelist } from '../../../src/engine/bolt/freelist/shared.ts';
import { spanPairs } from './facts.ts';
import { differences, readLines } from './lines.ts';
import type { TraceCase } from './traces.ts';

interface FreelistOp {
  readonly op: string;
  readonly spans?: [number, number][];
  readonly hw?: number;
  readonly tx?: number;
  readonly n?: number;
  readonly h?: number;
}

function idsOf(pairs: readonly [number, number][]): Uint32Array {
  return Uint32Array.from(
    pairs.flatMap(([start, count]) => Array.from({ length: count }, (_, i) => start + i)),
  );
}

/** sha256 of ids as u64, little-endian. */
function idsHash(spans: Spans): string {
  const hash = createHash('sha256');
  spans.starts.forEach((start, i) => {
    const bytes = new BigUint64Array(spans.counts[i]);
    for (let k = 0; k < bytes.length; k++) bytes[k] = BigInt(start + k);
    hash.update(new Uint8Array(bytes.buffer));
  });
  return hash.digest('hex');
}

class Script {
  readonly #list: SharedFreelist;
  readonly #handles = new Map<number, { first: number; count: number }>();
  #highWater = 0;

  constructor(list: Freelist) {
    this.#list = new SharedFreelist(list);
  }

  run(op: FreelistOp, expected: Record<string, unknown> | undefined): object | null {
    const tx = op.tx ?? 0;
    switch (op.op) {
      case 'init': {
        const pairs = op.spans ?? [];
        this.#list.init(idsOf(pairs));
        this.#highWater = op.hw ?? 0;
        return null;
      }
      case 'alloc':
        return this.#allocate(tx, op.n ?? 0, op.h ?? 0);
      case 'free': {
        const run = this.#handles.get(op.h ?? 0);
        if (run === undefined) throw new Error('the script frees what it did not allocate');
        this.#list.free(tx, run.first, run.count);
        return null;
      }
      case 'begin':
        this.#list.releasePending();
        return null;
      case 'rbegin':
        this.#list.addReader(tx);
        return null;
      case 'rend':
        this.#list.removeReader(tx);
        return null;
      case 'rollback':
        this.#list.rollback(tx);
        return null;
      default:
        return this.#state(expected);
    }
  }

  #allocate(tx: number, count: number, handle: number): object {
    const { first } = this.#list.allocate(tx, count);
    this.#handles.set(handle, { first: first ?? this.#highWater, count });
    if (first !== null) return { id: first };
    this.#highWater += count;
    return { id: 0, hw: this.#highWater };
  }

  #state(expected: Record<string, unknown> | undefined): object {
    const list = this.#list;
    const free = list.freeSpans();
    const pending = Object.fromEntries([...list.pendingSpans()].map(([id, spans]) => [id, spanPairs(spans)]));
    const long = expected !== undefined && 'freeSha256' in expected;
    return {
      count: Math.min(0xffff, list.freeCount + list.pendingCount),
      freeN: list.freeCount,
      pendingN: list.pendingCount,
      size: list.sizeBytes,
      ...(long
        ? { freeSha256: idsHash(free), storedSha256: idsHash(list.allSpans()) }
        : { free: spanPairs(free), stored: spanPairs(list.allSpans()) }),
      ...(expected !== undefined && 'pending' in expected ? { pending } : {}),
    };
  }
}

function runScript(
  ops: readonly FreelistOp[],
  results: readonly Record<string, unknown>[],
  list: Freelist,
): string[] {
  const script = new Script(list);
  const expected = new Map(results.map((result) => [result.i as number, result]));
  for (let i = 0; i < ops.length; i++) {
    const actual = script.run(ops[i], expected.get(i));
    if (actual === null) continue;
    const found = differences(expected.get(i) ?? {}, { i, ...actual });
    if (found.length > 0) return found.map((line) => `operation ${i} (${ops[i].op}): ${line}`);
  }
  return [];
}

const lists: Readonly<Record<string, () => Freelist>> = {
  array: () => new ArrayFreelist(),
  'hashmap-lowest': () => new HashmapFreelist('lowest'),
  'hashmap-insertion': () => new HashmapFreelist('insertion'),
};

/** All scripts of a folder with each list that there are results for. */
export function freelistCases(folder: string): TraceCase[] {
  const cases: TraceCase[] = [];
  const files = new Set(readdirSync(folder));
  for (const file of [...files].filter((name) => /\.ops\.jsonl(\.gz)?$/.test(name)).sort()) {
    for (const [kind, make] of Object.entries(lists)) {
      const results = file.replace('.ops.', `.${kind}.`);
      if (!files.has(results)) continue;
      cases.push({
        name: `freelist ${file.replace(/\.ops.*/, '')} ${kind}`,
        run: () => runScript(readLines(join(folder, file)), readLines(join(folder, results)), make()),
      });
    }
  }
  return cases;
}
