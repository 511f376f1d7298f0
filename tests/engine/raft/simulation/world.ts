/** A cluster under a random schedule: messages lost, doubled, reordered; crashes that lose writes. */
import { crc32c } from '../../../../src/base/checksum.ts';
import { emptyBytes } from '../../../../src/base/bytes.ts';
import type { Prng } from '../../../../src/base/prng.ts';
import { stream } from '../../../../src/base/prng.ts';
import { encodeUtf8 } from '../../../../src/base/utf8.ts';
import type { Defects } from '../../../../src/engine/defects.ts';
import { noDefects } from '../../../../src/engine/defects.ts';
import { decodeChangeEntry } from '../../../../src/engine/raft/confchange-codec.ts';
import type { Config } from '../../../../src/engine/raft/config.ts';
import { RaftError } from '../../../../src/engine/raft/errors.ts';
import type { RaftEvent } from '../../../../src/engine/raft/events.ts';
import { isLocalThread } from '../../../../src/engine/raft/message.ts';
import { RawNode } from '../../../../src/engine/raft/rawnode.ts';
import { MemoryStorage } from '../../../../src/engine/raft/storage.ts';
import type {
  ConfChangeSingle,
  ConfChangeTransition,
  ConfState,
  Entry,
  HardState,
  Message,
  NodeId,
  Ready,
  ReadState,
  Snapshot,
} from '../../../../src/engine/raft/types.ts';
import {
  localAppendThread,
  localApplyThread,
  logIndex,
  nodeId,
  none,
  term,
} from '../../../../src/engine/raft/types.ts';

/** The terms of a log as the trace told them: what the log must look like. */
export class ShadowLog {
  firstIndex = 1;
  terms: number[] = [];

  take(event: RaftEvent): void {
    if (event.type === 'raft.initState') {
      this.firstIndex = event.firstIndex;
      this.terms = event.entryTerms.slice();
    } else if (event.type === 'raft.append') {
      this.terms.length = event.index - this.firstIndex;
      this.terms.push(...event.entryTerms);
    } else if (event.type === 'raft.compact') {
      this.compact(event.firstIndex);
    }
  }

  compact(firstIndex: number): void {
    // A snapshot that waits to be saved hides the storage below it.
    if (firstIndex <= this.firstIndex) return;
    this.terms.splice(0, firstIndex - this.firstIndex);
    this.firstIndex = firstIndex;
  }
}

/** One node. `storage` is its disk: only completed writes reach it, and it survives crashes. */
export interface SimNode {
  readonly id: NodeId;
  readonly storage: MemoryStorage;
  raw: RawNode;
  shadow: ShadowLog;
  appendWork: Message[];
  applyWork: Message[];
  /** Messages to itself, in order. */
  own: Message[];
  /** The state machine: a checksum over all entries applied, and the configuration. */
  applied: number;
  chain: number;
  confState: ConfState;
  /** How often it was started. */
  life: number;
}

/** What the checks want to know as it happens. */
export interface Observer {
  sent(node: SimNode, m: Message): void;
  /** The commit index has just risen; nothing else has changed since. */
  committed(node: SimNode): void;
  applied(node: SimNode, index: number, chain: number): void;
  configured(node: SimNode, index: number, before: ConfState, after: ConfState): void;
  readRequested(context: string): void;
  /** A leader answers a read at its commit index. */
  readAnswered(node: SimNode): void;
  readConfirmed(node: SimNode, state: ReadState): void;
  restarted(node: SimNode): void;
}

type Options = Omit<Config, 'id' | 'storage' | 'random' | 'applied'>;

/** What a run takes in place of what its seed draws: for bugs that need something seldom. */
export interface Settled extends Partial<Options> {
  readonly voters?: number;
}

const initialIndex = logIndex(5);

export class World {
  readonly random: Prng;
  readonly nodes: SimNode[] = [];
  readonly network: Message[] = [];
  readonly #seed: number;
  readonly #options: Options;
  readonly #observer: Observer;
  /** Directed links that carry nothing, as `from>to`. */
  readonly #cut = new Set<string>();
  #proposals = 0;
  #reads = 0;
  /** Where each of the last reads was asked for: it may be asked for again, answered or not. */
  readonly #asked: { readonly node: NodeId; readonly context: string }[] = [];

