/**
 * Scripts for the freelist race: the article's figure, and three ways in which a file comes to be full of
 * holes.
 */
import { assert } from '../base/assert.ts';
import { stream } from '../base/prng.ts';
import type { Prng } from '../base/prng.ts';
import { runRace } from './freelist-race.ts';
import type { Race, RaceOperation } from './freelist-race.ts';

export type RacePreset = 'article' | 'interleaved' | 'random-deletes' | 'big-value-holes';

/** The pages of a file, and which of them are free when the race begins. */
interface Start {
  readonly ids: readonly number[];
  readonly highWater: number;
  /** How long the runs are that transactions ask for and free: one of these, drawn with equal chances. */
  readonly sizes: readonly number[];
  readonly freeSizes: readonly number[];
}

const run = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

/** The figure of the article on etcd at Alibaba (2019), as two runs from the same start. */
const article: readonly RaceOperation[] = [
  { kind: 'init', ids: [42, 44, 47, 48, 49], highWater: 51 },
  { kind: 'begin' },
  { kind: 'allocate', count: 3 },
  { kind: 'commit' },
  { kind: 'init', ids: [42, 44, 47, 48, 49], highWater: 51 },
  { kind: 'begin' },
  { kind: 'free', pgid: 45, count: 2 },
  { kind: 'commit' },
  { kind: 'begin' },
];

/** Every second page is free: keys were written in pairs, and one of each pair was deleted. */
function interleaved(): Start {
  const singles = run(0, 36).map((i) => 3 + 2 * i);
  return { ids: [...singles, ...run(76, 4)], highWater: 82, sizes: [2, 3, 3, 4], freeSizes: [1] };
}

/** Each page was freed with a chance of two in five. */
function randomDeletes(prng: Prng): Start {
  const ids = run(2, 70).filter(() => prng.chance(2, 5));
  return { ids, highWater: 73, sizes: [1, 2, 3, 4], freeSizes: [1, 1, 2] };
}

/** Values of many pages were deleted among small ones: a few long holes, many short. */
function bigValueHoles(prng: Prng): Start {
  const ids: number[] = [];
  let at = 2;
  while (at < 78) {
    const hole = prng.chance(1, 4) ? prng.between(5, 9) : 1;
    ids.push(...run(at, hole));
    at += hole + prng.between(1, 3);
  }
  return { ids, highWater: at + 1, sizes: [2, 4, 6, 8], freeSizes: [1, 2] };
}

const rounds = 3;
const attempts = 24;

/**
 * Transactions of two frees and two allocations each. Only such requests stay in the script as both lists
 * answer with the same pages: else the two would soon hold different pages, and their work would not compare.
 */
function script(prng: Prng, start: Start): RaceOperation[] {
  const operations: RaceOperation[] = [
    { kind: 'init', ids: start.ids, highWater: start.highWater },
    { kind: 'begin' },
  ];
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 2; i++) draw(operations, () => allocation(prng, start));
    for (let i = 0; i < 2; i++) draw(operations, () => deletion(prng, start));
    operations.push({ kind: 'commit' }, { kind: 'begin' });
  }
  return operations;
}

function draw(operations: RaceOperation[], next: () => RaceOperation): void {
  for (let i = 0; i < attempts; i++) {
    const operation = next();
    if (!isFair(operations, operation)) continue;
    operations.push(operation);
    return;
  }
}

const allocation = (prng: Prng, { sizes }: Start): RaceOperation => ({
  kind: 'allocate',
  count: sizes[prng.below(sizes.length)],
});

function deletion(prng: Prng, { freeSizes, highWater }: Start): RaceOperation {
  const count = freeSizes[prng.below(freeSizes.length)];
  return { kind: 'free', pgid: prng.between(2, highWater - count - 1), count };
}

/** Whether the pages of a deletion are in use, or both lists have the same room for an allocation. */
function isFair(operations: readonly RaceOperation[], operation: RaceOperation): boolean {
  if (operation.kind === 'free') {
    const taken = freedPages(operations);
    return run(operation.pgid, operation.count).every((page) => !taken.has(page));
  }
  const { sides } = runRace([...operations, operation]);
  const [array, hashmap] = [sides.array, sides.hashmap].map((steps) => steps[steps.length - 1].events);
  const [a, b] = [array, hashmap].map((events) => events.find(({ type }) => type === 'bolt.allocate'));
  assert(a?.type === 'bolt.allocate' && b?.type === 'bolt.allocate', 'race: an allocation tells its pages');
  return a.pgid === b.pgid && a.path !== 'grow';
}

/** Free and pending pages after a script. */
function freedPages(operations: readonly RaceOperation[]): Set<number> {
  const steps = runRace(operations).sides.array;
  const { starts, counts } = steps[steps.length - 1].free;
  const pages = new Set(starts.flatMap((start, i) => run(start, counts[i])));
  const lastBegin = operations.findLastIndex(({ kind }) => kind === 'begin');
  for (const operation of operations.slice(lastBegin)) {
    if (operation.kind === 'free') run(operation.pgid, operation.count).forEach((page) => pages.add(page));
  }
  return pages;
}

/** Runs a preset. @param seed 32 bits, unsigned; the article's figure needs none */
export function openPreset(preset: RacePreset, seed: number): Race {
  const prng = stream(seed, 'freelist-race', preset);
  switch (preset) {
    case 'article':
      return runRace(article);
    case 'interleaved':
      return runRace(script(prng, interleaved()));
    case 'random-deletes':
      return runRace(script(prng, randomDeletes(prng)));
    case 'big-value-holes':
      return runRace(script(prng, bigValueHoles(prng)));
    default:
      return preset satisfies never;
  }
}
