/** Compactions of one member: ordered by clients or by itself, carried out a piece at a time. */
import { kept } from '../../base/fork.ts';
import { create } from '@bufbuild/protobuf';
import type { Backend } from '../backend/backend.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import type { CompactionCounts } from '../mvcc/kvstore-compaction.ts';
import { CompactionRequestSchema } from '../pb/gen/rpc_pb.ts';
import type { CompactionRequest } from '../pb/gen/rpc_pb.ts';
import type { Finish } from './calls.ts';
import { makeCompactor } from './compactor.ts';
import type { AutoCompaction, Compactor } from './compactor.ts';
import type { WriteRequest } from './entry-data.ts';
import { rpcErrors } from './errors.ts';
import type { RpcError } from './errors.ts';
import type { Outbox } from './outbox.ts';

export interface CompactionPort {
  readonly kv: KvStore;
  readonly backend: Backend;
  readonly outbox: Outbox;
  readonly raft: { readonly isLeader: boolean };
  /** Proposes a write as the member itself. */
  readonly propose: (write: WriteRequest, nowUs: number, finish: Finish) => void;
}

export class CompactionServer {
  private readonly port: CompactionPort;
  private readonly auto: Compactor | null;
  /** The timer for the next piece is set. */
  private isResting = false;
  /** When the first piece of the records was done. */
  private recordsSinceUs = 0;

  /** @param auto undefined: only clients order compactions */
  constructor(port: CompactionPort, auto: AutoCompaction | undefined, nowUs: number) {
    this.port = port;
    this.auto = auto === undefined ? null : makeCompactor(auto, port.kv.revision, nowUs);
    if (this.auto !== null) port.outbox.timer('autoCompaction', this.auto.intervalUs);
  }

  takeTimer(timer: 'compaction' | 'autoCompaction', nowUs: number): void {
    if (timer === 'compaction') this.isResting = false;
    else this.orderOwn(nowUs);
  }

  /** Does one piece, unless it is time to rest. */
  settle(): void {
    const { kv, outbox } = this.port;
    if (this.isResting || kv.compactions.isIdle) return;
    const before = { ...kv.compactions.counts };
    const afterUs = kv.compactions.run();
    this.measure(before);
    if (afterUs === null) return;
    this.isResting = true;
    outbox.timer('compaction', afterUs);
  }

  /** A piece takes no time of its own; a whole compaction lasts as long as the pauses between its pieces. */
  private measure(before: CompactionCounts): void {
    const { meter } = this.port.outbox;
    const { counts } = this.port.kv.compactions;
    if (counts.indexes > before.indexes) {
      meter.indexCompaction.observe(0);
      this.recordsSinceUs = meter.nowUs;
    }
    if (counts.pauses > before.pauses) meter.recordCompaction.observe(0);
    if (counts.finished > before.finished) meter.compaction.observe(meter.nowUs - this.recordsSinceUs);
    meter.compactedRecords = counts.deletedRecords;
  }

  /**
   * A client's order was applied. A physical one is answered when its work is done, and committed.
   * @source etcd v3.4.23 etcdserver/v3_server.go Compact
   */
  finish({ physical }: CompactionRequest, tell: () => void): void {
    if (!physical) return tell();
    const done = (backend: Backend, then: () => void) => () => {
      backend.commit('force');
      then();
    };
    this.port.kv.compactions.whenDone(kept(done, this.port.backend, tell));
  }

  /** Orders a compaction where this member leads and it is time. */
  private orderOwn(nowUs: number): void {
    const { outbox, kv, raft } = this.port;
    const auto = this.auto;
    if (auto === null) return;
    outbox.timer('autoCompaction', auto.intervalUs);
    const revision = auto.tick(kv.revision, raft.isLeader, nowUs);
    if (revision === null) return;
    if (outbox.trace.on) outbox.trace.emit({ type: 'server.autoCompact', revision });
    const body = create(CompactionRequestSchema, { revision: BigInt(revision) });
    const finish = (compactor: Compactor) => (outcome: Uint8Array | RpcError) => {
      const isDone = outcome instanceof Uint8Array || outcome === rpcErrors.compacted;
      if (isDone) compactor.done(revision, nowUs);
    };
    this.port.propose({ kind: 'compaction', body }, nowUs, kept(finish, auto));
  }
}
