/** Replication: what is sent and committed, how logs are reconciled. Raft thesis sections 3.5 and 3.6. */
import { expect, test } from 'vitest';
import { InvariantError } from '../../../src/base/assert.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { decideCommit } from '../../../src/engine/raft/commit.ts';
import { RaftError } from '../../../src/engine/raft/errors.ts';
import type { RaftEvent } from '../../../src/engine/raft/events.ts';
import type { Entry, Message } from '../../../src/engine/raft/types.ts';
import { logIndex, nodeId, term } from '../../../src/engine/raft/types.ts';
import { Cluster, entry, makeNode, message, settle, storageWith } from './cluster.ts';

const bytes = encodeUtf8;
const progressOf = (cluster: Cluster, leader: number, peer: number) =>
  cluster
    .node(leader)
    .status()
    .progress.find(({ id }) => id === peer);

test('a leader commits by counting only in its own term', () => {
  const question = {
    committed: logIndex(3),
    quorumIndex: logIndex(5),
    entryTerm: term(4),
    term: term(4),
  };
  expect(decideCommit(question)).toBe('commits');
  expect(decideCommit({ ...question, entryTerm: term(3) })).toBe('olderTerm');
  expect(decideCommit({ ...question, quorumIndex: logIndex(3) })).toBe('notAhead');
});

test('a new leader appends an empty entry of its term, and with it commits what older terms left', () => {
  const cluster = new Cluster([
    storageWith([1, 2, 3], [1, 1]),
    storageWith([1, 2, 3], [1, 1]),
    storageWith([1, 2, 3]),
  ]);
  cluster.passes = (m) => m.type !== 'MsgApp';
  cluster.elect(1);
  expect(cluster.terms(1)).toEqual([1, 1, 2]);
  // A majority has the old entries, and the leader hears of it: they stay uncommitted all the same.
  cluster.deliver(message('MsgAppResp', 2, 1, { term: term(2), index: logIndex(4) }));
  cluster.run();
  expect(progressOf(cluster, 1, 2)).toMatchObject({ match: 4 });
  expect(cluster.commit(1)).toBe(2);
  cluster.passes = () => true;
  cluster.node(1).tick();
  cluster.run();
  cluster.node(1).tick();
  cluster.run();
  expect([1, 2, 3].map((id) => cluster.commit(id))).toEqual([5, 5, 5]);
});

/** How many appends a leader needs to bring a follower's log to its own. */
function probesFor(leader: readonly number[], follower: readonly number[], campaignTerm: number): number {
  const at = 2;
  const cluster = new Cluster([
    storageWith([1, 2, 3], leader, { term: campaignTerm - 1 }, [], at),
    storageWith([1, 2, 3], follower, { term: campaignTerm - 1 }, [], at),
    storageWith([1, 2, 3], [], { term: campaignTerm - 1 }, [], at),
  ]);
  // Node 3 votes for the leader, and is then silent.
  let rejections = 0;
  cluster.passes = (m) => {
    if (m.type === 'MsgAppResp' && m.from === 2 && m.reject) rejections++;
    return m.to !== 3 || m.type === 'MsgVote';
  };
  cluster.elect(1);
  expect(cluster.terms(2)).toEqual(cluster.terms(1));
  expect(cluster.terms(1)).toEqual([...leader, campaignTerm]);
  return rejections;
}

test('the leader skips its own terms that cannot match the hint', () => {
  expect(probesFor([1, 3, 3, 3, 5, 5, 5, 5, 5], [1, 1, 1, 1, 2, 2], 7)).toBe(1);
});

test('the follower skips its own terms that the leader cannot have', () => {
  expect(probesFor([1, 3, 3, 3, 3, 3, 3, 3, 7], [1, 3, 3, 4, 4, 5, 5, 5, 6], 9)).toBe(2);
});

test('a stale rejection never moves next to or below match', () => {
  const cluster = Cluster.of(2);
  cluster.elect(1);
  cluster.node(1).reportUnreachable(nodeId(2));
  const before = progressOf(cluster, 1, 2);
  expect(before).toMatchObject({ state: 'probe', match: 3, next: 4 });
  const stale = message('MsgAppResp', 2, 1, {
    term: term(2),
    index: logIndex(3),
    reject: true,
    rejectHint: logIndex(1),
  });
  cluster.node(1).step(stale);
  expect(progressOf(cluster, 1, 2)).toMatchObject({ match: 3, next: 4 });
});

