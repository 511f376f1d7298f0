/** Replays operation traces of real bbolt and compares each recorded result. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import type { Bucket } from '../../../src/engine/bolt/bucket.ts';
import { Db } from '../../../src/engine/bolt/db.ts';
import type { DbOptions, Rules } from '../../../src/engine/bolt/db.ts';
import { BoltError } from '../../../src/engine/bolt/errors.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import type { Tx, TxStats } from '../../../src/engine/bolt/tx.ts';
import { logicalHash, stateOf } from './facts.ts';
import type { SeenFile } from './facts.ts';
import { differences, readLines, sha256 } from './lines.ts';

export interface TraceOp {
  readonly op: string;
  readonly b?: string[];
  readonly k?: string;
  readonly v?: string;
  readonly vn?: number;
  readonly vs?: number;
  readonly f?: number;
  readonly s?: string;
  readonly id?: number;
  readonly m?: string[];
  readonly pageSize?: number;
  readonly freelist?: 'array' | 'hashmap';
  readonly noFreelistSync?: boolean;
  readonly initialMmapSize?: number;
  readonly allocSize?: number;
}

type TraceResult = Record<string, unknown> & { readonly t: string; readonly i?: number };

/** The value of a put: as hex, or made from a length and a seed. */
function valueOf(op: TraceOp): Uint8Array {
  if (op.v !== undefined) return fromHex(op.v);
  const bytes = new Uint8Array(op.vn ?? 0);
  let x = op.vs ?? 0;
  for (let i = 0; i < bytes.length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}

function statsRecord(stats: TxStats): object {
  return {
    CursorCount: stats.cursorCount,
    NodeCount: stats.nodeCount,
    NodeDeref: stats.nodeDerefCount,
    PageAlloc: stats.pageAllocBytes,
    PageCount: stats.pageCount,
    Rebalance: stats.rebalance,
    Spill: stats.spill,
    Split: stats.split,
    Write: stats.write,
  };
}

class Replay {
  #pager = new MemoryPager();
  #db: Db | null = null;
  #tx: Tx | null = null;
  #open: TraceOp = { op: 'open' };
  #seen: SeenFile = { content: new Uint8Array(0), sizeBytes: 0 };
  readonly #readers = new Map<number, Tx>();
  readonly #fixed: DbOptions;

  constructor(fixed: DbOptions) {
    this.#fixed = fixed;
  }

  /** What real bbolt's runner would have recorded; null for an operation that it does not record. */
  run(op: TraceOp): object | null {
    try {
      return this.#apply(op);
    } catch (error) {
      if (!(error instanceof BoltError)) throw error;
      return { err: error.message };
    }
  }

  final(): object {
    return { t: 'final', fileSize: this.#pager.sizeBytes, sha256: sha256(this.#pager.image()) };
  }

  #apply(op: TraceOp): object | null {
    switch (op.op) {
      case 'open':
        this.#open = op;
        return this.#openDb(op);
      case 'reopen':
        this.#readers.clear();
        this.#pager = new MemoryPager(this.#pager.image());
        return this.#openDb({ ...op, pageSize: op.pageSize ?? this.#open.pageSize ?? 4096 });
      case 'begin':
        this.#tx = this.#database.beginWrite();
        return null;
      case 'commit':
      case 'rollback':
        return this.#end(op.op);
      case 'rbegin': {
        const reader = this.#database.beginRead();
        this.#readers.set(op.id ?? 0, reader);
        return { txid: reader.id };
      }
      case 'rend':
        return this.#endReader(op.id ?? 0);
      case 'get':
        return this.#get(op);
      case 'cursor':
        return this.#walk(op);
      default:
        return this.#change(op);
    }
  }

  get #database(): Db {
    if (this.#db === null) throw new Error('the trace does not begin with open');
    return this.#db;
  }

  #txOf(op: TraceOp): Tx {
    const tx = op.id === undefined || op.id === 0 ? this.#tx : this.#readers.get(op.id);
    if (tx === null || tx === undefined) throw new Error('the trace uses a transaction that is not open');
    return tx;
  }

  #openDb(op: TraceOp): object {
    this.#db = Db.open(this.#pager, {
      ...this.#fixed,
      pageSize: op.pageSize ?? 4096,
      freelistType: op.freelist ?? 'array',
      noFreelistSync: op.noFreelistSync ?? false,
      initialMapBytes: op.initialMmapSize ?? 0,
      allocBytes: op.allocSize ?? 16777216,
    });
    return this.#state();
  }

  #state(): object {
    const { record, seen } = stateOf(this.#database, this.#pager, this.#seen);
    this.#seen = seen;
    return record;
  }

  #end(how: 'commit' | 'rollback'): object {
    const tx = this.#txOf({ op: how });
    tx[how]();
    this.#tx = null;
    return how === 'commit' ? { ...this.#state(), txStats: statsRecord(tx.stats) } : this.#state();
  }

  #endReader(id: number): object {
    const reader = this.#txOf({ op: 'rend', id });
    const hash = toHex(logicalHash(reader.cursor(), (name) => reader.bucket(name)));
    reader.rollback();
    this.#readers.delete(id);
    return { hash, txid: reader.id };
  }

  #bucket(tx: Tx, path: readonly string[]): Bucket {
    let bucket = tx.root;
    for (const name of path) {
      const next = bucket.bucket(fromHex(name));
      if (next === null) throw new BoltError('bucket not found');
      bucket = next;
    }
    return bucket;
  }

  #get(op: TraceOp): object {
    const value = this.#bucket(this.#txOf(op), op.b ?? []).get(fromHex(op.k ?? ''));
    return value === null ? { v: null } : { v: sha256(value).slice(0, 16), len: value.length };
  }

  #walk(op: TraceOp): object {
    const tx = this.#txOf(op);
    const bucket = this.#bucket(tx, op.b ?? []);
    const onRoot = tx.cursor();
    const cursor = bucket === tx.root ? onRoot : bucket.cursor();
    const keys = (op.m ?? []).map((move) => {
      const item = move.startsWith('seek:')
        ? cursor.seek(fromHex(move.slice(5)))
        : cursor[move as 'first' | 'last' | 'next' | 'prev']();
      return item === null ? null : `${toHex(item.key)}${item.value === null ? '/' : ''}`;
    });
    return { keys };
  }

  #change(op: TraceOp): object | null {
    const path = op.b ?? [];
    const tx = this.#txOf(op);
    if (op.op === 'createBucket' || op.op === 'deleteBucket') {
      this.#bucket(tx, path.slice(0, -1))[op.op](fromHex(path[path.length - 1]));
      return null;
    }
    const bucket = this.#bucket(tx, path);
    if (op.op === 'put') bucket.put(fromHex(op.k ?? ''), valueOf(op));
    else if (op.op === 'delete') bucket.delete(fromHex(op.k ?? ''));
    else if (op.op === 'fill') bucket.fillPercent = op.f ?? 0.5;
    else if (op.op === 'setSequence') bucket.setSequence(BigInt(op.s ?? '0'));
    else if (op.op === 'nextSequence') return { s: String(bucket.nextSequence()) };
    else throw new Error(`unknown operation ${op.op}`);
    return null;
  }
}

