import { expect, test } from 'vitest';
import fc from 'fast-check';
import { pageKinds } from '../../src/engine/bolt/page.ts';
import { logIndex, nodeId, term } from '../../src/engine/raft/types.ts';
import { emptyCluster, foldCluster, isIsolated, leaderOf } from '../../src/model/cluster-view.ts';
import { timerLeft } from '../../src/model/election-timer.ts';
import { emptyJourney, foldJourney, stationOf } from '../../src/model/journey.ts';
import { emptyLogs, foldLogs, stateOf } from '../../src/model/log-view.ts';
import { emptyPageMaps, foldPageMaps, mapKinds } from '../../src/model/page-map.ts';
import { foldPast, hintFor, noPast } from '../../src/model/guide.ts';
import { electedStory, Story } from './fixtures/story.ts';
import type { Told } from '../../src/model/told.ts';

const folds = {
  cluster: (batches: Told[][]) => batches.reduce(foldCluster, emptyCluster(3)),
  logs: (batches: Told[][]) => batches.reduce(foldLogs, emptyLogs(3)),
  pages: (batches: Told[][]) => batches.reduce(foldPageMaps, emptyPageMaps(3)),
  journey: (batches: Told[][]) => batches.reduce(foldJourney, emptyJourney(3)),
};

function fullStory(): Story {
  const story = electedStory().put().heartbeat().kill(2);
  story.timeUs += 1_400_000;
  return story.elect(3).put('put color blue');
}

