/** A small budget of what `npm run sim` does at length: seeds under all checkers, and bugs that must be found. */
import { expect, test } from 'vitest';
import { plantableBugs, showsSoon } from '../../src/model/planted-bugs.ts';
import { defaultKinds } from './kinds.ts';
import { hunt } from './mutation-run.ts';
import { mutations } from './mutations.ts';
import { faultsText, readOptions } from './options.ts';
import { runSeed } from './run.ts';
import { shrink } from './shrink.ts';
import { Totals } from './totals.ts';
import { beyondIn } from './verdict.ts';
import type { RunPlan } from './run.ts';

const plan = (seed: number): RunPlan => ({
  seed,
  members: seed % 5 === 0 ? 5 : 3,
  virtualUs: 8_000_000,
  faults: defaultKinds,
  perSecond: 2,
  defects: {},
});

const seeds = [1, 2, 3];

test('seeds under faults of all kinds break no rule', { timeout: 120_000 }, () => {
  const found = seeds.flatMap((seed) => {
    const { violation } = runSeed(plan(seed));
    return violation === null ? [] : [`seed ${seed}: ${violation.property} ${violation.evidence}`];
  });
  expect(found).toEqual([]);
});

test('a seed comes out the same again', () => {
  expect(runSeed(plan(3)).chainHash).toBe(runSeed(plan(3)).chainHash);
});

test('bugs that no script on the page shows are found by a run of the catalogue, as the page says', () => {
  const found = new Set(mutations.map(({ defect }) => defect));
  expect(plantableBugs.filter((bug) => !showsSoon(bug) && !found.has(bug))).toEqual([]);
});

const quick = ['4', '9', '11', '23', '24', '25', '26', '27', '28', '30', '31', '31b', '32'];

for (const mutation of mutations.filter(({ id }) => quick.includes(id))) {
  test(
    `${mutation.id}, ${mutation.what}, is found by ${mutation.by.join(' or ')}`,
    { timeout: 60_000 },
    () => {
      const caught = hunt({ ...mutation, seeds: 5 });
      expect(caught).toMatchObject({ by: caught?.by ?? '', silent: null });
      expect(mutation.by).toContain(caught?.by);
    },
  );
}

test('a failing run is made smaller, and fails in the same way', { timeout: 60_000 }, () => {
  const failing = { ...plan(1), virtualUs: 4_000_000, defects: { halfIsQuorum: true } };
  const result = runSeed(failing);
  expect(result.violation?.property).toBe('C1');
  const small = shrink(failing, result, 4);
  expect(small.result.violation?.property).toBe('C1');
  expect(small.result.schedule.length).toBeLessThanOrEqual(result.schedule.length);
});

test('a run with faults beyond the model proves nothing: what became of it is said, and it is no violation', () => {
  const options = readOptions(['--seed', '1', '--faults', 'all,beyond', '--minutes', '0.5']);
  const totals = new Totals();
  const beyond = { ...plan(1), virtualUs: options.virtualUs, faults: options.faults };
  const result = runSeed(beyond);
  expect(result.violation).not.toBeNull();
  totals.add(result, 1);
  expect(totals.violations).toBe(0);
  expect(totals.line(1, 1)).toContain('1 runs beyond the model (rollback 1): broken 1, 0 violations');
});

/**
 * m2's power goes in the middle of a commit, which writes over the state before the last; a start in between
 * changes nothing; then a meta page rots.
 */
function rotAfterCutCommit(page: 0 | 1): RunPlan {
  const [member, then] = [2, 'powerCut'] as const;
  return {
    ...plan(6),
    ...{ virtualUs: 10_000_000, perSecond: 4 },
    schedule: [
      { atUs: 100_000, action: { type: 'disk', member, keptWeight: 1, lostWeight: 1 } },
      { atUs: 500_000, action: { type: 'crashPoint', member, point: 'beforeMeta', nth: 9, then } },
      { atUs: 8_960_000, action: { type: 'start', member } },
      { atUs: 9_000_000, action: { type: 'kill', member } },
      { atUs: 9_000_000, kind: 'rotMeta', action: { type: 'bitRot', member, zone: 'meta', bits: 5, page } },
      { atUs: 9_500_000, action: { type: 'start', member } },
    ],
  };
}

test('a meta page that rots is beyond the model where a cut commit wrote over what the other one names', () => {
  const [totals, result] = [new Totals(), runSeed(rotAfterCutCommit(0))];
  expect(result.violation?.property).toBe('C7');
  totals.add(result, 1);
  expect(totals.line(6, 6)).toContain('1 runs beyond the model (rotMeta 1): broken 1, 0 violations');

  const older = runSeed(rotAfterCutCommit(1));
  expect([older.violation, beyondIn(older)]).toEqual([null, []]);
});

test('kinds of faults are told as they are asked for', () => {
  for (const words of ['all', 'all,beyond', 'none', 'kill,wipe'])
    expect(faultsText(readOptions(['--faults', words]).faults)).toBe(words);
});

test('what makes no sense on the command line is said in words', () => {
  expect(() => readOptions(['--seeds', '9..3'])).toThrow('A..B');
  expect(() => readOptions(['--faults', 'meteor'])).toThrow('meteor');
  expect(() => readOptions(['--sedes', '1'])).toThrow('--sedes');
});
