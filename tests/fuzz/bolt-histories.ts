/** Random histories of a database, by seed: how it is opened, and what its transactions do. */
import { stream } from '../../src/base/prng.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { DbOptions } from '../../src/engine/bolt/db.ts';
import { firstBuckets } from '../engine/bolt/model.ts';
import type { Op, Transaction } from '../engine/bolt/model.ts';

export interface History {
  readonly options: DbOptions & { readonly pageSize: number };
  readonly transactions: readonly Transaction[];
}

export const pageSizes: readonly number[] = [512, 512, 1024, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
const kinds: readonly Op['kind'][] = [
  ...Array.from({ length: 9 }, () => 'put' as const),
  ...Array.from({ length: 4 }, () => 'delete' as const),
  'createBucket',
  'createBucket',
  'deleteBucket',
  'moveBucket',
  'nextSequence',
  'fill',
];
const pick = <Item>(prng: Prng, items: readonly Item[]): Item => items[prng.below(items.length)];

/** Mostly small values, some that need pages of their own. */
function valueBytes(prng: Prng, pageSize: number): number {
  if (prng.chance(1, 12)) return prng.below(3 * pageSize);
  return prng.chance(1, 3) ? prng.below(Math.min(400, pageSize)) : prng.below(40);
}

function randomOp(prng: Prng, pageSize: number): Op {
  const path = Array.from({ length: prng.between(1, 3) }, () => prng.below(3));
  return { kind: pick(prng, kinds), path, key: prng.below(90), size: valueBytes(prng, pageSize) };
}

export function randomOptions(prng: Prng): History['options'] {
  return {
    pageSize: pick(prng, pageSizes),
    freelistType: pick(prng, ['array', 'hashmap'] as const),
    hashmapChoice: pick(prng, ['insertion', 'lowest'] as const),
    noFreelistSync: prng.chance(1, 2),
    rules: pick(prng, ['1.3.6', '1.3', '1.4'] as const),
    allocBytes: pick(prng, [16777216, 32768]),
  };
}

/** The history of a seed. @param commits how many of its transactions are committed */
export function randomHistory(seed: number, commits: number): History {
  const prng = stream(seed, 'history');
  const options = randomOptions(prng);
  const transactions: Transaction[] = [firstBuckets];
  for (let done = 1; done < commits;) {
    const commit = prng.chance(9, 10);
    const ops = Array.from({ length: prng.below(prng.chance(1, 8) ? 120 : 16) }, () =>
      randomOp(prng, options.pageSize),
    );
    if (commit) done++;
    transactions.push({ ops, commit, beginReader: false, endReader: false, reopen: prng.chance(1, 8) });
  }
  return { options, transactions };
}
