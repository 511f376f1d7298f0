/** What a leader does beside replicating: reads, conf changes, handing over. */
import { expect, test } from 'vitest';
import { emptyBytes } from '../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { RaftError } from '../../../src/engine/raft/errors.ts';
import { refuseConfChange, refuseProposals } from '../../../src/engine/raft/propose.ts';
import { ReadOnly } from '../../../src/engine/raft/read-only.ts';
import { refuseTransfer } from '../../../src/engine/raft/step-leader.ts';
import type { ConfChangeSingle, ConfChangeV2, Message, ReadState } from '../../../src/engine/raft/types.ts';
import { logIndex, nodeId, term } from '../../../src/engine/raft/types.ts';
import { newMessage } from '../../../src/engine/raft/message.ts';
import { decodeConfChange } from '../../../src/engine/raft/confchange-codec.ts';
import { MemoryStorage } from '../../../src/engine/raft/storage.ts';
import { Cluster, makeNode, message, storageWith } from './cluster.ts';

const bytes = encodeUtf8;
const change = (...changes: ConfChangeSingle[]): ConfChangeV2 => ({
  transition: 'ConfChangeTransitionAuto',
  changes,
  context: emptyBytes,
});
const addNode = (id: number): ConfChangeSingle => ({ type: 'ConfChangeAddNode', nodeId: nodeId(id) });
const dropped = new RaftError('raft proposal dropped');

test('a conf change waits for the one before it, and for everything an election left', () => {
  const question = { pendingConfIndex: logIndex(5), applied: logIndex(5), isJoint: false, changeCount: 1 };
  expect(refuseConfChange(question)).toBeNull();
  expect(refuseConfChange({ ...question, applied: logIndex(4) })).toBe('unappliedConfChange');
  expect(refuseConfChange({ ...question, isJoint: true })).toBe('mustLeaveJointFirst');
  expect(refuseConfChange({ ...question, isJoint: true, changeCount: 0 })).toBeNull();
  expect(refuseConfChange({ ...question, changeCount: 0 })).toBe('notJoint');
});

test('a second conf change is replaced by an empty entry while the first is not applied', () => {
  const cluster = Cluster.of(3);
  cluster.elect(1);
  cluster.node(1).proposeConfChange(change(addNode(4)));
  cluster.node(1).proposeConfChange(change(addNode(5)));
  const types = cluster
    .node(1)
    .logEntries(logIndex(4))
    .map(({ type, data }) => [type, data.length > 0]);
  expect(types).toEqual([
    ['EntryConfChangeV2', true],
    ['EntryNormal', false],
  ]);
  cluster.run();
  expect(cluster.node(1).status().config.voters).toEqual([1, 2, 3, 4]);
});

test('a new leader refuses conf changes until it has applied all that its log held', () => {
  const cluster = new Cluster([storageWith([1, 2], [1]), storageWith([1, 2], [1])]);
  cluster.passes = (m) => m.type !== 'MsgApp';
  cluster.elect(1);
  cluster.node(1).proposeConfChange(change(addNode(3)));
  expect(cluster.node(1).logEntries().at(-1)).toMatchObject({ type: 'EntryNormal', index: 5 });
});

test('an automatic joint change is left as soon as it is applied', () => {
  const cluster = new Cluster([1, 2, 3, 4, 5].map((id) => storageWith(id < 4 ? [1, 2, 3] : [1, 2, 3])));
  cluster.elect(1);
  cluster.node(1).proposeConfChange(change(addNode(4), addNode(5)));
  cluster.run();
  expect(cluster.node(1).status().config).toMatchObject({ voters: [1, 2, 3, 4, 5], votersOutgoing: [] });
  expect(cluster.applied[0].filter(({ type }) => type === 'EntryConfChangeV2')).toHaveLength(2);
});

test('a change that cannot be applied stops the node', () => {
  const cluster = Cluster.of(2);
  const removeAll = change(
    { type: 'ConfChangeRemoveNode', nodeId: nodeId(1) },
    { type: 'ConfChangeRemoveNode', nodeId: nodeId(2) },
  );
  expect(() => cluster.node(1).applyConfChange(removeAll)).toThrow('removed all voters');
});