test('an append with a gap is refused with a hint, and changes no log', () => {
  const storage = storageWith([1, 2, 3], [1, 1]);
  const node = makeNode(1, storage, { applied: logIndex(2) });
  node.step(
    message('MsgApp', 2, 1, { term: term(2), index: logIndex(9), logTerm: term(2), entries: [entry(2, 10)] }),
  );
  const { sent } = settle(node, storage);
  expect(sent).toMatchObject([{ type: 'MsgAppResp', reject: true, index: 9, rejectHint: 4, logTerm: 1 }]);
  expect(node.basicStatus()).toMatchObject({ lastIndex: 4, commit: 2 });
});

test('a commit index beyond the log stops the node, with all values in the message', () => {
  const node = makeNode(1, storageWith([1, 2], [1, 1], { commit: 4 }), { applied: logIndex(2) });
  const impossible = message('MsgHeartbeat', 2, 1, { term: term(3), commit: logIndex(9) });
  expect(() => node.step(impossible)).toThrow(InvariantError);
  expect(() => node.step(impossible)).toThrow('tocommit(9) is out of range [lastIndex(4)]');
});

test('messages of strangers, of lower terms and local ones have no effect', () => {
  const cluster = Cluster.of(3);
  cluster.elect(1);
  const before = cluster.node(1).status();
  const stranger = message('MsgAppResp', 9, 1, { term: term(2), index: logIndex(99) });
  expect(() => cluster.node(1).step(stranger)).toThrow(new RaftError('raft: cannot step as peer not found'));
  expect(() => cluster.node(1).step(message('MsgHup', 2, 1, {}))).toThrow(
    new RaftError('raft: cannot step raft local message'),
  );
  const old = message('MsgApp', 2, 1, {
    term: term(1),
    index: logIndex(2),
    logTerm: term(1),
    entries: [entry(1, 3)],
  });
  cluster.node(1).step(old);
  expect(cluster.node(1).status()).toEqual(before);
});

test('proposals without a leader are dropped; a follower sends them to the leader unless forbidden', () => {
  const cluster = Cluster.of(3);
  expect(() => cluster.node(2).propose(bytes('x'))).toThrow(new RaftError('raft proposal dropped'));
  cluster.elect(1);
  cluster.node(2).propose(bytes('x'));
  cluster.run();
  expect(cluster.applied.map((entries) => entries.at(-1)?.data)).toEqual([
    bytes('x'),
    bytes('x'),
    bytes('x'),
  ]);
  const closed = Cluster.of(3, { disableProposalForwarding: true });
  closed.elect(1);
  expect(() => closed.node(2).propose(bytes('x'))).toThrow(new RaftError('raft proposal dropped'));
});

test('uncommitted data is limited; empty entries and the first one always fit', () => {
  const cluster = Cluster.of(3, { maxUncommittedEntriesSize: 4 });
  cluster.elect(1);
  cluster.passes = () => false;
  cluster.node(1).propose(bytes('larger than the limit'));
  expect(() => cluster.node(1).propose(bytes('a'))).toThrow(new RaftError('raft proposal dropped'));
  cluster.node(1).propose(bytes(''));
  cluster.run();
  cluster.passes = () => true;
  cluster.node(1).tick();
  cluster.run();
  cluster.node(1).tick();
  cluster.run();
  expect(cluster.commit(1)).toBe(5);
  cluster.node(1).propose(bytes('abcd'));
});

test('the inflight window limits appends by count and by bytes', () => {
  const sentWith = (options: object): number => {
    const cluster = Cluster.of(2, { maxSizePerMsg: 0, ...options });
    cluster.elect(1);
    let appends = 0;
    cluster.passes = (m) => {
      if (m.type === 'MsgApp' && m.entries.length > 0) appends++;
      return false;
    };
    for (let i = 0; i < 9; i++) cluster.node(1).propose(bytes('12345678'));
    cluster.run();
    return appends;
  };
  expect(sentWith({})).toBe(9);
  expect(sentWith({ maxInflightMsgs: 3 })).toBe(3);
  expect(sentWith({ maxInflightBytes: 20 })).toBe(3);
});

