/** The past of a run: every moment is found again, as it was, within the bytes that are given. */
import { expect, test } from 'vitest';
import { stream } from '../../src/base/prng.ts';
import { Member } from '../../src/engine/server/member.ts';
import { Past } from '../../src/sim/keyframes.ts';
import { Lab } from './worlds.ts';

const megabyte = 1024 * 1024;

/** Five seconds under load, with a kill and a partition; the chain hash after each plan. */
function recorded(past: Past): { lab: Lab; hashes: Map<number, string> } {
  const lab = new Lab(Member.boot, { seed: 5 });
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