test('a leader that removes itself steps down only if it is told to', () => {
  for (const stepDownOnRemoval of [false, true]) {
    const cluster = Cluster.of(3, { stepDownOnRemoval });
    cluster.elect(1);
    cluster.node(1).proposeConfChange(change({ type: 'ConfChangeRemoveNode', nodeId: nodeId(1) }));
    cluster.run();
    expect(cluster.node(1).basicStatus().state).toBe(stepDownOnRemoval ? 'StateFollower' : 'StateLeader');
    expect(() => cluster.node(1).propose(bytes('x'))).toThrow(dropped);
  }
});

/** Runs a cluster and collects the reads it confirms. */
function collectReads(cluster: Cluster, id: number): ReadState[] {
  const node = cluster.node(id);
  const states: ReadState[] = [];
  const ready = node.ready.bind(node);
  node.ready = () => {
    const next = ready();
    states.push(...next.readStates);
    return next;
  };
  return states;
}

test('a read waits for the first commit of the term, then for a quorum of heartbeats', () => {
  const cluster = Cluster.of(3);
  const states = collectReads(cluster, 1);
  cluster.passes = (m) => m.type !== 'MsgApp';
  cluster.elect(1);
  cluster.node(1).readIndex(bytes('r'));
  cluster.run();
  expect(states).toEqual([]);
  cluster.passes = () => true;
  cluster.node(1).tick();
  cluster.run();
  expect(states).toEqual([{ index: 3, requestContext: bytes('r') }]);
});

test('a lone voter that has lost its commit index in a crash reads nothing older than what it had acknowledged', () => {
  const storage = storageWith([1], [1, 1]);
  const cluster = new Cluster([storage]);
  const node = cluster.node(1);
  const states = collectReads(cluster, 1);
  node.campaign();
  const { hardState } = node.ready();
  if (hardState !== null) storage.setHardState(hardState);
  node.advance();
  expect(node.basicStatus()).toMatchObject({ state: 'StateLeader', commit: 2 });
  node.readIndex(bytes('r'));
  cluster.run();
  expect(states).toEqual([{ index: 5, requestContext: bytes('r') }]);
});

test('a leader that is cut off confirms no read', () => {
  const cluster = Cluster.of(3);
  cluster.elect(1);
  const states = collectReads(cluster, 1);
  cluster.passes = (m) => m.from !== 1 && m.to !== 1;
  cluster.node(1).readIndex(bytes('r'));
  cluster.elect(2);
  cluster.node(1).tick();
  cluster.run();
  expect(states).toEqual([]);
});

test('a follower asks the leader and gets the index back', () => {
  const cluster = Cluster.of(3);
  cluster.elect(1);
  const states = collectReads(cluster, 3);
  cluster.node(3).readIndex(bytes('far'));
  cluster.run();
  expect(states).toEqual([{ index: 3, requestContext: bytes('far') }]);
});

test('a lease based leader answers at once', () => {
  const cluster = Cluster.of(3, { checkQuorum: true, readOnlyOption: 'ReadOnlyLeaseBased' });
  cluster.elect(1);
  cluster.passes = () => false;
  const states = collectReads(cluster, 1);
  cluster.node(1).readIndex(bytes('r'));
  cluster.run();
  expect(states).toEqual([{ index: 3, requestContext: bytes('r') }]);
});

test('an answer to a later heartbeat confirms all reads before it, an earlier one not those after', () => {
  const queue = new ReadOnly();
  const voters = { voters: [nodeId(1), nodeId(2), nodeId(3)], votersOutgoing: [] };
  const read = newMessage('MsgReadIndex', nodeId(1));
  queue.add(logIndex(4), read);
  const first = queue.heartbeatContext() ?? emptyBytes;
  queue.add(logIndex(5), read);
  queue.add(logIndex(6), read);
  const third = queue.heartbeatContext() ?? emptyBytes;
  queue.receiveAck(nodeId(1), third);
  queue.receiveAck(nodeId(2), first);
  expect(queue.maybeAdvance(voters).map(({ index }) => index)).toEqual([4]);
  expect(queue.maybeAdvance(voters)).toEqual([]);
  queue.receiveAck(nodeId(3), third);
  expect(queue.maybeAdvance(voters).map(({ index }) => index)).toEqual([5, 6]);
  expect(queue.heartbeatContext()).toBeNull();
});

