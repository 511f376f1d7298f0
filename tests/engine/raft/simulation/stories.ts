/** What random steps come upon too seldom, told step by step: each story breaks a rule where its bug is planted. */
import { emptyBytes } from '../../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../../src/base/utf8.ts';
import { nodeId } from '../../../../src/engine/raft/types.ts';
import type { ConfChangeType, ConfChangeV2, Message, NodeId } from '../../../../src/engine/raft/types.ts';
import type { Settled, SimNode, World } from './world.ts';

/** A story and the world that it needs. */
export interface Story {
  readonly settled: Settled;
  readonly tell: (stage: Stage) => void;
}

/** What stays undone while the others work. */
interface Held {
  /** Only messages of these types are delivered. */
  readonly types?: readonly string[];
  /** A node whose disk's answers wait, and with `entries` also its writes of entries. */
  readonly disk?: number;
  readonly entries?: boolean;
  /** A node that applies nothing. */
  readonly apply?: number;
}

/** Lets some nodes work while others, and what is on its way to them, stand still. */
export class Stage {
  readonly #world: World;
  readonly #check: (node: SimNode) => void;

  /** @param check looks at a node after each of its steps */
  constructor(world: World, check: (node: SimNode) => void) {
    this.#world = world;
    this.#check = check;
  }

  #node(id: number): SimNode {
    return this.#world.nodes[id - 1];
  }

  do(id: number, act: (node: SimNode, world: World) => void): void {
    act(this.#node(id), this.#world);
    this.#check(this.#node(id));
  }

  campaign(id: number): void {
    this.do(id, ({ raw }) => raw.campaign());
  }

  /** These nodes work, and hear one another, until nothing is left to do. */
  among(ids: readonly number[], held: Held = {}): void {
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const id of ids) while (this.#work(id, held)) isBusy = true;
      const reaches = ({ from, to, type }: Message): boolean =>
        ids.includes(from) && ids.includes(to) && (held.types?.includes(type) ?? true);
      while (this.deliver(reaches)) isBusy = true;
    }
  }

  /** Delivers the first such message; false where there is none. */
  deliver(isMeant: (m: Message) => boolean): boolean {
    const at = this.#world.network.findIndex(isMeant);
    if (at < 0) return false;
    const [m] = this.#world.network.splice(at, 1);
    this.do(m.to, (node) => node.raw.step(m));
    return true;
  }

  /** Takes messages off the network: to be lost, or to come later. */
  take(isMeant: (m: Message) => boolean): Message[] {
    const taken = this.#world.network.filter(isMeant);
    for (const m of taken) this.#world.network.splice(this.#world.network.indexOf(m), 1);
    return taken;
  }

  #work(id: number, { disk, entries, apply }: Held): boolean {
    const node = this.#node(id);
    const world = this.#world;
    const mayWrite =
      node.appendWork.length > 0 && !(id === disk && entries && node.appendWork[0].entries.length > 0);
    if (node.raw.hasReady()) this.do(id, () => world.ready(node));
    else if (mayWrite) this.do(id, () => world.appendWork(node));
    else if (node.applyWork.length > 0 && id !== apply) this.do(id, () => world.applyWork(node));
    else if (node.own.length > 0 && id !== disk) this.do(id, () => world.own(node));
    else return false;
    return true;
  }
}

const all = (): boolean => true;
const calm = { preVote: false, checkQuorum: false, maxSizePerMsg: Infinity, maxInflightBytes: 0 } as const;
const votes = ['MsgVote', 'MsgVoteResp'];

/**
 * A read is answered by 2, and 3's answer to the same heartbeat is late. 2 leads then, and commits. The old
 * leader takes another read, and the first one again: the late answer must not confirm them (etcd#20418).
 */
function readRetry(stage: Stage): void {
  stage.campaign(1);
  stage.among([1, 2, 3]);
  stage.do(1, (node, world) => world.readIndex(node));
  stage.among([1], {});
  stage.deliver(({ to }) => to === 3);
  stage.among([3]);
  const late = stage.take(({ from }) => from === 3);
  stage.among([1, 2]);
  stage.campaign(2);
  stage.among([2, 3]);
  stage.do(2, (node, world) => world.propose(node));
  stage.among([2, 3]);
  stage.take(all);
  stage.do(1, (node, world) => world.readIndex(node));
  stage.do(1, ({ raw }) => raw.readIndex(encodeUtf8('r1')));
  stage.among([1]);
  for (const m of late) stage.do(1, ({ raw }) => raw.step(m));
  stage.among([1]);
}

