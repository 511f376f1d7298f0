/** One node of a script: raft node, storage, queues of the local threads, an application that appends. */
import { concatBytes } from '../../../../src/base/bytes.ts';
import { stream } from '../../../../src/base/prng.ts';
import { decodeChangeEntry } from '../../../../src/engine/raft/confchange-codec.ts';
import type { Config } from '../../../../src/engine/raft/config.ts';
import { isEmptyHardState } from '../../../../src/engine/raft/raft.ts';
import { RawNode } from '../../../../src/engine/raft/rawnode.ts';
import { MemoryStorage } from '../../../../src/engine/raft/storage.ts';
import type { Storage } from '../../../../src/engine/raft/storage.ts';
import type {
  ConfState,
  Entry,
  HardState,
  LogIndex,
  Message,
  NodeId,
  Snapshot,
  Term,
} from '../../../../src/engine/raft/types.ts';
import { logIndex } from '../../../../src/engine/raft/types.ts';

/** What a script may set; the rest is the same for all. */
export type NodeOptions = Omit<Config, 'id' | 'storage' | 'random'>;

/** Memory storage whose snapshot is always the application's newest state. */
class HarnessStorage implements Storage {
  readonly memory = new MemoryStorage();
  readonly history: Snapshot[];
  /** Set at a restart: the configuration at the index that is applied. */
  confState: ConfState | null = null;

  constructor(history: Snapshot[]) {
    this.history = history;
  }

  initialState(): { hardState: HardState | null; confState: ConfState } {
    const { hardState, confState } = this.memory.initialState();
    return { hardState, confState: this.confState ?? confState };
  }

  entries(low: LogIndex, high: LogIndex, maxSize: number): readonly Entry[] {
    return this.memory.entries(low, high, maxSize);
  }

  term(index: LogIndex): Term {
    return this.memory.term(index);
  }

  lastIndex(): LogIndex {
    return this.memory.lastIndex();
  }

  firstIndex(): LogIndex {
    return this.memory.firstIndex();
  }

  snapshot(): Snapshot {
    return this.history[this.history.length - 1];
  }
}

export class HarnessNode {
  readonly id: NodeId;
  readonly options: NodeOptions;
  readonly storage: HarnessStorage;
  raw: RawNode;
  appendWork: Message[] = [];
  applyWork: Message[] = [];

  constructor(id: NodeId, options: NodeOptions, snapshot: Snapshot) {
    this.id = id;
    this.options = options;
    this.storage = new HarnessStorage([snapshot]);
    if (snapshot.index > 0) this.storage.memory.applySnapshot(snapshot);
    this.raw = this.#start(options.applied ?? logIndex(0));
  }

  #start(applied: LogIndex): RawNode {
    return new RawNode({
      ...this.options,
      applied,
      id: this.id,
      storage: this.storage,
      random: stream(1, 'raft', this.id),
    });
  }

  /** Crash and restart: what was not stored is gone. */
  restart(): void {
    const { memory, history } = this.storage;
    const last = history[history.length - 1];
    const compacted = logIndex(memory.firstIndex() - 1);
    const applied = last.index > compacted ? last.index : compacted;
    const { hardState, confState } = memory.initialState();
    this.storage.confState = last.index >= compacted ? last.confState : confState;
    if (hardState !== null && !isEmptyHardState(hardState) && hardState.commit < applied) {
      memory.setHardState({ ...hardState, commit: applied });
    }
    this.appendWork = [];
    this.applyWork = [];
    this.raw = this.#start(applied);
  }

  /** @returns an error's text, or null */
  persist(hardState: HardState | null, entries: readonly Entry[], snapshot: Snapshot | null): string | null {
    const { memory } = this.storage;
    if (hardState !== null && !isEmptyHardState(hardState)) memory.setHardState(hardState);
    if (snapshot === null) {
      memory.append(entries);
      return null;
    }
    if (entries.length > 0) return "can't apply snapshot and entries at the same time";
    memory.applySnapshot(snapshot);
    return null;
  }

  /** Applies entries to a state that is the concatenation of all data, and keeps every state. */
  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { history } = this.storage;
      const before = history[history.length - 1];
      const change = decodeChangeEntry(entry);
      const confState = change === null ? before.confState : this.raw.applyConfChange(change);
      history.push({
        data: concatBytes([before.data, change === null ? entry.data : change.context]),
        index: entry.index,
        term: entry.term,
        confState,
      });
    }
  }
}