test('leadership goes to a follower with the whole log, without a pre-vote', () => {
  const cluster = Cluster.of(3, { preVote: true, checkQuorum: true });
  cluster.elect(1);
  cluster.node(1).transferLeader(nodeId(3));
  cluster.run();
  expect(cluster.node(3).basicStatus()).toMatchObject({ state: 'StateLeader', term: 3 });
  expect(cluster.node(1).basicStatus()).toMatchObject({ state: 'StateFollower', lead: 3 });
});

test('a transfer brings the target up to date first', () => {
  const cluster = Cluster.of(3);
  cluster.passes = (m) => m.to !== 3;
  cluster.elect(1);
  cluster.node(1).propose(bytes('x'));
  cluster.run();
  cluster.passes = () => true;
  cluster.node(1).tick();
  cluster.run();
  cluster.node(1).transferLeader(nodeId(3));
  cluster.run();
  expect(cluster.node(3).basicStatus().state).toBe('StateLeader');
});

test('during a transfer proposals are dropped; it is given up after an election timeout', () => {
  const cluster = Cluster.of(3);
  cluster.elect(1);
  cluster.passes = () => false;
  cluster.node(1).transferLeader(nodeId(2));
  expect(() => cluster.node(1).propose(bytes('x'))).toThrow(dropped);
  for (let i = 0; i < 9; i++) cluster.node(1).tick();
  expect(cluster.node(1).basicStatus().leadTransferee).toBe(2);
  cluster.node(1).tick();
  expect(cluster.node(1).basicStatus()).toMatchObject({ leadTransferee: 0, state: 'StateLeader' });
  cluster.node(1).propose(bytes('x'));
});

test('leadership goes neither to a learner nor to itself, and a new target replaces the old one', () => {
  const storages = [1, 2, 3, 4].map(() => storageWith([1, 2, 3], [], {}, [4]));
  const cluster = new Cluster(storages);
  cluster.elect(1);
  cluster.passes = () => false;
  const leader = cluster.node(1);
  leader.transferLeader(nodeId(4));
  expect(leader.basicStatus().leadTransferee).toBe(0);
  leader.transferLeader(nodeId(2));
  leader.transferLeader(nodeId(3));
  expect(leader.basicStatus().leadTransferee).toBe(3);
  leader.transferLeader(nodeId(1));
  expect(leader.basicStatus().leadTransferee).toBe(0);
});

test('a follower that forgets its leader votes at once, unless reads rest on its loyalty', () => {
  const cluster = Cluster.of(3, { checkQuorum: true });
  cluster.elect(1);
  const ask = message('MsgVote', 3, 2, { term: term(9), index: logIndex(9), logTerm: term(2) });
  cluster.node(2).step(ask);
  expect(cluster.node(2).basicStatus().term).toBe(2);
  cluster.node(2).forgetLeader();
  expect(cluster.node(2).basicStatus().lead).toBe(0);
  cluster.node(2).step(ask);
  expect(cluster.node(2).basicStatus()).toMatchObject({ term: 9, vote: 3 });
  const lease = Cluster.of(3, { checkQuorum: true, readOnlyOption: 'ReadOnlyLeaseBased' });
  lease.elect(1);
  lease.node(2).forgetLeader();
  expect(lease.node(2).basicStatus().lead).toBe(1);
});

test('the target is told to campaign only when it has the whole log', () => {
  const cluster = Cluster.of(3);
  cluster.elect(1);
  const sent: Message[] = [];
  cluster.passes = (m) => (sent.push(m), m.to !== 3);
  cluster.node(1).propose(bytes('x'));
  cluster.node(1).transferLeader(nodeId(3));
  cluster.run();
  expect(sent.map(({ type }) => type)).not.toContain('MsgTimeoutNow');
  cluster.passes = () => true;
  cluster.node(1).tick();
  cluster.run();
  expect(cluster.node(3).basicStatus().state).toBe('StateLeader');
});