/**
 * 2 has campaigned twice and was not heard: its term is higher. 1 has led on, and its log is longer. Neither
 * may win before the one of the lower term hears of the higher one (etcd#8243, #8501).
 */
function lowerPreVotes(stage: Stage): void {
  stage.campaign(1);
  stage.among([1, 2]);
  for (let i = 0; i < 2; i++) {
    stage.campaign(2);
    stage.among([1, 2], { types: ['MsgPreVote', 'MsgPreVoteResp'] });
    stage.take(all);
  }
  stage.do(1, (node, world) => world.propose(node));
  stage.among([1]);
  stage.take(all);
  stage.do(1, (node, world) => world.crash(node));
}

/**
 * 3 writes an entry of 1, then another of 2 in its place, then that of 1 again. Its disk's word that the
 * first write is done comes late, and tells nothing of the third (raft#8).
 */
function lateWord(stage: Stage): void {
  stage.campaign(1);
  stage.among([1, 2, 3, 4, 5]);
  stage.do(1, (node, world) => world.propose(node));
  stage.among([1, 3], { disk: 3 });
  stage.take(all);
  stage.campaign(2);
  stage.among([2, 4, 5], { types: votes });
  stage.among([2, 3], { disk: 3 });
  stage.take(all);
  stage.do(1, (node, world) => world.crash(node));
  for (let i = 0; i < 2; i++) stage.campaign(1);
  stage.among([1, 4, 5], { types: votes });
  stage.among([1, 3], { disk: 3, entries: true });
  stage.do(3, (node, world) => world.own(node));
}

/**
 * 4 and 5 have joined, and 3 knows it and has not applied it: if it stood for election, in the old
 * configuration, both 2 and 3 could win one term (etcd#7625, raft#469).
 */
function twoLeaders(stage: Stage): void {
  const changes = (id: NodeId): ConfChangeV2 => ({
    transition: 'ConfChangeTransitionAuto',
    changes: [{ type: 'ConfChangeAddNode', nodeId: id }],
    context: emptyBytes,
  });
  stage.campaign(1);
  stage.among([1, 2, 3]);
  for (const ids of [
    [1, 2, 3, 4],
    [1, 2, 3, 4, 5],
  ]) {
    stage.do(1, ({ raw }, world) => raw.proposeConfChange(changes(world.addNewcomer())));
    stage.among(ids, { apply: 3 });
  }
  stage.campaign(2);
  stage.among([2, 4, 5], { types: votes });
  stage.campaign(3);
  stage.among([1, 3], { types: votes, apply: 3 });
}

/**
 * 2 has joined as a learner, and 1 has promoted it: alone, for it was the only voter. 2 has not heard of it when 1
 * comes back and needs its vote (etcd#10998).
 */
function unknowingVoter(stage: Stage): void {
  const change = (id: NodeId, type: ConfChangeType): ConfChangeV2 => ({
    transition: 'ConfChangeTransitionAuto',
    changes: [{ type, nodeId: id }],
    context: emptyBytes,
  });
  stage.campaign(1);
  stage.among([1]);
  stage.do(1, ({ raw }, world) =>
    raw.proposeConfChange(change(world.addNewcomer(), 'ConfChangeAddLearnerNode')),
  );
  stage.among([1]);
  stage.take(all);
  // the founders' snapshot does not know of it: it would not take that one
  stage.do(1, (node, world) => world.compact(node));
  stage.do(1, ({ raw }) => raw.reportSnapshot(nodeId(2), false));
  for (let i = 0; i < 2; i++) {
    stage.do(1, ({ raw }) => raw.tick());
    stage.among([1, 2]);
  }
  stage.do(1, ({ raw }) => raw.proposeConfChange(change(nodeId(2), 'ConfChangeAddNode')));
  stage.among([1]);
  stage.take(all);
  stage.do(1, (node, world) => world.crash(node));
}

export const stories = {
  twoLeaders: { settled: { ...calm, asyncStorageWrites: true, voters: 3 }, tell: twoLeaders },
  readRetry: { settled: { ...calm, voters: 3 }, tell: readRetry },
  lowerPreVotes: { settled: { ...calm, preVote: true, voters: 2 }, tell: lowerPreVotes },
  unknowingVoter: { settled: { ...calm, maxUncommittedEntriesSize: 0, voters: 1 }, tell: unknowingVoter },
  lateWord: { settled: { ...calm, asyncStorageWrites: true, voters: 5 }, tell: lateWord },
} as const satisfies Readonly<Record<string, Story>>;

export type StoryName = keyof typeof stories;
