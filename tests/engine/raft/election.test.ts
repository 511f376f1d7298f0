/** Elections: who votes for whom, and who may stand. Raft thesis sections 3.4, 4.2.3 and 9.6. */
import { expect, test } from 'vitest';
import { noDefects } from '../../../src/engine/defects.ts';
import { refuseCampaign } from '../../../src/engine/raft/campaign.ts';
import { encodeConfChange } from '../../../src/engine/raft/confchange-codec.ts';
import { decideVote, decideVoteAmongVoters, isInLease } from '../../../src/engine/raft/vote.ts';
import type { RaftEvent } from '../../../src/engine/raft/events.ts';
import { logIndex, nodeId, none, term } from '../../../src/engine/raft/types.ts';
import { emptyBytes } from '../../../src/base/bytes.ts';
import { Cluster, entry, makeNode, message, settle, storageWith } from './cluster.ts';

const voter = {
  term: term(2),
  vote: none,
  lead: none,
  last: { term: term(2), index: logIndex(5) },
  isLearner: false,
};
const request = { type: 'MsgVote' as const, from: nodeId(2), term: term(2), last: voter.last };

test('a free vote goes to a candidate whose log is as good, and the reason is told', () => {
  expect(decideVote(voter, request)).toEqual({ granted: true, because: 'voteIsFree', recordVote: true });
  const again = decideVote({ ...voter, vote: nodeId(2), lead: nodeId(3) }, request);
  expect(again).toEqual({ granted: true, because: 'votedForItBefore', recordVote: true });
});

test('a node votes once in a term, and not against a leader it knows', () => {
  expect(decideVote({ ...voter, vote: nodeId(3) }, request)).toEqual({
    granted: false,
    because: 'alreadyVoted',
  });
  expect(decideVote({ ...voter, lead: nodeId(3) }, request)).toEqual({
    granted: false,
    because: 'leaderKnown',
  });
});

test('a candidate whose log ends earlier or in a lower term gets no vote', () => {
  const shorter = { ...request, last: { term: term(2), index: logIndex(4) } };
  const older = { ...request, last: { term: term(1), index: logIndex(9) } };
  const newer = { ...request, last: { term: term(3), index: logIndex(1) } };
  expect(decideVote(voter, shorter)).toEqual({ granted: false, because: 'logBehind' });
  expect(decideVote(voter, older)).toEqual({ granted: false, because: 'logBehind' });
  expect(decideVote(voter, newer).granted).toBe(true);
});

test('a pre-vote for a later term is granted beside a vote already given, and is not recorded', () => {
  const pre = { ...request, type: 'MsgPreVote' as const, term: term(3) };
  const decision = decideVote({ ...voter, vote: nodeId(3), lead: nodeId(3) }, pre);
  expect(decision).toEqual({ granted: true, because: 'preVoteForLaterTerm', recordVote: false });
  expect(decideVote({ ...voter, vote: nodeId(3) }, { ...pre, term: term(2) }).granted).toBe(false);
});

test('a learner may vote; only the historical rule refuses it', () => {
  const learner = { ...voter, isLearner: true };
  expect(decideVote(learner, request).granted).toBe(true);
  expect(decideVoteAmongVoters(learner, request)).toEqual({ granted: false, because: 'isLearner' });
});

test('the leader lease ends with the election timeout, and a transfer overrides it', () => {
  const node = { checkQuorum: true, lead: nodeId(1), electionElapsed: 9 };
  expect(isInLease(node, 10, false)).toBe(true);
  expect(isInLease({ ...node, electionElapsed: 10 }, 10, false)).toBe(false);
  expect(isInLease({ ...node, lead: none }, 10, false)).toBe(false);
  expect(isInLease({ ...node, checkQuorum: false }, 10, false)).toBe(false);
  expect(isInLease(node, 10, true)).toBe(false);
});

test('a vote given before a restart binds after it', () => {
  const storage = storageWith([1, 2, 3]);
  const first = makeNode(1, storage, { applied: logIndex(2) });
  const ask = (from: number) =>
    message('MsgVote', from, 1, { term: term(5), index: logIndex(2), logTerm: term(1) });
  first.step(ask(2));
  expect(settle(first, storage).sent).toMatchObject([{ type: 'MsgVoteResp', to: 2, reject: false }]);
  const restarted = makeNode(1, storage, { applied: logIndex(2) });
  restarted.step(ask(3));
  restarted.step(ask(2));
  expect(settle(restarted, storage).sent).toMatchObject([
    { type: 'MsgVoteResp', to: 3, reject: true },
    { type: 'MsgVoteResp', to: 2, reject: false },
  ]);
});

