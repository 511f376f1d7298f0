/** Raft's storage thread: what must be remembered goes into the log, and answers wait until it is durable. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { fail } from '../../base/assert.ts';
import { type Defects, noDefects } from '../defects.ts';
import { MetadataSchema } from '../pb/gen/etcdserver_pb.ts';
import { RaftError } from '../raft/errors.ts';
import { MemoryStorage } from '../raft/storage.ts';
import { logIndex, none, term } from '../raft/types.ts';
import type { ConfState, Entry, HardState, Message, Snapshot } from '../raft/types.ts';
import { Wal } from '../wal/wal.ts';
import type { WalHardState } from '../wal/record.ts';
import type { WalOptions } from '../wal/wal.ts';
import type { Disk } from './disk.ts';
import { entryFromWire, entryToWire, hardStateFromWire, hardStateToWire } from './raft-codec.ts';
import type { ClusterId, MemberId, MemberTable } from './member-id.ts';
import { standaloneLog } from './standalone.ts';
import type { DiskImage, MemberConfig } from './types.ts';

/** Whose log it is. */
export interface LogOwner {
  readonly member: MemberId;
  readonly cluster: ClusterId;
  readonly table: MemberTable;
}

/** The data directory cannot be taken up, or the cluster refuses the member: so a start ends. */
export class BootError extends Error {
  override readonly name = 'BootError';
}

/** Answers that wait for the syncs that were in flight when they came. */
interface WaitingAnswers {
  syncCount: number;
  readonly answers: readonly Message[];
  readonly then?: () => void;
}

/** A MsgStorageAppend that waits for a snapshot's file. */
interface QueuedAppend {
  readonly message: Message;
  readonly mustSync: boolean;
}

const noMessages: readonly Message[] = [];

/** @source etcd v3.4.23 embed/config.go DefaultMaxWALs */
const keptSegments = 5;

/** How a member's log is kept. */
export function walOptionsOf(config: MemberConfig, trace: WalOptions['trace']): WalOptions {
  const { walSegmentBytes: segmentSizeBytes, defects } = config;
  return {
    ...(trace !== undefined && { trace }),
    ...(segmentSizeBytes !== undefined && { segmentSizeBytes }),
    ...(defects !== undefined && { defects }),
  };
}

/** The id and the cluster that a data directory's log names; null where there is no log. */
export function ownerInLog(files: DiskImage): Omit<LogOwner, 'table'> | null {
  const bytes = Wal.metadata(files);
  if (bytes === null) return null;
  const { NodeID = 0n, ClusterID = 0n } = fromBinary(MetadataSchema, bytes);
  return { member: NodeID as MemberId, cluster: ClusterID as ClusterId };
}

/**
 * The write-ahead log and, as raft's read side, the same entries in memory. Entries stand in memory from the
 * moment they are written; raft takes them for stable only when the answer to MsgStorageAppend is delivered.
 */
export class WalStorage {
  readonly memory = new MemoryStorage();
  private readonly wal: Wal;
  private readonly disk: Disk;
  private readonly table: MemberTable;
  private readonly defects: Defects;
  private waiting: WaitingAnswers[] = [];
  /** While a snapshot's file is on its way nothing goes into the log: it would stand before its mark. */
  private queue: QueuedAppend[] = [];
  private savesSnapshot = false;

  private constructor(wal: Wal, disk: Disk, table: MemberTable, defects: Defects) {
    this.wal = wal;
    this.disk = disk;
    this.table = table;
    this.defects = defects;
  }

  /** Starts the log of a new member, in the place of one whose start broke off. */
  static create(owner: LogOwner, disk: Disk, options: WalOptions, leftovers: DiskImage): WalStorage {
    const metadata = create(MetadataSchema, { NodeID: owner.member, ClusterID: owner.cluster });
    const wal = Wal.create(toBinary(MetadataSchema, metadata), disk.walSink(), options, leftovers);
    return new WalStorage(wal, disk, owner.table, options.defects ?? noDefects);
  }

  /**
   * Reads a member's log from its newest snapshot on; null when it has none, or one that never came to its
   * first hard state: then nobody was promised anything, and the member starts as new.
   * @param snapshot what the start begins from; null: the log's first entry
   * @param alone who goes on as the only member of its cluster; null: all go on as they were
   * @throws WalError, RaftWireError when it cannot be read
   */
  static open(
    table: MemberTable,
    disk: Disk,
    options: WalOptions,
    files: DiskImage,
    snapshot: Snapshot | null,
    alone: MemberId | null = null,
  ): WalStorage | null {
    if (!Wal.exists(files)) return null;
    const start = { index: snapshot?.index ?? 0, term: snapshot?.term ?? 0 };
    const { wal, hardState, entries } = Wal.open(files, start, disk.walSink(), options);
    if (hardState === null) return null;
    const storage = new WalStorage(wal, disk, table, options.defects ?? noDefects);
    if (snapshot !== null) storage.memory.applySnapshot(snapshot);
    // first the entries, for they tell which member has which number
    const found = entries.map((entry) => entryFromWire(entry, table));
    if (alone === null) storage.memory.append(found);
    const commit = alone === null ? hardState.commit : storage.goAlone(alone, snapshot, found, hardState);
    storage.memory.setHardState(hardStateFromWire({ ...hardState, commit }, table));
    disk.syncFound(wal.tail.file);
    return storage;
  }

  /** @returns up to where the log counts as committed; the disk says less until raft runs */
  private goAlone(
    self: MemberId,
    snapshot: Snapshot | null,
    found: readonly Entry[],
    state: WalHardState,
  ): number {
    const { kept, added } = standaloneLog(self, snapshot, found, state, this.table);
    this.memory.append([...kept, ...added]);
    this.wal.save(null, added.map(entryToWire), true);
    return state.commit + added.length;
  }

