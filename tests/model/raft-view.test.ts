/** What raft's page knows, folded from the events of real nodes. */
import { expect, test } from 'vitest';
import { emptyBytes } from '../../src/base/bytes.ts';
import { stream } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { RaftEvent } from '../../src/engine/raft/events.ts';
import { MemoryStorage } from '../../src/engine/raft/storage.ts';
import type { ConfChangeSingle, ConfChangeTransition } from '../../src/engine/raft/types.ts';
import { nodeId } from '../../src/engine/raft/types.ts';
import { emptyRaft, foldRaft, halvesOf, holdersOf } from '../../src/model/raft-view.ts';
import type { RaftMember } from '../../src/model/raft-view.ts';
import type { Told } from '../../src/model/told.ts';
import { Cluster, makeNode, storageWith } from '../engine/raft/cluster.ts';

/** Nodes whose events are folded as they come; the last one is no member yet. */
class Seen {
  readonly told: Told[] = [];
  readonly cluster: Cluster;

  constructor(preVote = false) {
    const voters = [1, 2, 3];
    const storages = [...voters.map(() => storageWith(voters)), new MemoryStorage()];
    this.cluster = new Cluster(storages);
    storages.forEach((storage, i) => {
      const emit = (event: RaftEvent): void => {
        const at = { moment: this.told.length, ordinal: 0, timeUs: this.told.length, member: i + 1 };
        this.told.push({ at, event } as Told);
      };
      const applied = storage.snapshot().index;
      const random = stream(1, 'raft', i);
      const options = { applied, random, preVote, maxInflightMsgs: 4, trace: { on: true, emit } };
      this.cluster.nodes[i] = makeNode(i + 1, storage, options);
    });
  }

  get view() {
    const whole = foldRaft(emptyRaft(3), this.told);
    const inPieces = this.told.reduce((view, one) => foldRaft(view, [one]), emptyRaft(3));
    expect(inPieces).toEqual(whole);
    return whole;
  }

  get leader(): RaftMember {
    return this.view.members[0];
  }

  propose(text: string): void {
    this.cluster.node(1).propose(encodeUtf8(text));
  }

  change(transition: ConfChangeTransition, changes: readonly ConfChangeSingle[]): void {
    this.cluster.node(1).proposeConfChange({ transition, changes, context: emptyBytes });
    this.cluster.run();
  }
}

test('a follower that does not answer fills its window, and is probed once it is reported', () => {
  const seen = new Seen();
  seen.cluster.elect(1);
  seen.cluster.passes = (m) => m.to !== 3;
  for (let i = 0; i < 6; i++) seen.propose(`x${i}`);
  seen.cluster.run();
  const of = (id: number) => seen.leader.followers.find((follower) => follower.id === id);
  expect(of(2)).toMatchObject({ state: 'replicate', match: 9, next: 10, inflightCount: 0, paused: false });
  expect(of(3)).toMatchObject({ state: 'replicate', match: 3, next: 8, inflightCount: 4, inflightLimit: 4 });
  expect(of(3)?.paused).toBe(true);
  expect(holdersOf(seen.leader, [1, 2, 3], 9, 9)).toEqual([1, 2]);
  seen.cluster.node(1).reportUnreachable(nodeId(3));
  seen.cluster.node(1).tick();
  expect(of(3)).toMatchObject({ state: 'probe', match: 3, next: 4, inflightCount: 0 });
});

test('both halves of a joint configuration, a learner and the way out are seen', () => {
  const seen = new Seen();
  seen.cluster.elect(1);
  seen.change('ConfChangeTransitionAuto', [{ type: 'ConfChangeAddLearnerNode', nodeId: nodeId(4) }]);
  expect(seen.leader.config.learners).toEqual([4]);
  expect(seen.leader.followers.find(({ id }) => id === 4)?.isLearner).toBe(true);
  seen.change('ConfChangeTransitionJointExplicit', [
    { type: 'ConfChangeAddNode', nodeId: nodeId(4) },
    { type: 'ConfChangeAddLearnerNode', nodeId: nodeId(2) },
  ]);
  expect(halvesOf(seen.leader.config)).toEqual([
    { half: 'incoming', voters: [1, 3, 4], quorum: 2 },
    { half: 'outgoing', voters: [1, 2, 3], quorum: 2 },
  ]);
  expect(seen.leader.config).toMatchObject({ learnersNext: [2], autoLeave: false });
  seen.change('ConfChangeTransitionAuto', []);
  expect(halvesOf(seen.leader.config)).toEqual([{ half: 'only', voters: [1, 3, 4], quorum: 2 }]);
  expect(seen.leader.config.learners).toEqual([2]);
});

test('pre-votes and votes are rounds of ballots with their reasons', () => {
  const seen = new Seen(true);
  seen.cluster.elect(1);
  expect(seen.view.rounds.map(({ candidate, term, pre }) => [candidate, term, pre])).toEqual([
    [1, 2, true],
    [1, 2, false],
  ]);
  expect(seen.view.rounds[1].ballots).toEqual([
    { voter: 1, granted: true, because: 'own' },
    { voter: 2, granted: true, because: 'voteIsFree' },
    { voter: 3, granted: true, because: 'voteIsFree' },
  ]);
  // Who knows a leader refuses; the one that asked forgot it.
  seen.cluster.elect(2);
  expect(seen.view.rounds.at(-1)).toMatchObject({ candidate: 2, term: 3, pre: false });
});

test('a read waits for acknowledgements, each of which is seen, and is answered by a quorum', () => {
  const seen = new Seen();
  seen.cluster.elect(1);
  seen.cluster.passes = () => false;
  seen.cluster.node(1).readIndex(encodeUtf8('a'));
  seen.cluster.run();
  expect(seen.leader.reads).toMatchObject([{ position: 1, index: 3, acks: [1], answeredAtUs: null }]);
  seen.cluster.passes = (m) => m.from !== 3;
  seen.cluster.node(1).readIndex(encodeUtf8('b'));
  seen.cluster.run();
  expect(seen.leader.reads.map(({ acks }) => acks)).toEqual([
    [1, 2],
    [1, 2],
  ]);
  expect(seen.leader.reads.every(({ answeredAtUs }) => answeredAtUs !== null)).toBe(true);
});

test('a transfer is seen from its beginning to the new leader', () => {
  const seen = new Seen();
  seen.cluster.elect(1);
  seen.cluster.passes = (m) => m.type !== 'MsgTimeoutNow';
  seen.cluster.node(1).transferLeader(nodeId(2));
  seen.cluster.run();
  expect(seen.leader.transfer).toMatchObject({ to: 2, step: 'timeoutNow' });
  seen.cluster.passes = () => true;
  seen.cluster.node(1).transferLeader(nodeId(3));
  seen.cluster.run();
  expect(seen.leader).toMatchObject({ transfer: null, followers: [], reads: [] });
  expect(seen.view.members[2].followers.map(({ id }) => id)).toEqual([1, 2]);
});