/** Node 1 knows of a committed conf change that it has not applied. */
function nodeWithUnappliedChange(campaignAnyway: boolean) {
  const storage = storageWith([1, 2, 3]);
  const change = {
    id: 0n,
    type: 'ConfChangeAddNode' as const,
    nodeId: nodeId(4),
    context: emptyBytes,
  };
  const data = encodeConfChange(change);
  storage.append([{ ...entry(1, 3), type: 'EntryConfChange', data }, entry(1, 4)]);
  storage.setHardState({ term: term(1), vote: none, commit: logIndex(4) });
  const defects = { ...noDefects, campaignWithUnappliedConfChanges: campaignAnyway };
  return makeNode(1, storage, { applied: logIndex(2), defects });
}

test('a node says why it does not stand for election', () => {
  const question = {
    state: 'StateFollower',
    isVoter: true,
    snapshotWaits: false,
    unappliedConfChange: false,
  } as const;
  expect(refuseCampaign(question)).toBeNull();
  expect(refuseCampaign({ ...question, state: 'StateLeader' })).toBe('leadsAlready');
  expect(refuseCampaign({ ...question, isVoter: false, snapshotWaits: true })).toBe('isNoVoter');
  expect(refuseCampaign({ ...question, snapshotWaits: true, unappliedConfChange: true })).toBe(
    'snapshotNotStored',
  );
  expect(refuseCampaign({ ...question, unappliedConfChange: true })).toBe('unappliedConfChange');
});

test('a node with an unapplied conf change does not campaign', () => {
  const node = nodeWithUnappliedChange(false);
  node.campaign();
  expect(node.basicStatus().state).toBe('StateFollower');
  const careless = nodeWithUnappliedChange(true);
  careless.campaign();
  expect(careless.basicStatus().state).toBe('StateCandidate');
});

test('a lower-term pre-vote is answered with the higher term', () => {
  const storage = storageWith([1, 2, 3], [], { term: 7 });
  const node = makeNode(1, storage, { applied: logIndex(2), preVote: true });
  node.step(message('MsgPreVote', 2, 1, { term: term(3), index: logIndex(9), logTerm: term(2) }));
  expect(settle(node, storage).sent).toMatchObject([
    { type: 'MsgPreVoteResp', to: 2, term: 7, reject: true },
  ]);
});

test('a pre-candidate changes neither its term nor its vote', () => {
  const cluster = Cluster.of(3, { preVote: true });
  cluster.passes = () => false;
  cluster.elect(1);
  expect(cluster.node(1).basicStatus()).toMatchObject({ state: 'StatePreCandidate', term: 1, vote: 0 });
  expect(cluster.storages[0].initialState().hardState).toMatchObject({ term: 1, vote: 0 });
});

test('a leader that hears from no quorum for an election timeout steps down', () => {
  const cluster = Cluster.of(3, { checkQuorum: true });
  cluster.elect(1);
  cluster.passes = () => false;
  for (let i = 0; i < 19; i++) cluster.node(1).tick();
  cluster.run();
  expect(cluster.node(1).basicStatus().state).toBe('StateLeader');
  cluster.node(1).tick();
  expect(cluster.node(1).basicStatus()).toMatchObject({ state: 'StateFollower', lead: 0, term: 2 });
});

test('election timeouts are drawn from once to twice the election tick, and fire exactly then', () => {
  const drawn = new Set<number>();
  for (let id = 1; id <= 60; id++) {
    const node = makeNode(id, storageWith([id, id + 1]), { applied: logIndex(2) });
    const timeout = node.basicStatus().randomizedElectionTimeout;
    drawn.add(timeout);
    for (let i = 1; i < timeout; i++) node.tick();
    expect(node.basicStatus().state).toBe('StateFollower');
    node.tick();
    expect(node.basicStatus().state).toBe('StateCandidate');
  }
  expect(Math.min(...drawn)).toBe(10);
  expect(Math.max(...drawn)).toBe(19);
});

test('the trace tells why each vote was given or refused, and changes nothing', () => {
  const run = (on: boolean) => {
    const events: RaftEvent[] = [];
    const cluster = Cluster.of(3, { trace: { on, emit: (event) => events.push(event) }, preVote: true });
    cluster.elect(1);
    cluster.elect(2);
    return { events, states: cluster.nodes.map((node) => node.basicStatus()) };
  };
  const traced = run(true);
  const silent = run(false);
  expect(silent.events).toEqual([]);
  expect(silent.states).toEqual(traced.states);
  const decisions = traced.events.filter((event) => event.type === 'raft.decideVote');
  expect(decisions).toContainEqual({
    type: 'raft.decideVote',
    candidate: 1,
    term: 2,
    pre: false,
    granted: true,
    because: 'voteIsFree',
  });
});