/** A cluster in which node 2 needs a snapshot: the leader's log is compacted. */
function needsSnapshot(): Cluster {
  const cluster = new Cluster([storageWith([1, 2], [1, 1, 1]), storageWith([1, 2])]);
  cluster.storages[0].setHardState({ term: term(1), vote: nodeId(0), commit: logIndex(5) });
  const { confState } = cluster.storages[0].initialState();
  cluster.storages[0].createSnapshot(logIndex(5), confState, bytes('state'));
  cluster.storages[0].compact(logIndex(5));
  return new Cluster(cluster.storages);
}

test('a failed snapshot brings the follower back to probe, from behind its match', () => {
  const cluster = needsSnapshot();
  cluster.passes = (m) => m.type !== 'MsgSnap';
  cluster.elect(1);
  expect(progressOf(cluster, 1, 2)).toMatchObject({ state: 'snapshot', pendingSnapshot: 5, next: 6 });
  cluster.node(1).reportSnapshot(nodeId(2), false);
  expect(progressOf(cluster, 1, 2)).toMatchObject({
    state: 'probe',
    pendingSnapshot: 0,
    match: 0,
    next: 1,
    msgAppFlowPaused: true,
  });
});

test('a reported snapshot is probed from behind it; the answer to it streams on', () => {
  const cluster = needsSnapshot();
  cluster.passes = (m) => m.type !== 'MsgSnap';
  cluster.elect(1);
  cluster.node(1).reportSnapshot(nodeId(2), true);
  expect(progressOf(cluster, 1, 2)).toMatchObject({ state: 'probe', next: 6 });
  const whole = needsSnapshot();
  whole.elect(1);
  expect(progressOf(whole, 1, 2)).toMatchObject({ state: 'replicate', match: 6, next: 7 });
  expect(whole.storages[1].snapshot()).toMatchObject({ index: 5, data: bytes('state') });
});

test('a snapshot whose last entry the log already has only raises the commit index', () => {
  const storage = storageWith([1, 2], [1, 1, 1]);
  const node = makeNode(2, storage, { applied: logIndex(2) });
  const { confState } = storage.initialState();
  const snapshot = { data: bytes(''), index: logIndex(4), term: term(1), confState };
  node.step(message('MsgSnap', 1, 2, { term: term(1), snapshot }));
  expect(node.basicStatus()).toMatchObject({ commit: 4, lastIndex: 5, firstIndex: 3 });
  const { sent } = settle(node, storage);
  expect(sent).toMatchObject([{ type: 'MsgAppResp', index: 4, reject: false }]);
});

test('a snapshot that does not name its receiver is ignored', () => {
  const storage = storageWith([1, 2]);
  const node = makeNode(2, storage, { applied: logIndex(2) });
  const confState = { ...storage.initialState().confState, voters: [nodeId(1), nodeId(3)] };
  const snapshot = { data: bytes(''), index: logIndex(9), term: term(1), confState };
  node.step(message('MsgSnap', 1, 2, { term: term(1), snapshot }));
  expect(node.basicStatus()).toMatchObject({ commit: 2, lastIndex: 2 });
});

test('with asynchronous writes an acknowledgement waits for the write', () => {
  const storage = storageWith([1, 2]);
  const node = makeNode(2, storage, { applied: logIndex(2), asyncStorageWrites: true });
  node.step(
    message('MsgApp', 1, 2, { term: term(2), index: logIndex(2), logTerm: term(1), entries: [entry(2, 3)] }),
  );
  const { messages } = node.ready();
  const types = (list: readonly Message[]) => list.map(({ type }) => type);
  expect(types(messages)).toEqual(['MsgStorageAppend']);
  expect(types(messages[0].responses)).toEqual(['MsgAppResp', 'MsgStorageAppendResp']);
  expect(messages[0]).toMatchObject({ term: 2, entries: [{ index: 3 }] });
});

test('a snapshot of what is committed already is answered with the commit index, and restores nothing', () => {
  const storage = storageWith([1, 2], [], {}, [], 4);
  const node = makeNode(2, storage, { applied: logIndex(4) });
  const { confState } = storage.initialState();
  const snapshot = { data: bytes(''), index: logIndex(3), term: term(1), confState };
  node.step(message('MsgSnap', 1, 2, { term: term(1), snapshot }));
  expect(node.basicStatus()).toMatchObject({ commit: 4, lastIndex: 4, firstIndex: 5 });
  expect(settle(node, storage).sent).toMatchObject([{ type: 'MsgAppResp', index: 4, reject: false }]);
});

