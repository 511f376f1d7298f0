/** The checkers themselves: what they must pass and what they must not, on histories and events of our own making. */
import { expect, test } from 'vitest';
import { Checkers } from '../../src/sim/checkers/checkers.ts';
import { CommitLog } from '../../src/sim/checkers/commit-log.ts';
import { decide } from '../../src/sim/checkers/linearizability.ts';
import { RaftSafety } from '../../src/sim/checkers/raft-safety.ts';
import { Watches } from '../../src/sim/checkers/watch.ts';
import { canaries } from '../simulation/canaries.ts';
import { histories } from '../simulation/histories.ts';
import type { Finding } from '../../src/sim/checkers/checker.ts';
import type { LabEvent } from '../../src/sim/types.ts';

for (const { title, isGood, history } of histories) {
  test(`the search ${isGood ? 'explains' : 'refuses'} a history: ${title}`, () => {
    expect(decide(history).kind).toBe(isGood ? 'linearizable' : 'contradictory');
  });
}

test('the corpus has histories of both kinds', () => {
  expect(histories.filter(({ isGood }) => isGood).length).toBeGreaterThan(5);
  expect(histories.filter(({ isGood }) => !isGood).length).toBeGreaterThan(5);
});

for (const { id, what, isCaught } of canaries) {
  test(`the harness notices ${id}: ${what}`, { timeout: 60_000 }, () => {
    expect(isCaught()).toBe(true);
  });
}

type Event<Type extends LabEvent['type']> = Extract<LabEvent, { type: Type }>;

const at = (member: number, moment = 1) => ({ member, moment, ordinal: 0, timeUs: 0 });

test('the first violation stays, with its moment', () => {
  const checkers = new Checkers([new RaftSafety()]);
  const leads = { type: 'raft.becomeLeader', term: 2 } as LabEvent;
  checkers.emit(at(1, 7), leads);
  expect(checkers.violation).toBeNull();
  checkers.emit(at(2, 9), leads);
  checkers.emit(at(3, 11), leads);
  expect(checkers.violation).toMatchObject({ property: 'C1', moment: 9 });
});

const hears = (events: readonly string[]): Event<'sim.watch'> => ({
  ...{ type: 'sim.watch', watch: 5, clusterId: '1', memberId: '1', revision: 9, raftTerm: 1 },
  ...{ compactRevision: 0, events, ended: '' },
});

test.each([
  ['another key', ['put 78,31,2,2,1,0'], 'does not watch'],
  ['an earlier revision later', ['put 61,31,3,3,1,0', 'put 61,32,2,2,1,0'], 'earlier revision later'],
  ['what was before its beginning', ['put 61,31,1,1,1,0'], 'was before'],
])('a watch must not hear of %s', (_, events, words) => {
  const watches = new Watches(new CommitLog());
  watches.begin(5, { type: 'watch', key: 'a', revision: 2 });
  const found = watches.observe(at(0), hears(events)) as Finding;
  expect(found.text).toContain(words);
  expect(found.about).toMatchObject([{ kind: 'key' }]);
});

test('a revision must not come in two parts', () => {
  const watches = new Watches(new CommitLog());
  watches.begin(5, { type: 'watch', key: 'a', prefix: true });
  expect(watches.observe(at(0), hears(['put 61,31,2,2,1,0']))).toBeNull();
  const found = watches.observe(at(0), hears(['put 6162,31,2,2,1,0'])) as Finding;
  expect(found.text).toContain('two parts');
  expect(found.about).toEqual([{ kind: 'key', key: 'ab' }]);
});

test('a watch that is told wrongly accuses the watcher that serves it, not one of the same keys beside it', () => {
  const watches = new Watches(new CommitLog());
  const asks = (request: number, deliverAt: number): Event<'sim.clientSend'> => ({
    ...{ type: 'sim.clientSend', request, to: 2, method: 'etcdserverpb.Watch/Watch', label: '' },
    ...{ sentAt: 0, deliverAt },
  });
  const comes = (watcher: number): Event<'watch.move'> => ({
    ...{ type: 'watch.move', watcher, id: '0', key: 'a', end: 'b', from: 'gone', to: 'synced' },
    minRevision: 2,
  });
  for (const id of [4, 5, 6]) watches.begin(id, { type: 'watch', key: id === 6 ? 'x' : 'a', prefix: true });
  watches.observe(at(0), asks(6, 100));
  watches.observe(at(0), asks(4, 400));
  watches.observe(at(0), asks(5, 300));
  watches.observe({ ...at(2), timeUs: 300 }, comes(7));
  watches.observe({ ...at(2), timeUs: 400 }, comes(8));
  watches.observe(at(0), hears(['put 61,31,3,3,1,0']));
  const found = watches.observe(at(0), hears(['put 61,31,2,2,1,0'])) as Finding;
  expect(found.about).toEqual([
    { kind: 'key', key: 'a' },
    { kind: 'watcher', watcher: 7, member: 2 },
  ]);
});