  /**
   * Does a MsgStorageAppend.
   * @param mustSync whether it holds more than a new commit index
   * @returns the answers that may be delivered at once, because nothing is on its way to the disk
   */
  append(m: Message, mustSync: boolean): readonly Message[] {
    if (!this.savesSnapshot && m.snapshot === null) return this.write(m, mustSync);
    this.savesSnapshot = true;
    this.queue.push({ message: m, mustSync });
    return noMessages;
  }

  /** The snapshot of another member that waits for its file to be saved; null while there is none. */
  get snapshotToSave(): Snapshot | null {
    return this.queue[0]?.message.snapshot ?? null;
  }

  /**
   * The file of `snapshotToSave` is durable: its mark goes into the log, and then what has waited behind it.
   * Its own entries and the log before it are replaced. The hard state that comes with it is synced too: a
   * start passes over a snapshot that no stored commit index has reached.
   * @source etcd v3.4.23 etcdserver/raft.go start, "Must save the snapshot file and WAL snapshot entry"
   */
  snapshotSaved(): void {
    const snapshot = this.snapshotToSave ?? fail('wal-storage: no snapshot was to be saved');
    this.wal.saveSnapshot({ index: snapshot.index, term: snapshot.term });
    this.memory.applySnapshot(snapshot);
    do {
      const { message, mustSync } = this.queue.shift() as QueuedAppend;
      const isSynced = mustSync || message.snapshot !== null;
      if (this.write(message, isSynced).length > 0) fail('wal-storage: a mark was not synced');
    } while (this.queue.length > 0 && this.snapshotToSave === null);
    this.savesSnapshot = this.queue.length > 0;
  }

  private write(m: Message, mustSync: boolean): readonly Message[] {
    const hardState = this.storedState(hardStateOf(m));
    const state = hardState === null ? null : hardStateToWire(hardState, this.table);
    this.wal.save(state, m.entries.map(entryToWire), mustSync);
    this.memory.append(m.entries);
    const syncCount = this.disk.walSyncsInFlight;
    if (syncCount === 0) return m.responses;
    const { ownAckBeforeSync, ackBeforeSync } = this.defects;
    const isEarly = ({ to }: Message): boolean => (to === m.from ? ownAckBeforeSync : ackBeforeSync);
    const answers = m.responses.filter((answer) => !isEarly(answer));
    this.waiting.push({ syncCount, answers });
    return answers.length === m.responses.length ? noMessages : m.responses.filter(isEarly);
  }

  /** What of the hard state goes to the disk: all of it. */
  private storedState(state: HardState | null): HardState | null {
    const { voteNotStored, termNotStored } = this.defects;
    if (state === null || !(voteNotStored || termNotStored)) return state;
    return { ...state, ...(voteNotStored ? { vote: none } : { term: term(1) }) };
  }

  /**
   * Makes the state at an applied index raft's snapshot, for whoever starts from it or falls behind.
   * @returns null where a newer one is there already
   */
  createSnapshot(index: number, confState: ConfState, data: Uint8Array): Snapshot | null {
    try {
      return this.memory.createSnapshot(logIndex(index), confState, data);
    } catch (error) {
      if (isOutdated(error)) return null;
      throw error;
    }
  }

  /** The snapshot's file is durable: its mark goes into the log; `then` is called when it is durable too. */
  markSnapshot({ index, term }: Snapshot, then: () => void): void {
    this.wal.saveSnapshot({ index, term });
    this.waiting.push({ syncCount: this.disk.walSyncsInFlight, answers: noMessages, then });
  }

  /** Lets go of segments that a start from the snapshot at `index` does not read. */
  release(index: number): void {
    this.wal.release(index, keptSegments);
  }

  /** Drops entries up to `index` from memory. @returns false where they were gone already */
  compact(index: number): boolean {
    try {
      this.memory.compact(logIndex(index));
      return true;
    } catch (error) {
      if (isOutdated(error)) return false;
      throw error;
    }
  }

  /** Entries from an index on, as far as there are any; an index that is not in the log is moved into it. */
  entries(from: number, limit: number): readonly Entry[] {
    const low = Math.max(from, this.memory.firstIndex());
    const high = Math.min(low + limit, this.memory.lastIndex() + 1);
    return high <= low ? [] : this.memory.entries(logIndex(low), logIndex(high), Infinity);
  }

  /** The term of the last entry; 0 for an empty log. */
  get lastTerm(): number {
    return this.memory.term(this.memory.lastIndex());
  }

  /** The oldest sync is done. Returns the answers that have waited for it alone. */
  synced(): readonly Message[] {
    this.wal.synced();
    for (const waiting of this.waiting) waiting.syncCount--;
    const [first, second] = this.waiting;
    if (first === undefined || first.syncCount > 0) return noMessages;
    const isAlone = second === undefined || second.syncCount > 0;
    const ready = isAlone ? [first] : this.waiting.filter(({ syncCount }) => syncCount === 0);
    this.waiting = this.waiting.slice(ready.length);
    for (const { then } of ready) then?.();
    return isAlone ? first.answers : ready.flatMap(({ answers }) => answers);
  }
}

function isOutdated(error: unknown): boolean {
  if (!(error instanceof RaftError)) return false;
  return (
    error.code === 'requested index is older than the existing snapshot' ||
    error.code === 'requested index is unavailable due to compaction'
  );
}

/**
 * The hard state in a MsgStorageAppend; null when it has not changed. @source etcd-io/raft rawnode.go
 * newStorageAppendMsg
 */
function hardStateOf(m: Message): HardState | null {
  return m.term === 0 && m.vote === 0 && m.commit === 0
    ? null
    : { term: m.term, vote: m.vote, commit: m.commit };
}