test('the late end of a write counts only in its own term: its entries may have been replaced and put back', () => {
  const storage = storageWith([1, 2, 3]);
  const stable: number[] = [];
  const trace = {
    on: true,
    emit: (event: RaftEvent) => void (event.type === 'raft.stable' && stable.push(event.index)),
  };
  const node = makeNode(2, storage, { applied: logIndex(2), asyncStorageWrites: true, trace });
  /** A leader's entry 3, as it is of `entryTerm`. @returns the write that it asks for */
  const write = (from: number, leaderTerm: number, entryTerm: number): Message => {
    const entries = [entry(entryTerm, 3)];
    const index = logIndex(2);
    node.step(message('MsgApp', from, 2, { term: term(leaderTerm), index, logTerm: term(1), entries }));
    const { messages } = node.ready();
    return messages.find(({ type }) => type === 'MsgStorageAppend') as Message;
  };
  const done = (append: Message): void => {
    for (const m of append.responses) if (m.to === 2) node.step(m);
  };
  const [first, other, again] = [write(1, 2, 2), write(3, 3, 3), write(1, 4, 2)];
  done(first);
  expect(stable).toEqual([]);
  done(other);
  expect(stable).toEqual([]);
  done(again);
  expect(stable).toEqual([3]);
});

test('an append carries entries up to the size of a message', () => {
  const cluster = Cluster.of(2, { maxSizePerMsg: 40 });
  cluster.elect(1);
  cluster.passes = () => false;
  for (let i = 0; i < 5; i++) cluster.node(1).propose(bytes('ten bytes.'));
  cluster.run();
  cluster.node(1).reportUnreachable(nodeId(2));
  const counts: number[] = [];
  cluster.passes = (m) => (m.entries.length > 0 && counts.push(m.entries.length), true);
  cluster.node(1).tick();
  cluster.run();
  expect(counts).toEqual([2, 2, 1]);
  expect(cluster.commit(2)).toBe(8);
});

test('entries that a follower has are not written again, only those from the first that differs', () => {
  const storage = storageWith([1, 2], [1, 1, 1, 1]);
  const node = makeNode(2, storage, { applied: logIndex(2) });
  const entries = [entry(1, 3), entry(1, 4), entry(2, 5)];
  node.step(message('MsgApp', 1, 2, { term: term(2), index: logIndex(2), logTerm: term(1), entries }));
  expect(node.ready().entries).toEqual([entry(2, 5)]);
  node.advance();
  const again = makeNode(2, storage, { applied: logIndex(2) });
  const known = entries.slice(0, 2);
  again.step(
    message('MsgApp', 1, 2, { term: term(2), index: logIndex(2), logTerm: term(1), entries: known }),
  );
  expect(again.ready().entries).toEqual([]);
  expect(again.basicStatus().lastIndex).toBe(6);
});

test('a follower that has been silent for an election timeout gets no snapshot until it speaks', () => {
  const cluster = Cluster.of(3, { checkQuorum: true });
  cluster.elect(1);
  cluster.passes = (m) => m.to !== 3;
  for (const text of ['a', 'b', 'c']) cluster.node(1).propose(bytes(text));
  cluster.run();
  const [storage] = cluster.storages;
  storage.createSnapshot(logIndex(6), null, bytes('abc'));
  storage.compact(logIndex(6));
  cluster.node(1).reportUnreachable(nodeId(3));
  for (let i = 0; i < 20; i++) {
    cluster.node(1).tick();
    cluster.run();
  }
  const snapshots: Message[] = [];
  cluster.passes = (m) => (m.type === 'MsgSnap' && snapshots.push(m), m.to !== 3);
  cluster.node(1).propose(bytes('d'));
  cluster.run();
  expect(progressOf(cluster, 1, 3)).toMatchObject({ state: 'probe', recentActive: false });
  expect(snapshots).toEqual([]);
  cluster.passes = () => true;
  cluster.node(1).tick();
  cluster.run();
  expect(cluster.storages[2].snapshot()).toMatchObject({ index: 6, data: bytes('abc') });
});