test('a view does not depend on how its events were cut into batches, and no fold changes the view before', () => {
  const events = fullStory().sorted();
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: events.length - 1 }), { maxLength: 12 });
  for (const [name, fold] of Object.entries(folds)) {
    const whole = fold([events]);
    fc.assert(
      fc.property(cuts, (at) => {
        const edges = [0, ...at.toSorted((a, b) => a - b), events.length];
        const batches = edges.slice(1).map((end, i) => events.slice(edges[i], end));
        expect(fold(batches), name).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  }
  const before = folds.pages([events.slice(0, 60)]);
  const copy = structuredClone(before);
  foldPageMaps(before, events.slice(60));
  expect(before).toEqual(copy);
});

test('the member that was elected leads, until it is killed and another wins a later term', () => {
  const story = electedStory();
  expect(leaderOf(folds.cluster([story.sorted()]))).toMatchObject({ id: 2, term: 2, timer: null });
  story.kill(2);
  const killed = folds.cluster([story.sorted()]);
  expect(leaderOf(killed)).toBeNull();
  expect(killed.members[1]).toMatchObject({ process: 'down', role: 'follower', term: 2 });
  story.timeUs += 1_400_000;
  expect(leaderOf(folds.cluster([story.elect(1).sorted()]))).toMatchObject({ id: 1, term: 3 });
});

test('a candidate counts each vote once, and a refusal not at all', () => {
  const vote = (from: number, reject: boolean) =>
    ({
      type: 'raft.receiveRequestVoteResponse',
      messageType: 'MsgVoteResp',
      pre: false,
      from: nodeId(from),
      to: nodeId(1),
      term: term(2),
      index: logIndex(0),
      logTerm: term(0),
      entryCount: 0,
      commit: logIndex(0),
      reject,
    }) as const;
  const story = new Story().tell(1, { type: 'raft.becomeCandidate', term: term(2) });
  story.tell(1, vote(2, true)).tell(1, vote(3, false)).tell(1, vote(3, false));
  expect(folds.cluster([story.told]).members[0].votes).toEqual([1, 3]);
});

test('a message is in the picture from its sending to its arrival; a lost one stays for a moment', () => {
  const story = new Story();
  const arrives = story.message(1, 2, 'MsgApp', { entryCount: 1 });
  const sent = story.told.slice(0, 1);
  expect(folds.cluster([sent]).messages).toHaveLength(1);
  expect(folds.cluster([story.told]).messages).toEqual([]);
  const lost = new Story();
  lost.told.push(...sent);
  lost.timeUs = arrives;
  lost.tell(0, { type: 'sim.drop', message: 1, because: 'cut' });
  expect(folds.cluster([lost.told]).messages[0].lost).toEqual({ atUs: arrives, because: 'cut' });
  lost.timeUs += 1_000_000;
  expect(folds.cluster([lost.tell(1, { type: 'sim.resume' }).told]).messages).toEqual([]);
});

test('a member is isolated only when every one of its links is cut both ways', () => {
  const story = new Story();
  for (const other of [2, 3]) story.tell(0, { type: 'sim.cut', from: 1, to: other });
  expect(isIsolated(folds.cluster([story.told]), 1)).toBe(false);
  for (const other of [2, 3]) story.tell(0, { type: 'sim.cut', from: other, to: 1 });
  const cut = folds.cluster([story.told]);
  expect([1, 2, 3].map((id) => isIsolated(cut, id))).toEqual([true, false, false]);
  expect(folds.cluster([story.tell(0, { type: 'sim.heal', from: 3, to: 1 }).told]).cuts).toHaveLength(3);
});

test('an election timer drains from full to empty in its number of ticks', () => {
  const timer = { resetAtUs: 1_000_000, timeoutTicks: 10 };
  expect([1_000_000, 1_500_000, 2_000_000, 9_000_000].map((at) => timerLeft(timer, at, 100_000))).toEqual([
    1, 0.5, 0, 0,
  ]);
});

test('an entry goes from memory to disk to committed to applied', () => {
  const story = electedStory().put();
  const states: string[] = [];
  let logs = emptyLogs(3);
  for (const told of story.sorted()) {
    logs = foldLogs(logs, [told]);
    const log = logs.members[0];
    const state = log.entries.length < 2 ? 'none' : stateOf(log, 2);
    if (states.at(-1) !== state) states.push(state);
  }
  expect(states).toEqual(['none', 'unstable', 'stable', 'committed', 'applied']);
  expect(logs.members[0].entries[1]).toEqual({ index: 2, term: 2, label: 'put greeting hello' });
  expect(logs.members[1].progress).toEqual([
    { peer: 1, state: 'replicate', match: 2, next: 3 },
    { peer: 3, state: 'replicate', match: 2, next: 3 },
  ]);
});

test('entries of another leader replace what was not committed, and their labels with them', () => {
  const story = new Story();
  story.tell(1, { type: 'raft.append', index: logIndex(1), entryTerms: [1, 1, 1], truncated: 0 });
  story.tell(1, {
    type: 'server.entries',
    firstIndex: 1,
    entryTerms: [1, 1, 1],
    labels: ['', 'put a 1', 'put b 2'],
  });
  story.tell(1, { type: 'raft.stable', index: logIndex(3), term: term(1) });
  story.tell(1, { type: 'raft.append', index: logIndex(2), entryTerms: [2], truncated: 2 });
  const [log] = folds.logs([story.told]).members;
  expect(log.entries).toEqual([
    { index: 1, term: 1, label: '' },
    { index: 2, term: 2, label: '' },
  ]);
  expect(log).toMatchObject({ stableIndex: 1, truncation: { index: 2, count: 2 } });
});

test('the page kinds of the map are those of the store, in its order', () => {
  expect(mapKinds).toEqual([...pageKinds, 'never']);
});

test('a commit frees the pages it replaces, lights the ones it wrote and is stored at its end', () => {
  const story = electedStory().put();
  const [pages] = folds.pages([story.sorted()]).members;
  expect([...pages.kinds].map((kind) => mapKinds[kind])).toEqual([
    'meta',
    'meta',
    'freelist',
    'leaf',
    'branch',
    'leaf',
    'leaf',
    'leaf',
    'leaf',
    'pending',
    'pending',
    'leaf',
    'branch',
  ]);
  expect(pages.commit).toMatchObject({ txid: 3, pages: [1, 11, 12], stored: true });
  expect(pages.metas).toEqual([2, 3]);
  const unfinished = story.sorted().filter(({ event }) => event.type !== 'backend.committed');
  expect(folds.pages([unfinished]).members[0].commit?.stored).toBe(false);
});

test('each station of a put is lit by its own event: without it the station stays dark', () => {
  const story = electedStory().put();
  const lights: Record<string, string> = {
    'server.entries': 'appended',
    'wal.synced': 'synced',
    'raft.commit': 'committed',
    'server.apply': 'applied',
    'sim.clientDone': 'answered',
    'backend.commit': 'batched',
    'backend.committed': 'stored',
  };
  const whole = folds.journey([story.sorted()]);
  expect(whole.stations.filter(({ litAtUs }) => litAtUs === null)).toEqual([]);
  for (const [type, station] of Object.entries(lights)) {
    const without = folds.journey([story.sorted().filter(({ event }) => event.type !== type)]);
    expect(without.stations.find(({ id }) => id === station)?.litAtUs, type).toBeNull();
  }
});

test('a put is acknowledged by a majority, not by the leader alone', () => {
  const events = electedStory().put().sorted();
  const alone = events.filter(({ event }) => event.type !== 'raft.progress');
  const station = stationOf(folds.journey([alone]), 'acknowledged');
  expect(station.marks.map(({ member }) => member)).toEqual([2]);
  expect(station.litAtUs).toBeNull();
});

test('a second put of the same text is followed by its own entry', () => {
  const journey = folds.journey([electedStory().put().put().sorted()]);
  expect(journey).toMatchObject({ request: 2, index: 3 });
  expect(stationOf(journey, 'applied').marks.map(({ detail }) => detail)).toEqual([3, 3, 3]);
});

test('the guide leads from the put over the kill and the read to the repair', () => {
  const story = electedStory();
  const hint = () => {
    const told = story.sorted();
    return hintFor(folds.cluster([told]), folds.journey([told]), foldPast(noPast, told)).kind;
  };
  expect(hint()).toBe('put');
  story.put();
  expect(hint()).toBe('kill');
  story.kill(2);
  expect(hint()).toBe('noLeader');
  story.timeUs += 1_400_000;
  story.elect(3);
  expect(hint()).toBe('get');
  const { timeUs } = story;
  const method = 'etcdserverpb.KV/Range';
  story.tell(0, {
    type: 'sim.clientSend',
    request: 9,
    to: 3,
    method,
    label: 'get greeting',
    sentAt: timeUs,
    deliverAt: timeUs,
  });
  expect(hint()).toBe('repair');
  story.start(2);
  expect(hint()).toBe('free');
});