test('a hand-over ends when its target is removed', () => {
  const cluster = Cluster.of(3);
  cluster.elect(1);
  cluster.passes = (m) => m.to !== 2;
  const changes = [{ type: 'ConfChangeRemoveNode', nodeId: nodeId(2) }] as const;
  cluster.node(1).proposeConfChange({ transition: 'ConfChangeTransitionAuto', changes, context: emptyBytes });
  cluster.node(1).transferLeader(nodeId(2));
  expect(cluster.node(1).basicStatus().leadTransferee).toBe(2);
  cluster.run();
  expect(cluster.node(1).status()).toMatchObject({ leadTransferee: 0, config: { voters: [1, 3] } });
  cluster.node(1).propose(bytes('x'));
});

test('a read asked again under its id is another read: an answer to the first confirms neither it nor others', () => {
  const cluster = Cluster.of(3);
  cluster.elect(1);
  const states = collectReads(cluster, 1);
  const late: Message[] = [];
  cluster.passes = (m) => m.from !== 3 || m.type !== 'MsgHeartbeatResp' || (late.push(m), false);
  cluster.node(1).readIndex(bytes('a'));
  cluster.run();
  expect(states).toEqual([{ index: 3, requestContext: bytes('a') }]);
  cluster.passes = (m) => m.from !== 1;
  cluster.node(1).readIndex(bytes('b'));
  cluster.node(1).readIndex(bytes('a'));
  cluster.run();
  expect(late).toHaveLength(1);
  cluster.deliver(late[0]);
  cluster.run();
  expect(states).toHaveLength(1);
});

test('a leader says why it takes no proposals, and why it does not hand over', () => {
  expect(refuseProposals({ isMember: true, leadTransferee: nodeId(0) })).toBeNull();
  expect(refuseProposals({ isMember: false, leadTransferee: nodeId(2) })).toBe('isRemoved');
  expect(refuseProposals({ isMember: true, leadTransferee: nodeId(2) })).toBe('handsOver');
  const question = { self: nodeId(1), transferee: nodeId(2), isLearner: false, leadTransferee: nodeId(3) };
  expect(refuseTransfer(question)).toBeNull();
  expect(refuseTransfer({ ...question, isLearner: true })).toBe('toLearner');
  expect(refuseTransfer({ ...question, leadTransferee: nodeId(2) })).toBe('underWay');
  expect(refuseTransfer({ ...question, transferee: nodeId(1) })).toBe('toItself');
});

test('a cluster is born with one committed change for each member, and can elect at once', () => {
  const storage = new MemoryStorage();
  const node = makeNode(2, storage);
  const peers = ['a', '', 'c'].map((context, i) => ({ id: nodeId(i + 1), context: bytes(context) }));
  expect(() => node.bootstrap([])).toThrow(new RaftError('must provide at least one peer to Bootstrap'));
  node.bootstrap(peers);
  expect(node.status()).toMatchObject({ term: 1, commit: 3, applied: 0, config: { voters: [1, 2, 3] } });
  const { hardState, entries, committedEntries, mustSync } = node.ready();
  expect({ hardState, mustSync }).toEqual({ hardState: { term: 1, vote: 0, commit: 3 }, mustSync: true });
  expect(entries.map(({ term: of, index, type }) => [of, index, type])).toEqual(
    [1, 2, 3].map((index) => [1, index, 'EntryConfChange']),
  );
  expect(committedEntries.map(({ data }) => decodeConfChange(data))).toEqual(
    peers.map(({ id, context }) => ({ id: 0n, type: 'ConfChangeAddNode', nodeId: id, context })),
  );
  storage.append(entries);
  node.advance();
  expect(() => node.bootstrap(peers)).toThrow(new RaftError("can't bootstrap a nonempty Storage"));
  node.campaign();
  expect(node.basicStatus()).toMatchObject({ state: 'StateCandidate', term: 2 });
});