  constructor(seed: number, observer: Observer, defects: Partial<Defects> = {}, settled: Settled = {}) {
    this.#seed = seed;
    this.random = stream(seed, 'world');
    this.#observer = observer;
    const { voters: wanted, ...options } = settled;
    this.#options = { ...this.#drawOptions({ ...noDefects, ...defects }), ...options };
    const drawn = this.random.between(1, 5);
    const count = wanted ?? drawn;
    const voters = Array.from({ length: count }, (_, i) => nodeId(i + 1));
    for (const id of voters) this.#addNode(id, voters);
  }

  #drawOptions(defects: Defects): Options {
    const { random } = this;
    const half = () => random.chance(1, 2);
    const maxSizePerMsg = half() ? Infinity : random.between(1, 100);
    return {
      electionTick: random.between(3, 8),
      heartbeatTick: random.between(1, 2),
      asyncStorageWrites: random.chance(2, 3),
      maxSizePerMsg,
      maxCommittedSizePerReady: half() ? Infinity : random.between(1, 100),
      maxUncommittedEntriesSize: half() ? 0 : random.between(10, 200),
      maxInflightMsgs: half() ? 256 : random.between(1, 4),
      // It must hold at least one message.
      maxInflightBytes: maxSizePerMsg === Infinity || half() ? 0 : random.between(100, 300),
      checkQuorum: half(),
      preVote: half(),
      disableProposalForwarding: random.chance(1, 4),
      stepDownOnRemoval: half(),
      defects,
    };
  }

  get isAsync(): boolean {
    return this.#options.asyncStorageWrites === true;
  }

  node(id: NodeId): SimNode | undefined {
    return this.nodes[id - 1];
  }

  /** A new node, which is in no configuration yet. */
  addNewcomer(): NodeId {
    const id = nodeId(this.nodes.length + 1);
    this.#addNode(id, []);
    return id;
  }

  /** A founder holds the snapshot all founders start from; a newcomer holds nothing. */
  #addNode(id: NodeId, voters: readonly NodeId[]): void {
    const storage = new MemoryStorage();
    const confState = { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
    if (voters.length > 0) {
      storage.applySnapshot({ data: chainBytes(0), index: initialIndex, term: term(1), confState });
      storage.setHardState({ term: term(1), vote: none, commit: initialIndex });
    }
    const parts = { storage, appendWork: [], applyWork: [], own: [], life: 0 };
    const node = { id, ...parts, applied: 0, chain: 0, confState, shadow: new ShadowLog() };
    this.nodes.push(this.#start(node));
  }

  /** Starts a node from its disk. */
  #start(node: Omit<SimNode, 'raw'> & { raw?: RawNode }): SimNode {
    const snapshot = node.storage.snapshot();
    const shadow = new ShadowLog();
    const config = {
      ...this.#options,
      id: node.id,
      storage: node.storage,
      applied: snapshot.index,
      random: stream(this.#seed, 'raft', node.id, node.life),
      trace: {
        on: true,
        emit: (event: RaftEvent) => {
          shadow.take(event);
          if (node.raw === undefined) return;
          if (event.type === 'raft.commit') this.#observer.committed(node as SimNode);
          if (event.type === 'raft.readIndex' && event.confirmed)
            this.#observer.readAnswered(node as SimNode);
        },
      },
    };
    const raw = new RawNode(config);
    const state = { applied: snapshot.index as number, chain: readChain(snapshot) };
    const started = { ...state, confState: snapshot.confState, shadow, raw, life: node.life + 1 };
    return Object.assign(node, started, { appendWork: [], applyWork: [], own: [] });
  }

  /** The process dies. Writes on their way may have landed, in order, but nobody hears of it. */
  crash(node: SimNode): void {
    const landed = this.random.below(node.appendWork.length + 1);
    for (const m of node.appendWork.slice(0, landed)) this.#write(node, m);
    this.#start(node);
    this.#observer.restarted(node);
  }

  #write(node: SimNode, m: Message): void {
    const hardState = { term: m.term, vote: m.vote, commit: m.commit };
    this.#persist(node, hardState.term === 0 ? null : hardState, m.entries, m.snapshot);
  }

  #persist(
    node: SimNode,
    hardState: HardState | null,
    entries: readonly Entry[],
    snapshot: Snapshot | null,
  ): void {
    // A snapshot of the state machine may have been saved while this write was on its way.
    const included = node.storage.snapshot().index;
    if (hardState !== null) {
      const commit = hardState.commit < included ? included : hardState.commit;
      node.storage.setHardState({ ...hardState, commit });
    }
    if (snapshot !== null) node.storage.applySnapshot(snapshot);
    node.storage.append(entries);
  }

  send(node: SimNode, m: Message): void {
    if (m.to === node.id) {
      node.own.push(m);
      return;
    }
    this.#observer.sent(node, m);
    if (!this.#cut.has(`${m.from}>${m.to}`) && this.node(m.to) !== undefined) this.network.push(m);
  }

  /** Delivers any message on the network; sometimes it stays there too, to come again. */
  deliver(at: number): SimNode | undefined {
    const m = this.network[at];
    if (m === undefined) return undefined;
    if (!this.random.chance(1, 20)) this.network.splice(at, 1);
    const node = this.node(m.to);
    if (node !== undefined && !this.#cut.has(`${m.from}>${m.to}`)) step(node, m);
    return node;
  }

  dropMessage(): void {
    if (this.network.length > 0) this.network.splice(this.random.below(this.network.length), 1);
  }

  ready(node: SimNode): void {
    if (!node.raw.hasReady()) return;
    const ready = node.raw.ready();
    for (const state of ready.readStates) this.#observer.readConfirmed(node, state);
    if (!this.isAsync) {
      this.#handleSync(node, ready);
      return;
    }
    for (const m of ready.messages) {
      if (m.to === localAppendThread) node.appendWork.push(m);
      else if (m.to === localApplyThread) node.applyWork.push(m);
      else this.send(node, m);
    }
  }

  /** Saves, sends, applies; a crash may come before or after the write. */
  #handleSync(node: SimNode, ready: Ready): void {
    const crashAt = this.random.chance(1, 60) ? this.random.between(1, 2) : 0;
    if (crashAt !== 1) this.#persist(node, ready.hardState, ready.entries, ready.snapshot);
    if (crashAt > 0) {
      this.crash(node);
      return;
    }
    if (ready.snapshot !== null) this.#restoreState(node, ready.snapshot);
    for (const m of ready.messages) this.send(node, m);
    this.#apply(node, ready.committedEntries);
    node.raw.advance();
  }

  appendWork(node: SimNode): void {
    const m = node.appendWork.shift();
    if (m === undefined) return;
    this.#write(node, m);
    if (m.snapshot !== null) this.#restoreState(node, m.snapshot);
    for (const response of m.responses) this.send(node, response);
  }

  applyWork(node: SimNode): void {
    const m = node.applyWork.shift();
    if (m === undefined) return;
    this.#apply(node, m.entries);
    for (const response of m.responses) this.send(node, response);
  }

  own(node: SimNode): void {
    const m = node.own.shift();
    if (m !== undefined) step(node, m);
  }

  #restoreState(node: SimNode, snapshot: Snapshot): void {
    node.applied = snapshot.index;
    node.chain = readChain(snapshot);
    node.confState = snapshot.confState;
    this.#observer.applied(node, node.applied, node.chain);
  }

  #apply(node: SimNode, entries: readonly Entry[]): void {
    for (const entry of entries) {
      // A snapshot may have overtaken entries that waited to be applied.
      if (entry.index <= node.applied) continue;
      const label = encodeUtf8(`${entry.index}/${entry.term}/${entry.type}/`);
      node.chain = crc32c(entry.data, crc32c(label, node.chain));
      node.applied = entry.index;
      this.#observer.applied(node, node.applied, node.chain);
      const change = decodeChangeEntry(entry);
      if (change === null) continue;
      const before = node.confState;
      const overtaken = node.raw.basicStatus().firstIndex > entry.index;
      node.confState = node.raw.applyConfChange(change, entry.index);
      if (!overtaken) this.#observer.configured(node, entry.index, before, node.confState);
    }
  }

  /** Makes a snapshot of what is applied and drops a part of the log. */
  compact(node: SimNode): void {
    const { storage } = node;
    const index = logIndex(Math.min(node.applied, storage.lastIndex()));
    if (index <= storage.snapshot().index || index !== node.applied) return;
    storage.createSnapshot(index, node.confState, chainBytes(node.chain));
    // What is applied is committed: a restart must not come up with less.
    const { hardState } = storage.initialState();
    if (hardState !== null && hardState.commit < index) storage.setHardState({ ...hardState, commit: index });
    // Raft may still need what it does not know to be applied.
    const known = node.raw.basicStatus().applied;
    const compactAt = logIndex(Math.min(known, index - this.random.below(4)));
    if (compactAt < storage.firstIndex()) return;
    storage.compact(compactAt);
    node.shadow.compact(compactAt + 1);
  }

  propose(node: SimNode): void {
    this.#proposals++;
    const data = encodeUtf8(`p${this.#proposals}`.padEnd(this.random.below(30)));
    ignoreDropped(() => node.raw.propose(data));
  }

  readIndex(node: SimNode): void {
    this.#reads++;
    const context = `r${this.#reads}`;
    this.#observer.readRequested(context);
    this.#asked.push({ node: node.id, context });
    if (this.#asked.length > 6) this.#asked.shift();
    node.raw.readIndex(encodeUtf8(context));
  }

  /** As etcd does, which has had no answer yet, or none that it could use. */
  readAgain(): SimNode | undefined {
    const read = this.#asked[this.random.below(Math.max(1, this.#asked.length))];
    const node = read === undefined ? undefined : this.node(read.node);
    if (read !== undefined) node?.raw.readIndex(encodeUtf8(read.context));
    return node;
  }

  /** Any change, sensible or not; new members get a node of their own. */
  proposeConfChange(node: SimNode): void {
    const { random } = this;
    const transitions: ConfChangeTransition[] = [
      'ConfChangeTransitionAuto',
      'ConfChangeTransitionAuto',
      'ConfChangeTransitionJointImplicit',
      'ConfChangeTransitionJointExplicit',
    ];
    const wantsJoint = node.raw.status().config.votersOutgoing.length > 0 && random.chance(2, 3);
    const transition = wantsJoint ? transitions[0] : transitions[random.below(4)];
    const count = wantsJoint ? 0 : random.between(1, 3);
    const changes: ConfChangeSingle[] = [];
    const removed = new Set<NodeId>();
    for (let i = 0; i < count; i++) {
      const isNew = this.nodes.length < 7 && random.chance(1, 4);
      const id = isNew ? this.addNewcomer() : nodeId(random.between(1, this.nodes.length));
      const type = (['ConfChangeAddNode', 'ConfChangeAddLearnerNode', 'ConfChangeRemoveNode'] as const)[
        isNew ? random.below(2) : random.below(3)
      ];
      if (type !== 'ConfChangeAddNode') removed.add(id);
      changes.push({ type, nodeId: id });
    }
    const { voters } = node.raw.status().config;
    const kept = changes.some((change) => change.type === 'ConfChangeAddNode' && !removed.has(change.nodeId));
    // A change that no node could apply stops the cluster by design, so none is proposed.
    if (!kept && voters.every((id) => removed.has(id))) return;
    ignoreDropped(() => node.raw.proposeConfChange({ transition, changes, context: emptyBytes }));
  }

  cutOrHeal(): void {
    const { random } = this;
    if (random.chance(1, 3)) {
      this.#cut.clear();
      return;
    }
    const [a, b] = [random.between(1, this.nodes.length), random.between(1, this.nodes.length)];
    this.#cut.add(`${a}>${b}`);
    if (random.chance(1, 2)) this.#cut.add(`${b}>${a}`);
  }

  heal(): void {
    this.#cut.clear();
    this.network.length = 0;
  }
}

function ignoreDropped(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
  }
}

function step(node: SimNode, m: Message): void {
  if (isLocalThread(m.from)) node.raw.step(m);
  else ignoreDropped(() => node.raw.step(m));
}

function chainBytes(chain: number): Uint8Array {
  return Uint8Array.of(chain >>> 24, (chain >>> 16) & 255, (chain >>> 8) & 255, chain & 255);
}

function readChain({ data }: Snapshot): number {
  return data.length === 4 ? new DataView(data.buffer, data.byteOffset).getUint32(0) : 0;
}
