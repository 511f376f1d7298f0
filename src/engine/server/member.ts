/**
 * One member as the world sees it: inputs in, outputs out, and nothing else. A process that may fail, but
 * never throws.
 */
import { InvariantError } from '../../base/assert.ts';
import { BoltError } from '../bolt/errors.ts';
import type { PageRun } from '../bolt/types.ts';
import type { Status } from '../raft/status.ts';
import type { Entry } from '../raft/types.ts';
import { LeaseError } from '../lease/types.ts';
import { MvccError } from '../mvcc/types.ts';
import { WalError } from '../wal/errors.ts';
import type { DecodedPage } from './inspect.ts';
import { entryLabel } from './entry-data.ts';
import { StopError } from './errors.ts';
import { Outbox } from './outbox.ts';
import { RaftWireError } from './raft-codec.ts';
import { EtcdServer } from './server.ts';
import type { Store } from './store.ts';
import type { DiskImage, MemberConfig, MemberInput, MemberOutput } from './types.ts';
import { BootError } from './wal-storage.ts';

/** A stretch of a member's log, for the views. */
export interface LogSlice {
  readonly firstIndex: number;
  readonly entries: readonly { readonly index: number; readonly term: number; readonly label: string }[];
}

const noDigest: readonly [number, number] = [0, 0];

/**
 * A pure state machine: equal inputs give equal outputs. Time comes in with each input; timers, messages,
 * disk
 * requests and replies go out, and their completions come back as inputs.
 */
export class Member {
  private readonly outbox: Outbox;
  private server: EtcdServer | null = null;
  private digest: readonly [number, number] = noDigest;
  /** Why the process has ended. */
  private halted: string | null = null;

  private constructor(outbox: Outbox) {
    this.outbox = outbox;
  }

  /**
   * Starts a member from its configuration and what its disk holds: none of its files for a new one.
   * @returns the first output; `halted` is set where the files cannot be taken up
   */
  static boot(
    config: MemberConfig,
    files: DiskImage,
    nowUs: number,
  ): { readonly member: Member; readonly output: MemberOutput } {
    const outbox = new Outbox(config.trace, config.brief);
    const member = new Member(outbox);
    outbox.meter.nowUs = nowUs;
    const output = member.run(() => {
      member.server = new EtcdServer(config, files, outbox, nowUs);
    });
    return { member, output };
  }

  /** Does what follows from one input. A member that has halted takes it without effect. */
  step(input: MemberInput, nowUs: number): MemberOutput {
    const server = this.server;
    if (server === null || this.halted !== null) return this.outbox.take(this.digest, this.halted);
    this.outbox.meter.take(input, nowUs);
    return this.run(() => server.take(input, nowUs));
  }

  /** Whether the member tells events from now on, and only a part; it does the same either way. */
  listen(on: boolean, brief?: boolean): void {
    this.outbox.listen(on, brief);
  }

  /** Bytes; 0 where there is no store. */
  get pageSize(): number {
    return this.server?.store.pageSize ?? 0;
  }

  /** What each page of the store is, at the last commit. */
  pageRuns(): PageRun[] {
    return this.server?.store.pageRuns() ?? [];
  }

  /** Raft's configuration and, on a leader, each follower's progress; null where raft does not run. */
  raftStatus(): Status | null {
    return this.server?.raftStatus() ?? null;
  }

  /**
   * The last applied entry and a hash over the store's records after it: equal on all members that have
   * applied as much and compacted as much. Null where the two do not go together, as at a start.
   */
  applied(): { readonly index: number; readonly records: readonly [number, number] } | null {
    const applier = this.server?.applier ?? null;
    return applier?.isCurrent === true ? { index: applier.index, records: applier.records } : null;
  }

  /** What checkers look at and change nothing of; null before raft runs. */
  state(): {
    readonly store: Store;
    readonly applied: number;
    readonly isCurrent: boolean;
    readonly records: readonly [number, number];
    entries(from: number, limit: number): readonly Entry[];
  } | null {
    const server = this.server;
    const applier = server?.applier ?? null;
    if (server === null || applier === null || this.halted !== null) return null;
    const { index: applied, isCurrent, records } = applier;
    return { store: server.store, applied, isCurrent, records, entries: (a, b) => server.entries(a, b) };
  }

  /** A page with its items as printable text; null for a page that the store does not have. */
  page(pgid: number): DecodedPage | null {
    return this.server?.store.page(pgid) ?? null;
  }

  /** Entries from an index on, as they were handed to the disk; at most `limit`. */
  logEntries(from: number, limit: number): LogSlice {
    const server = this.server;
    const entries = server?.entries(from, limit) ?? [];
    return {
      firstIndex: entries[0]?.index ?? from,
      entries: entries.map((entry) => ({
        index: entry.index,
        term: entry.term,
        label: server === null ? '' : entryLabel(entry, server.table),
      })),
    };
  }

  /**
   * The boundary of the process: here, and only here, a broken invariant or a failure ends it. What the step
   * had
   * produced is lost with it, but for the events.
   */
  private run(work: () => void): MemberOutput {
    try {
      work();
      this.digest = this.server?.digest() ?? noDigest;
    } catch (error) {
      this.halt(haltReason(error));
    }
    if (this.halted !== null || this.server?.isStopped !== true) {
      return this.outbox.take(this.digest, this.halted);
    }
    this.halted = 'the member was stopped';
    return { ...this.outbox.take(this.digest, this.halted), stopped: true };
  }

  private halt(reason: string): void {
    this.halted = reason;
    this.outbox.dropAllButEvents();
    if (this.outbox.trace.on) this.outbox.trace.emit({ type: 'server.halt', reason });
  }
}

/** A sentence for a failure that ends a process. An error that is none of these is thrown on. */
function haltReason(error: unknown): string {
  if (error instanceof InvariantError) return `a broken invariant stopped the member: ${error.message}`;
  if (error instanceof StopError) return error.message;
  if (error instanceof BootError) return `the member cannot start: ${error.message}`;
  if (error instanceof WalError || error instanceof RaftWireError) {
    return `the member cannot start: its log in member/wal is damaged (${error.message}). ${wayOut}`;
  }
  if (error instanceof BoltError || error instanceof LeaseError || error instanceof MvccError) {
    return `the member cannot go on: its store member/snap/db is damaged (${error.message}). ${wayOut}`;
  }
  throw error;
}

const wayOut = 'Restore it from a backup, or remove the member and add it anew.';
