/** Raft's storage thread: what must be remembered goes into the log, and answers wait until it is durable. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { idToHex } from '../../base/u64.ts';
import { MetadataSchema } from '../pb/gen/etcdserver_pb.ts';
import { MemoryStorage } from '../raft/storage.ts';
import { logIndex } from '../raft/types.ts';
import type { Entry, HardState, Message } from '../raft/types.ts';
import { Wal } from '../wal/wal.ts';
import type { WalOptions } from '../wal/wal.ts';
import type { Disk } from './disk.ts';
import { entryFromWire, entryToWire, hardStateFromWire, hardStateToWire } from './raft-codec.ts';
import type { ClusterId, MemberId, MemberTable } from './member-id.ts';
import type { DiskImage } from './types.ts';

/** Whose log it is. */
export interface LogOwner {
  readonly member: MemberId;
  readonly cluster: ClusterId;
  readonly table: MemberTable;
}

/** The data directory belongs to another member, or the like: a start is refused with this sentence. */
export class BootError extends Error {
  override readonly name = 'BootError';
}

/** Answers that wait for the syncs that were in flight when they came. */
interface WaitingAnswers {
  syncCount: number;
  readonly answers: readonly Message[];
}

const noMessages: readonly Message[] = [];

/**
 * The write-ahead log and, as raft's read side, the same entries in memory. Entries stand in memory from the
 * moment they are written; raft takes them for stable only when the answer to MsgStorageAppend is delivered.
 */
export class WalStorage {
  readonly memory = new MemoryStorage();
  readonly #wal: Wal;
  readonly #disk: Disk;
  readonly #table: MemberTable;
  #waiting: WaitingAnswers[] = [];

  private constructor(wal: Wal, disk: Disk, table: MemberTable) {
    this.#wal = wal;
    this.#disk = disk;
    this.#table = table;
  }

  /** Starts the log of a new member, in the place of one whose start broke off. */
  static create(owner: LogOwner, disk: Disk, options: WalOptions, leftovers: DiskImage): WalStorage {
    const metadata = create(MetadataSchema, { NodeID: owner.member, ClusterID: owner.cluster });
    const wal = Wal.create(toBinary(MetadataSchema, metadata), disk.walSink(), options, leftovers);
    return new WalStorage(wal, disk, owner.table);
  }

  /**
   * Reads a member's log; null when it has none, or one that never came to its first hard state: then nobody
   * was
   * promised anything, and the member starts as new.
   * @throws BootError when the log is another member's; WalError, RaftWireError when it cannot be read
   */
  static open(owner: LogOwner, disk: Disk, options: WalOptions, files: DiskImage): WalStorage | null {
    if (!Wal.exists(files)) return null;
    const { wal, metadata, hardState, entries } = Wal.open(
      files,
      { index: 0, term: 0 },
      disk.walSink(),
      options,
    );
    if (hardState === null) return null;
    checkOwner(metadata, owner);
    const storage = new WalStorage(wal, disk, owner.table);
    storage.memory.setHardState(hardStateFromWire(hardState, owner.table));
    storage.memory.append(entries.map((entry) => entryFromWire(entry, owner.table)));
    disk.syncFound(wal.tail.file);
    return storage;
  }

  /**
   * Does a MsgStorageAppend.
   * @param mustSync whether it holds more than a new commit index
   * @returns the answers that may be delivered at once, because nothing is on its way to the disk
   */
  append(m: Message, mustSync: boolean): readonly Message[] {
    const hardState = hardStateOf(m);
    const state = hardState === null ? null : hardStateToWire(hardState, this.#table);
    this.#wal.save(
      state,
      m.entries.map((entry) => entryToWire(entry, this.#table)),
      mustSync,
    );
    this.memory.append(m.entries);
    const syncCount = this.#disk.walSyncsInFlight;
    if (syncCount === 0) return m.responses;
    this.#waiting.push({ syncCount, answers: m.responses });
    return noMessages;
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
    this.#wal.synced();
    for (const waiting of this.#waiting) waiting.syncCount--;
    const ready = this.#waiting.filter(({ syncCount }) => syncCount === 0);
    if (ready.length > 0) this.#waiting = this.#waiting.slice(ready.length);
    return ready.flatMap(({ answers }) => answers);
  }
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

function checkOwner(bytes: Uint8Array, owner: LogOwner): void {
  const { NodeID, ClusterID } = fromBinary(MetadataSchema, bytes);
  if (NodeID === owner.member && ClusterID === owner.cluster) return;
  const found = `${idToHex(NodeID)} of cluster ${idToHex(ClusterID)}`;
  const wanted = `${idToHex(owner.member)} of cluster ${idToHex(owner.cluster)}`;
  throw new BootError(
    `the log belongs to member ${found}, not to member ${wanted}: ` +
      'start it with its own name, peer URLs and token',
  );
}
