/** The past of a run: every moment is found again, as it was, within the bytes that are given. */
import { expect, test } from 'vitest';
import { stream } from '../../src/base/prng.ts';
import { Member } from '../../src/engine/server/member.ts';
import { copyOf } from '../../src/sim/kept-worlds.ts';
import { hearBy, Past, Seek } from '../../src/sim/keyframes.ts';
import { NearPast } from '../../src/sim/near-past.ts';
import { Lab, noTrace, recordingTrace } from './worlds.ts';

const megabyte = 1024 * 1024;

/** Five seconds under load, with a kill and a partition; the chain hash after each plan. */
function recorded(past: Past, trace = noTrace): { lab: Lab; hashes: Map<number, string> } {
  const lab = new Lab(Member.boot, { seed: 5, trace });
  const hashes = new Map<number, string>();
  const note = (): boolean => {
    past.record(lab);
    hashes.set(lab.cluster.moment, lab.cluster.chainHash);
    return false;
  };
  const runTo = (second: number): void =>
    lab.runUntil(() => note() || lab.cluster.nowUs >= second * 1_000_000);
  runTo(1);
  lab.cluster.act({ type: 'load', kind: 'kubernetes', perSecond: 20 });
  runTo(2);
  lab.cluster.act({ type: 'kill', member: 2 });
  runTo(3);
  lab.cluster.act({ type: 'start', member: 2 });
  lab.cluster.act({ type: 'isolate', member: 1 });
  runTo(4);
  lab.cluster.act({ type: 'healAll' });
  runTo(5);
  return { lab, hashes };
}

test('back and forth at random, each moment has the hash that it had, and the run goes on untouched', () => {
  const past = new Past({ bytes: 48 * megabyte, everyInputs: 200 });
  const { lab, hashes } = recorded(past);
  const end = lab.cluster.chainHash;
  const draws = stream(1, 'seeks');
  for (let i = 0; i < 12; i++) {
    const { cluster } = past.seek(draws.below(lab.cluster.moment + 1));
    expect(cluster.chainHash).toBe(hashes.get(cluster.moment));
  }
  expect(lab.cluster.chainHash).toBe(end);
  expect(past.seek(0).cluster.moment).toBe(0);
  expect(() => past.seek(lab.cluster.moment + 1)).toThrow('past: that has not happened yet');
});

test('a run that nobody heard tells the same once it is done again as if it had been heard all the while', () => {
  const trace = recordingTrace();
  recorded(new Past({ bytes: 48 * megabyte, everyInputs: 100_000 }), trace);
  const past = new Past({ bytes: 48 * megabyte, everyInputs: 50 });
  const { lab } = recorded(past);
  const { moments } = past;
  for (const [i, moment] of moments.entries()) {
    const [from, upTo] = [moment + 1, (moments[i + 1] ?? lab.cluster.moment) - 1];
    const again = recordingTrace();
    past.seek(upTo, again);
    const inIt = ({ at }: { at: { moment: number } }) => at.moment >= from && at.moment <= upTo;
    expect(again.told.filter(inIt)).toEqual(trace.told.filter(inIt));
  }
});

test('the keyframes stay within their bytes, dense where the run is new, with no gap out of measure', () => {
  const past = new Past({ bytes: 16 * megabyte, everyInputs: 100 });
  const { lab } = recorded(past);
  expect(past.sizeBytes).toBeLessThanOrEqual(16 * megabyte);
  const { moments } = past;
  expect(moments.length).toBeGreaterThan(3);
  const gaps = moments.slice(1).map((moment, i) => moment - moments[i]);
  expect(moments[0]).toBe(0);
  expect(lab.cluster.moment - (moments.at(-1) ?? 0)).toBeLessThan(200);
  expect(Math.max(...gaps)).toBeLessThan((lab.cluster.moment / gaps.length) * 9);
});

test('whatever limit is set, no keyframe makes it more, and what is left leads to the hashes noted', () => {
  for (const limit of [4, 12]) {
    const past = new Past({ bytes: limit * megabyte, everyInputs: 50 });
    const lab = new Lab(Member.boot, { seed: limit });
    const hashes = new Map<number, string>();
    let most = 0;
    const note = (): boolean => {
      past.record(lab);
      hashes.set(lab.cluster.moment, lab.cluster.chainHash);
      most = Math.max(most, past.sizeBytes);
      return lab.cluster.nowUs >= 2_500_000;
    };
    lab.runUntil(() => note() || lab.cluster.nowUs >= 1_000_000);
    lab.cluster.act({ type: 'load', kind: 'kubernetes', perSecond: 60 });
    lab.runUntil(note);
    expect(most).toBeLessThanOrEqual(limit * megabyte);
    expect(past.moments.length).toBeGreaterThan(3);
    const draws = stream(limit, 'seeks');
    for (let i = 0; i < 3; i++) {
      const { cluster } = past.seek(draws.below(lab.cluster.moment + 1));
      expect(cluster.chainHash).toBe(hashes.get(cluster.moment));
    }
    past.limitTo(0);
    expect(past.moments).toEqual([0, past.moments.at(-1)]);
    expect(past.seek(1).cluster.chainHash).toBe(hashes.get(past.seek(1).cluster.moment));
  }
});

test('on the way to a moment copies are kept, closer towards it, from which the moments before are near', () => {
  const past = new Past({ bytes: 48 * megabyte, everyInputs: 100_000 });
  const { lab, hashes } = recorded(past);
  const near = new NearPast(6 * megabyte);
  const keyframe = past.keyframeBefore(lab.cluster.moment);
  expect(past.moments).toEqual([0]);

  const go = (moment: number): number => {
    const begin = near.before(moment) ?? keyframe;
    const world = copyOf(begin);
    hearBy(world, noTrace);
    near.begin(world, moment, past);
    const seek = new Seek(world, moment, lab.cluster.interventions);
    while (!seek.isDone) {
      seek.run(1);
      near.pass(world);
    }
    expect(world.cluster.chainHash).toBe(hashes.get(world.cluster.moment));
    return moment - begin.moment;
  };
  const target = Math.floor(lab.cluster.moment * 0.9);
  expect(go(target)).toBe(target);
  const gaps = near.moments.map((moment) => target - moment);
  expect(gaps.length).toBeGreaterThan(3);
  for (let i = 1; i < gaps.length; i++) expect(gaps[i]).toBeLessThan(gaps[i - 1] * 0.75);
  const draws = stream(2, 'steps back');
  let at = target;
  for (let i = 0; i < 30; i++) expect(go((at -= 1 + draws.below(20)))).toBeLessThan(600);
  expect(near.sizeBytes).toBeLessThanOrEqual(6 * megabyte);
  expect(near.moments.length).toBeLessThanOrEqual(24);
  near.clear();
  expect(near.sizeBytes).toBe(0);
});
