/** What of a picture a violation is about. */
import { expect, test } from 'vitest';
import { AccusedParts, accusedMembers } from '../../src/model/violation.ts';
import type { Accused, Violation } from '../../src/sim/checkers/checker.ts';

const violation = (...about: readonly Accused[]): Violation => {
  return { property: 'C1', sentence: 'All is well.', evidence: 'It is not.', about, moment: 7 };
};

test('a thing at one member is meant there alone, one without a member wherever it is', () => {
  const parts = new AccusedParts(
    violation({ kind: 'entry', index: 5 }, { kind: 'entry', index: 6, member: 2 }, { kind: 'key', key: 'a' }),
  );
  expect([1, 2].map((member) => parts.entry(member, 5))).toEqual([true, true]);
  expect([1, 2].map((member) => parts.entry(member, 6))).toEqual([false, true]);
  expect(parts.entry(1, 7)).toBe(false);
  expect([parts.key(3, 'a'), parts.key(3, 'b')]).toEqual([true, false]);
});

test('a message is accused with the way that it takes, not with the way back', () => {
  const parts = new AccusedParts(violation({ kind: 'message', message: 41, from: 1, to: 2 }));
  expect([parts.message(41), parts.message(42)]).toEqual([true, false]);
  expect([parts.link(1, 2), parts.link(2, 1)]).toEqual([true, false]);
});

test('a lease is known by its number, however many zeros it is written with; pages and watchers by their member', () => {
  const parts = new AccusedParts(
    violation(
      { kind: 'lease', lease: '1f' },
      { kind: 'page', page: 7, member: 2 },
      { kind: 'watcher', watcher: 0, member: 3 },
    ),
  );
  expect([parts.lease('000000000000001f'), parts.lease('f1')]).toEqual([true, false]);
  expect([parts.pages(2), parts.pages(1)]).toEqual([[7], []]);
  expect([parts.watcher(3, 0), parts.watcher(2, 0)]).toEqual([true, false]);
});

test('without a violation nothing is accused', () => {
  expect(accusedMembers(null)).toEqual([]);
  expect(new AccusedParts(null).about).toEqual([]);
  expect(accusedMembers(violation({ kind: 'member', member: 2 }, { kind: 'key', key: 'm1' }))).toEqual([2]);
});
