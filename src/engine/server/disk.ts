/** A member's files as requests: writes in order, and syncs that are known again when they are done. */
import { assert } from '../../base/assert.ts';
import { kept } from '../../base/fork.ts';
import type { PageSink } from '../bolt/pager.ts';
import type { WalSink } from '../wal/wal.ts';
import { isReceiving } from './snapshot-codec.ts';
import type { Outbox } from './outbox.ts';
import type { DiskErrorCode } from './types.ts';

export const backendFile = 'member/snap/db';

/** A large file is written in pieces of so many bytes. */
const writeBytes = 1048576;

/**
 * What a sync was asked for: the log, the backend's data pages, its meta page (which ends a commit), what a
 * start found in the files and builds upon, the copy that a defragmentation makes, or a file that somebody
 * waits for.
 */
export type SyncPurpose = 'wal' | 'pages' | 'meta' | 'found' | 'defragment' | 'file';

interface PendingSync {
  readonly purpose: SyncPurpose;
  readonly file: string;
  /** Of pages and meta pages: which of the backend's databases they belong to. */
  readonly database: number;
  readonly sinceUs: number;
  /** Of a file: what is to follow. */
  readonly then: (() => void) | null;
}

/** The requests of one process; ids count from 1 and each completion is expected once. */
export class Disk {
  private readonly outbox: Outbox;
  private readonly pending = new Map<number, PendingSync>();
  private nextId = 1;
  private database = 1;
  /** When the commit began whose meta page is on its way. */
  private commitSinceUs = 0;

  constructor(outbox: Outbox) {
    this.outbox = outbox;
  }

  /** The log's files. Each sync stands for itself: what it makes durable is waited for. */
  walSink(): WalSink {
    const make = (self: Disk): WalSink => ({
      write: (file, offset, data) => self.outbox.disk({ kind: 'write', file, offset, data }),
      sync: (file) => self.requestSync('wal', file, false, null),
      truncate: (file, sizeBytes) => self.outbox.disk({ kind: 'truncate', file, sizeBytes }),
      remove: (file) => self.remove(file),
    });
    return kept(make, this);
  }

  /** The backend's file. Pages are made durable before the meta page that leads to them is written. */
  pageSink(): PageSink {
    const make = (self: Disk): PageSink => ({
      write: (offset, data) => self.outbox.disk({ kind: 'write', file: backendFile, offset, data }),
      sync: (what) =>
        self.requestSync(what === 'meta' ? 'meta' : 'pages', backendFile, what !== 'meta', null),
      truncate: (sizeBytes) => self.outbox.disk({ kind: 'truncate', file: backendFile, sizeBytes }),
    });
    return kept(make, this);
  }

  /**
   * Makes durable what an earlier process of this member may have left in the page cache: what was read from
   * it must not be lost any more.
   */
  syncFound(file: string): void {
    this.requestSync('found', file, false, null);
  }

  write(file: string, offset: number, data: Uint8Array): void {
    this.outbox.disk({ kind: 'write', file, offset, data });
  }

  /** So much of the backend's file is read, for a copy, or to be sent to another member. */
  readBackend(sizeBytes: number, into?: string): void {
    const read = { kind: 'read', file: backendFile, sizeBytes } as const;
    this.outbox.disk(into === undefined ? read : { ...read, into });
  }

  /** Writes a whole file anew and calls `then` once it is durable. */
  writeFile(file: string, data: Uint8Array, then: () => void): void {
    this.outbox.disk({ kind: 'truncate', file, sizeBytes: 0 });
    for (let at = 0; at < data.length; at += writeBytes) {
      this.write(file, at, data.subarray(at, at + writeBytes));
    }
    this.syncFile(file, then);
  }

  /** Calls `then` once all that was written to the file is durable. */
  syncFile(file: string, then: () => void): void {
    this.requestSync('file', file, false, then);
  }

  rename(file: string, to: string): void {
    this.outbox.disk({ kind: 'rename', file, to });
  }

  /** Another file takes the database's place: what is under way for the old one is nobody's any more. */
  replaceDatabase(file: string): void {
    this.database++;
    this.rename(file, backendFile);
  }

  /** Whether a commit's end is that of the present database. */
  isPresent({ database }: PendingSync): boolean {
    return database === this.database;
  }

  remove(file: string): void {
    this.outbox.disk({ kind: 'remove', file });
  }

  /** What is written to the file so far is to be durable. */
  sync(purpose: SyncPurpose, file: string): void {
    this.requestSync(purpose, file, false, null);
  }

  /** Nothing is on its way. */
  get isIdle(): boolean {
    return this.pending.size === 0;
  }

  /** How many syncs of the log are not done. */
  get walSyncsInFlight(): number {
    let count = 0;
    for (const { purpose } of this.pending.values()) if (purpose === 'wal') count++;
    return count;
  }

  /** What the sync was for; it is done or has failed, and is forgotten. */
  done(id: number): PendingSync {
    const pending = this.pending.get(id);
    assert(pending !== undefined, 'disk: a completion that nobody waits for');
    this.pending.delete(id);
    this.measure(pending);
    return pending;
  }

  /** A commit of the backend lasts from its pages to its meta page. */
  private measure({ purpose, file, sinceUs }: PendingSync): void {
    const { meter } = this.outbox;
    const lastedUs = meter.nowUs - sinceUs;
    if (purpose === 'wal') meter.walFsync.observe(lastedUs);
    if (purpose === 'pages') this.commitSinceUs = sinceUs;
    if (purpose === 'meta') this.measureCommit(sinceUs);
    if (purpose === 'file') (isReceiving(file) ? meter.snapDbFsync : meter.snapFsync).observe(lastedUs);
    if (purpose !== 'defragment') return;
    meter.defragInflight--;
    meter.defragment.observe(lastedUs);
  }

  /** Only the disk takes time: trees are put in order at once. */
  private measureCommit(sinceUs: number): void {
    const { meter } = this.outbox;
    meter.backendCommit.observe(meter.nowUs - Math.min(this.commitSinceUs, sinceUs));
    meter.commitRebalance.observe(0);
    meter.commitSpill.observe(0);
  }

  private requestSync(purpose: SyncPurpose, file: string, barrier: boolean, then: (() => void) | null): void {
    const id = this.nextId++;
    const { meter } = this.outbox;
    if (purpose === 'defragment') meter.defragInflight++;
    this.pending.set(id, { purpose, file, database: this.database, sinceUs: meter.nowUs, then });
    this.outbox.disk({ kind: 'sync', file, id, barrier });
  }
}

/** Why a member stops when its disk has failed: a log with a hole would break its promises. */
export function diskFailure(file: string, error: DiskErrorCode): string {
  const [what, remedy] =
    error === 'ENOSPC'
      ? ['no space is left on the disk', 'Free or add space']
      : ['the disk failed', 'Check or replace the disk'];
  return `${file} could not be made durable: ${error}, ${what}. ${remedy}, then start the member again.`;
}
