/** A slow, obvious stand-in for a database: nested maps, and random transactions over both. */
import * as fc from 'fast-check';
import { toHex } from '../../../src/base/bytes.ts';
import type { Bucket } from '../../../src/engine/bolt/bucket.ts';
import type { Tx } from '../../../src/engine/bolt/tx.ts';

export interface ModelBucket {
  sequence: bigint;
  readonly items: Map<string, Uint8Array | ModelBucket>;
}

export const newModel = (): ModelBucket => ({ sequence: 0n, items: new Map() });

export function cloneModel(model: ModelBucket): ModelBucket {
  const items = [...model.items].map(
    ([key, item]) => [key, item instanceof Uint8Array ? item : cloneModel(item)] as const,
  );
  return { sequence: model.sequence, items: new Map(items) };
}

/** A bucket's content as text, in key order. */
export function modelText(model: ModelBucket): string {
  const keys = [...model.items.keys()].sort();
  return `#${model.sequence}{${keys
    .map((key) => {
      const item = model.items.get(key) as Uint8Array | ModelBucket;
      return item instanceof Uint8Array ? `${key}=${toHex(item)}` : `${key}:${modelText(item)}`;
    })
    .join(',')}}`;
}

/** The same of a real bucket, walked forwards. */
export function bucketText(bucket: Bucket): string {
  const parts: string[] = [];
  bucket.forEach((key, value) => {
    if (value !== null) parts.push(`${toHex(key)}=${toHex(value)}`);
    else parts.push(`${toHex(key)}:${bucketText(bucket.bucket(key) as Bucket)}`);
  });
  return `#${bucket.sequence}{${parts.join(',')}}`;
}

export const txText = (tx: Tx): string => bucketText(tx.root);

/** One operation; names and keys are small numbers, so that they meet often. */
export interface Op {
  readonly kind: 'put' | 'delete' | 'createBucket' | 'deleteBucket' | 'moveBucket' | 'nextSequence' | 'fill';
  readonly path: readonly number[];
  readonly key: number;
  readonly size: number;
}

export interface Transaction {
  readonly ops: readonly Op[];
  readonly commit: boolean;
  /** Begins a reader before the transaction, ends the oldest one after it, opens the file anew at the end. */
  readonly beginReader: boolean;
  readonly endReader: boolean;
  readonly reopen: boolean;
}

const op = (keys: number, maxSize: number): fc.Arbitrary<Op> =>
  fc.record({
    kind: fc.constantFrom<Op['kind'][]>(
      'put',
      'put',
      'put',
      'put',
      'put',
      'put',
      'delete',
      'delete',
      'delete',
      'createBucket',
      'createBucket',
      'deleteBucket',
      'moveBucket',
      'nextSequence',
      'fill',
    ),
    path: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 }),
    key: fc.integer({ min: 0, max: keys }),
    size: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: maxSize })),
  });

/** Histories of transactions over one database. */
export const history = (
  maxTransactions: number,
  maxOps: number,
  keys = 60,
  maxSize = 1500,
): fc.Arbitrary<Transaction[]> =>
  fc.array(
    fc.record({
      ops: fc.array(op(keys, maxSize), { maxLength: maxOps }),
      commit: fc.integer({ min: 0, max: 9 }).map((draw) => draw > 0),
      beginReader: fc.integer({ min: 0, max: 4 }).map((draw) => draw === 0),
      endReader: fc.integer({ min: 0, max: 3 }).map((draw) => draw === 0),
      reopen: fc.integer({ min: 0, max: 7 }).map((draw) => draw === 0),
    }),
    { maxLength: maxTransactions },
  );

export const nameOf = (index: number): Uint8Array => Uint8Array.of(0x42, 0x30 + index);

/** Keys of several lengths that share prefixes. */
export const keyOf = (index: number): Uint8Array =>
  Uint8Array.from({ length: 1 + (index % 13) }, (_, i) => (i === index % 13 ? index : 0x6b));

const valueOf = (key: number, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (key * 31 + size + i) & 255);

function modelAt(model: ModelBucket, path: readonly number[]): ModelBucket | null {
  let at = model;
  for (const index of path) {
    const next = at.items.get(toHex(nameOf(index)));
    if (next === undefined || next instanceof Uint8Array) return null;
    at = next;
  }
  return at;
}

export function bucketAt(tx: Tx, path: readonly number[]): Bucket | null {
  let at: Bucket | null = tx.root;
  for (const index of path) at = at === null ? null : at.bucket(nameOf(index));
  return at;
}

/** Moves a bucket into another one, unless it is not there, its name is taken, or it would hold itself. */
function moveBucket(model: ModelBucket, tx: Tx, path: readonly number[], into: readonly number[]): void {
  const parent = path.slice(0, -1);
  const isInside = path.every((index, i) => into[i] === index);
  if (isInside || parent.join() === into.join()) return;
  const [source, target] = [modelAt(model, parent), modelAt(model, into)];
  const name = nameOf(path[path.length - 1]);
  const moved = source?.items.get(toHex(name));
  if (source === null || target === null || moved === undefined || target.items.has(toHex(name))) return;
  const [from, to] = [bucketAt(tx, parent), bucketAt(tx, into)];
  if (from === null || to === null) throw new Error(`bucket ${path.join('/')} is in the model only`);
  from.moveBucket(name, to);
  source.items.delete(toHex(name));
  target.items.set(toHex(name), moved);
}

/** Applies an operation to both; where the model has no such bucket, the database has none either. */
export function apply(model: ModelBucket, tx: Tx, { kind, path, key, size }: Op): void {
  const inBucket = kind !== 'createBucket' && kind !== 'deleteBucket' && kind !== 'moveBucket';
  const where = inBucket ? path : path.slice(0, -1);
  const place = modelAt(model, where);
  const bucket = bucketAt(tx, where);
  if ((place === null) !== (bucket === null))
    throw new Error(`bucket ${where.join('/')} is in one of the two only`);
  if (place === null || bucket === null) return;
  const name = nameOf(path[path.length - 1]);
  switch (kind) {
    case 'put': {
      bucket.put(keyOf(key), valueOf(key, size));
      place.items.set(toHex(keyOf(key)), valueOf(key, size));
      return;
    }
    case 'delete': {
      // a run of keys, so that leaves empty and merge
      for (let i = key; i <= key + (size % 8); i++) {
        bucket.delete(keyOf(i));
        place.items.delete(toHex(keyOf(i)));
      }
      return;
    }
    case 'createBucket': {
      bucket.createBucketIfNotExists(name);
      if (!place.items.has(toHex(name))) place.items.set(toHex(name), newModel());
      return;
    }
    case 'deleteBucket': {
      if (!place.items.delete(toHex(name))) return;
      bucket.deleteBucket(name);
      return;
    }
    case 'moveBucket': {
      moveBucket(model, tx, path, [[], [0], [1], [2], [0, 1]][key % 5]);
      return;
    }
    case 'nextSequence': {
      place.sequence++;
      if (bucket.nextSequence() !== place.sequence) throw new Error('the sequence went elsewhere');
      return;
    }
    case 'fill': {
      bucket.fillPercent = [0.1, 0.5, 0.9, 1][size % 4];
      return;
    }
    default:
      kind satisfies never;
  }
}

/** Buckets for a history to begin with, so that its first puts find a place. */
export const firstBuckets: Transaction = {
  ops: [[0], [1], [0, 1]].map((path) => ({ kind: 'createBucket', path, key: 0, size: 0 })),
  commit: true,
  beginReader: false,
  endReader: false,
  reopen: false,
};