/**
 * Replays a trace; the first differences, or none.
 * @param withSize whether file sizes count: they follow the version that made the results
 */
export function replayTrace(
  ops: readonly TraceOp[],
  results: readonly TraceResult[],
  options: DbOptions,
  withSize: boolean,
): string[] {
  const replay = new Replay(options);
  const expected = new Map(results.map((result) => [result.i, result]));
  for (let i = 0; i < ops.length; i++) {
    const actual = replay.run(ops[i]);
    const want = expected.get(i);
    if (actual === null && want === undefined) continue;
    const got = { i, t: ops[i].op, ...actual };
    if (!withSize && want !== undefined && 'fileSize' in got) got.fileSize = want.fileSize;
    const found = differences(want ?? {}, got);
    if (found.length > 0) return found.map((line) => `operation ${i} (${ops[i].op}): ${line}`);
  }
  const last = results[results.length - 1];
  return withSize && last.t === 'final'
    ? differences(last, replay.final()).map((line) => `final: ${line}`)
    : [];
}

/**
 * The options under which a tag's results arose; r136 is Debian's bbolt 1.3.6, asked directly. An exact trace
 * without an r15 holds under both other rule sets.
 */
function optionsOf(tag: string, tags: readonly string[]): DbOptions[] {
  const hashmapChoice = tag.endsWith('low') ? 'lowest' : 'insertion';
  if (tag === 'r136') return [{ rules: '1.3.6', hashmapChoice }];
  const rules: Rules[] = tag.includes('13') ? ['1.3'] : ['1.4'];
  if (tag === 'r13' && !tags.includes('r15')) rules.push('1.4');
  return rules.map((one) => ({ rules: one, hashmapChoice }));
}

export interface TraceCase {
  readonly name: string;
  run(): string[];
}

/** All traces of a folder with every rule set they hold for. */
export function traceCases(folder: string): TraceCase[] {
  const files = readdirSync(folder);
  const cases: TraceCase[] = [];
  for (const file of files.filter((name) => /\.ops\.jsonl(\.gz)?$/.test(name)).sort()) {
    const base = file.replace(/\.ops\.jsonl(\.gz)?$/, '');
    const results = files.filter((name) => name.startsWith(`${base}.`) && name !== file);
    const tags = results.map((name) => name.slice(base.length + 1).replace(/\.jsonl(\.gz)?$/, ''));
    tags.forEach((tag, i) => {
      const all = optionsOf(tag, tags);
      const first = all[0];
      for (const options of all) {
        cases.push({
          name: `trace ${base} ${tag} rules ${options.rules}`,
          run: () =>
            replayTrace(
              readLines(join(folder, file)),
              readLines(join(folder, results[i])),
              options,
              options === first,
            ),
        });
      }
    });
  }
  return cases;
}
