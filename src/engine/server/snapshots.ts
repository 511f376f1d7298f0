/**
 * Snapshots of this member's own: where a start goes on from, so that the log before need not be kept.
 */
import { kept } from '../../base/fork.ts';
import type { Backend } from '../backend/backend.ts';
import type { ConfState, Snapshot } from '../raft/types.ts';
import type { Applier } from './apply.ts';
import type { Disk } from './disk.ts';
import type { Membership } from './membership.ts';
import type { Outbox } from './outbox.ts';
import type { RaftNode } from './raft.ts';
import { encodeSnapFile, encodeSnapshot, listSnaps, snapDbsBefore, snapFile } from './snapshot-codec.ts';
import type { MemberTable } from './member-id.ts';
import type { DiskImage, MemberConfig } from './types.ts';
import { encodeV2Store } from './v2-store.ts';
import type { WalStorage } from './wal-storage.ts';

/** @source etcd v3.4.23 etcdserver/server.go DefaultSnapshotCount, DefaultSnapshotCatchUpEntries */
const defaultSnapshotCount = 100_000;
const defaultCatchUpEntries = 5000;
/** @source etcd v3.4.23 embed/config.go DefaultMaxSnapshots */
const keptSnaps = 5;

export interface SnapshotParts {
  readonly storage: WalStorage;
  readonly backend: Backend;
  readonly applier: Applier;
  readonly membership: Membership;
  readonly table: MemberTable;
  readonly raft: RaftNode;
  readonly disk: Disk;
  readonly outbox: Outbox;
  /** A follower that gets a snapshot needs the log behind it. */
  readonly holdsLog: () => boolean;
}

/** A snapshot whose state the backend has not yet made durable. */
interface Pending {
  readonly index: number;
  readonly confState: ConfState;
  readonly data: Uint8Array;
}

/**
 * A snapshot is taken in steps, each begun when the one before is durable: the backend's commit, the `.snap`
 * file, its mark in the log. Then the log's old segments and older snapshots go, and entries that no slow
 * follower is likely to need leave the memory.
 * @source etcd v3.4.23 etcdserver/server.go triggerSnapshot, snapshot; storage.go SaveSnap, Release
 */
export class Snapshots {
  private readonly parts: SnapshotParts;
  private readonly count: number;
  private readonly catchUpEntries: number;
  /** Files of snapshots and of databases that came with one. */
  private files: readonly string[];
  /** Where the last one was taken. */
  private lastIndex: number;
  private pending: Pending | null = null;
  private isSaving = false;

  constructor(config: MemberConfig, parts: SnapshotParts, found: DiskImage, lastIndex: number) {
    this.parts = parts;
    this.count = config.snapshotCount ?? defaultSnapshotCount;
    this.catchUpEntries = config.snapshotCatchUpEntries ?? defaultCatchUpEntries;
    this.files = [...found.keys()].filter((file) => file.startsWith('member/snap/'));
    this.lastIndex = lastIndex;
  }

  /** Begins a snapshot where enough was applied since the last. */
  settle(): void {
    const { applier, membership, raft } = this.parts;
    if (this.pending !== null) return this.tryPending();
    if (this.isSaving || applier.index - this.lastIndex <= this.count) return;
    this.lastIndex = applier.index;
    const { config: confState } = raft.fullStatus();
    this.pending = { index: applier.index, confState, data: encodeV2Store(membership) };
    applier.commit();
    this.tryPending();
  }

  /** Saves the snapshot of another member; `then` is called when its file is durable. */
  saveReceived(snapshot: Snapshot, then: () => void): void {
    this.write(snapshot, then);
  }

  /** The state is a received snapshot's. */
  applied({ index }: Snapshot): void {
    this.lastIndex = index;
    this.pending = null;
    this.release(index);
  }

  /** A database came with a snapshot. */
  noteFile(file: string): void {
    this.files = [...this.files, file];
  }

  private tryPending(): void {
    const pending = this.pending;
    if (pending === null || this.parts.backend.durableIndex < pending.index) return;
    this.pending = null;
    const { storage } = this.parts;
    const snapshot = storage.createSnapshot(pending.index, pending.confState, pending.data);
    if (snapshot === null) return;
    this.isSaving = true;
    this.write(
      snapshot,
      kept((self: Snapshots) => () => self.mark(snapshot), this),
    );
  }

  private mark(snapshot: Snapshot): void {
    const saved = kept((self: Snapshots) => () => self.saved(snapshot), this);
    this.parts.storage.markSnapshot(snapshot, saved);
  }

  private write(snapshot: Snapshot, then: () => void): void {
    const { disk, table } = this.parts;
    const file = snapFile(snapshot);
    const bytes = encodeSnapFile(encodeSnapshot(snapshot, (node) => table.memberOf(node)));
    this.noteFile(file);
    this.parts.outbox.meter.snapMarshalling.observe(0);
    disk.writeFile(file, bytes, then);
  }

  private saved(snapshot: Snapshot): void {
    this.isSaving = false;
    const { outbox, raft, holdsLog } = this.parts;
    const { index, term } = snapshot;
    if (outbox.trace.on) {
      const sizeBytes = snapshot.data.length;
      outbox.trace.emit({ type: 'snapshot.save', index, term, file: snapFile(snapshot), sizeBytes });
    }
    this.release(index);
    if (holdsLog()) return;
    raft.compact(index > this.catchUpEntries ? index - this.catchUpEntries : 1);
  }

  /** @source etcd v3.4.23 etcdserver/storage.go Release; server.go purgeFile */
  private release(index: number): void {
    const { storage, disk } = this.parts;
    storage.release(index);
    const old = listSnaps(this.files).slice(keptSnaps);
    const gone = new Set([...old.map(({ file }) => file), ...snapDbsBefore(this.files, index)]);
    for (const file of gone) disk.remove(file);
    if (gone.size > 0) this.files = this.files.filter((file) => !gone.has(file));
  }
}
