/** A few nodes with memory storage and a network that delivers in order: one story a test. */
import { stream } from '../../../src/base/prng.ts';
import { emptyBytes } from '../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { decodeChangeEntry } from '../../../src/engine/raft/confchange-codec.ts';
import type { Config } from '../../../src/engine/raft/config.ts';
import { RaftError } from '../../../src/engine/raft/errors.ts';
import type { DraftMessage } from '../../../src/engine/raft/message.ts';
import { newMessage } from '../../../src/engine/raft/message.ts';
import { RawNode } from '../../../src/engine/raft/rawnode.ts';
import { MemoryStorage } from '../../../src/engine/raft/storage.ts';
import type { Entry, LogIndex, Message, MessageType } from '../../../src/engine/raft/types.ts';
import { logIndex, nodeId, none, term } from '../../../src/engine/raft/types.ts';

export type Options = Partial<Omit<Config, 'id' | 'storage'>>;

/** Makes a node on storage; limits are off unless given. */
export function makeNode(id: number, storage: MemoryStorage, options: Options = {}): RawNode {
  return new RawNode({
    id: nodeId(id),
    electionTick: 10,
    heartbeatTick: 1,
    storage,
    maxSizePerMsg: Infinity,
    maxInflightMsgs: 256,
    random: stream(1, 'raft', id),
    ...options,
  });
}

/** Storage that starts from a snapshot of term 1 with these voters, and then holds entries of these terms. */
export function storageWith(
  voters: readonly number[],
  terms: readonly number[] = [],
  hard: { readonly term?: number; readonly vote?: number; readonly commit?: number } = {},
  learners: readonly number[] = [],
  index = 2,
): MemoryStorage {
  const storage = new MemoryStorage();
  const confState = {
    voters: voters.map(nodeId),
    learners: learners.map(nodeId),
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  storage.applySnapshot({ data: emptyBytes, index: logIndex(index), term: term(1), confState });
  storage.append(terms.map((entryTerm, i) => entry(entryTerm, index + 1 + i)));
  storage.setHardState({
    term: term(hard.term ?? terms.at(-1) ?? 1),
    vote: nodeId(hard.vote ?? none),
    commit: logIndex(hard.commit ?? index),
  });
  return storage;
}

export function entry(entryTerm: number, index: number, text = ''): Entry {
  return { term: term(entryTerm), index: logIndex(index), type: 'EntryNormal', data: encodeUtf8(text) };
}

/** A message with some fields filled in. */
export function message(
  type: MessageType,
  from: number,
  to: number,
  fields: Partial<Record<'term' | 'logTerm' | 'index' | 'commit' | 'rejectHint', number>> & Partial<Message>,
): Message {
  return Object.assign(newMessage(type, nodeId(to), nodeId(from)), fields) as DraftMessage;
}

/** Saves and applies what a node wants. @returns the messages it sends, and all entries it applied */
export function settle(node: RawNode, storage: MemoryStorage): { sent: Message[]; applied: Entry[] } {
  const sent: Message[] = [];
  const applied: Entry[] = [];
  while (node.hasReady()) {
    const ready = node.ready();
    if (ready.hardState !== null) storage.setHardState(ready.hardState);
    if (ready.snapshot !== null) storage.applySnapshot(ready.snapshot);
    storage.append(ready.entries);
    for (const each of ready.committedEntries) {
      applied.push(each);
      const change = decodeChangeEntry(each);
      if (change !== null) node.applyConfChange(change, each.index);
    }
    sent.push(...ready.messages);
    node.advance();
  }
  return { sent, applied };
}

export class Cluster {
  readonly storages: MemoryStorage[];
  readonly nodes: RawNode[];
  readonly applied: Entry[][];
  /** Messages that this refuses are lost. */
  passes: (m: Message) => boolean = () => true;

  constructor(storages: readonly MemoryStorage[], options: Options = {}) {
    this.storages = storages.slice();
    this.nodes = storages.map((storage, i) => {
      const { hardState } = storage.initialState();
      const applied = storage.snapshot().index;
      return makeNode(i + 1, storage, { applied: hardState === null ? logIndex(0) : applied, ...options });
    });
    this.applied = storages.map(() => []);
  }

  static of(count: number, options: Options = {}): Cluster {
    const voters = Array.from({ length: count }, (_, i) => i + 1);
    return new Cluster(
      voters.map(() => storageWith(voters)),
      options,
    );
  }

  node(id: number): RawNode {
    return this.nodes[id - 1];
  }

  /** Delivers until nothing is left to do. */
  run(): void {
    for (let busy = true; busy;) {
      busy = false;
      this.nodes.forEach((node, i) => {
        const { sent, applied } = settle(node, this.storages[i]);
        this.applied[i].push(...applied);
        for (const m of sent) {
          busy = true;
          if (this.passes(m)) this.deliver(m);
        }
      });
    }
  }

  deliver(m: Message): void {
    try {
      this.nodes[m.to - 1]?.step(m);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
    }
  }

  elect(id: number): void {
    this.node(id).campaign();
    this.run();
  }

  /** The terms of a node's log, from its first index on. */
  terms(id: number): number[] {
    return this.node(id)
      .logEntries()
      .map((each) => each.term);
  }

  commit(id: number): LogIndex {
    return this.node(id).basicStatus().commit;
  }
}