test('only an acknowledgement that connects to the log ends the wait for a snapshot', () => {
  const cluster = needsSnapshot();
  let snapshots = 0;
  cluster.passes = (m) => m.type !== 'MsgSnap' || (snapshots++, false);
  cluster.elect(1);
  const acknowledge = (index: number): void => {
    const { term: now } = cluster.node(1).basicStatus();
    cluster.node(1).step(message('MsgAppResp', 2, 1, { term: now, index: logIndex(index) }));
    cluster.run();
  };
  acknowledge(3);
  expect(progressOf(cluster, 1, 2)).toMatchObject({ state: 'snapshot', match: 3 });
  expect(snapshots).toBe(1);
  acknowledge(5);
  expect(progressOf(cluster, 1, 2)).toMatchObject({ state: 'replicate' });
});

test('a node does not campaign while a snapshot that it received is not stored', () => {
  const storage = storageWith([1, 2]);
  const node = makeNode(2, storage, { applied: logIndex(2), asyncStorageWrites: true });
  const { confState } = storage.initialState();
  const snapshot = { data: bytes(''), index: logIndex(9), term: term(1), confState };
  node.step(message('MsgSnap', 1, 2, { term: term(1), snapshot }));
  node.campaign();
  expect(node.basicStatus()).toMatchObject({ state: 'StateFollower', term: 1 });
  const append = node.ready().messages.find(({ type }) => type === 'MsgStorageAppend') as Message;
  node.campaign();
  expect(node.basicStatus().state).toBe('StateFollower');
  storage.applySnapshot(snapshot);
  for (const m of append.responses) if (m.to === 2) node.step(m);
  node.campaign();
  expect(node.basicStatus()).toMatchObject({ state: 'StateCandidate', term: 2 });
});

test('a stored commit index below the snapshot or behind the log stops the start, with both ends', () => {
  const starts = (commit: number) => () => makeNode(1, storageWith([1], [1, 1], { commit }));
  expect(starts(1)).toThrow(new InvariantError('1 state.commit 1 is out of range [2, 4]'));
  expect(starts(5)).toThrow(new InvariantError('1 state.commit 5 is out of range [2, 4]'));
  expect(starts(2)().basicStatus()).toMatchObject({ commit: 2, applied: 2 });
});

test('entries that begin behind a gap are not taken, and entries with gaps between them stop the node', () => {
  const storage = storageWith([1, 2]);
  const node = makeNode(2, storage, { applied: logIndex(2), asyncStorageWrites: true });
  const append = (...entries: Entry[]): void =>
    node.step(message('MsgApp', 1, 2, { term: term(1), index: logIndex(2), logTerm: term(1), entries }));
  append(entry(1, 4));
  expect(node.basicStatus().lastIndex).toBe(2);
  append(entry(1, 3), entry(1, 4), entry(1, 6));
  const [write] = node.ready().messages.filter(({ type }) => type === 'MsgStorageAppend');
  expect(() => {
    append(entry(1, 3), entry(1, 9));
    for (const m of write.responses) if (m.to === 2) node.step(m);
    node.hasReady();
  }).toThrow(InvariantError);
});

test('a read without a context stops the one that would answer it to itself', () => {
  const storage = storageWith([1]);
  const node = makeNode(1, storage, { applied: logIndex(2) });
  node.campaign();
  settle(node, storage);
  expect(() => node.step(message('MsgReadIndex', 0, 1, {}))).toThrow(
    new InvariantError('1 stepped a MsgReadIndex without a context, at 3'),
  );
});

test('a leader whose storage is still making the snapshot sends it when it is there', () => {
  const cluster = needsSnapshot();
  const [storage] = cluster.storages;
  const snapshot = storage.snapshot.bind(storage);
  let ready = false;
  storage.snapshot = () => {
    if (!ready) throw new RaftError('snapshot is temporarily unavailable');
    return snapshot();
  };
  cluster.elect(1);
  expect(progressOf(cluster, 1, 2)).toMatchObject({ state: 'probe', match: 0 });
  ready = true;
  cluster.node(1).tick();
  cluster.run();
  expect(progressOf(cluster, 1, 2)).toMatchObject({ state: 'replicate', match: 6 });
});
