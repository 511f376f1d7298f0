/** Linearizable reads: one question to the leader confirms all reads that waited when it was asked. */
import { equalBytes } from '../../base/bytes.ts';
import type { ReadState } from '../raft/types.ts';
import type { Door } from './door.ts';
import { rpcErrors } from './errors.ts';
import type { RpcError } from './errors.ts';
import type { Meter } from './meter.ts';
import { requestTimeoutUs } from './proposals.ts';

/** A read that waits. */
export interface Reader {
  readonly request: number;
  /** Reads and answers; it is called once the index is applied. */
  read(): void;
  /** The index cannot be had; absent: the client is told. */
  refuse?(error: RpcError): void;
}

/** What the loop asks of its member. */
export interface ReadIndexPort {
  readonly door: Door;
  /** Asks the leader for its commit index; `context` comes back with the answer. */
  readonly raft: { readIndex(context: Uint8Array): void };
  readonly outbox: { readonly meter: Meter };
}

interface Batch {
  readonly context: Uint8Array;
  readers: readonly Reader[];
  readonly startUs: number;
  askedUs: number;
  /** The index that must be applied before the reads are answered; null while the leader has not said it. */
  confirmed: number | null;
}

const retryUs = 500_000;

/**
 * At most one batch is under way; reads that come meanwhile wait for the next.
 * @source etcd v3.4.23 etcdserver/v3_server.go linearizableReadLoop, requestCurrentIndex
 */
export class ReadIndexLoop {
  private readonly port: ReadIndexPort;
  private readonly timeoutUs: number;
  private waiting: Reader[] = [];
  private batch: Batch | null = null;

  constructor(port: ReadIndexPort, electionUs: number) {
    this.port = port;
    this.timeoutUs = requestTimeoutUs(electionUs);
  }

  add(reader: Reader, nowUs: number): void {
    this.waiting.push(reader);
    this.begin(nowUs);
  }

  cancel(request: number): void {
    const isOther = (reader: Reader): boolean => reader.request !== request;
    this.waiting = this.waiting.filter(isOther);
    if (this.batch !== null) this.batch.readers = this.batch.readers.filter(isOther);
  }

  /** The leader's answers; those to questions of the past are passed over. */
  confirm(states: readonly ReadState[]): void {
    for (const { requestContext, index } of states) {
      if (this.batch === null || this.batch.confirmed !== null) return;
      if (equalBytes(requestContext, this.batch.context)) this.batch.confirmed = index;
    }
  }

  /** Answers the batch if what it waits for is applied, and begins the next. */
  advance(appliedIndex: number, nowUs: number): void {
    const batch = this.batch;
    if (batch === null || batch.confirmed === null || batch.confirmed > appliedIndex) return;
    this.batch = null;
    for (const reader of batch.readers) reader.read();
    this.begin(nowUs);
  }

  /** A new leader does not know the question: the reads fail, and their clients ask again. */
  leaderChanged(nowUs: number): void {
    this.failUnconfirmed(rpcErrors.leaderChanged, nowUs);
  }

  /** Before the first commit of its term a leader cannot answer: the question may have been dropped. */
  firstCommitInTerm(nowUs: number): void {
    if (this.batch !== null && this.batch.confirmed === null) this.ask(this.batch, nowUs);
  }

  /** The member stops: all reads fail, those that wait for their turn too. */
  stop(): void {
    const readers = [...(this.batch?.readers ?? []), ...this.waiting];
    this.batch = null;
    this.waiting = [];
    this.refuse(readers, rpcErrors.stopped);
  }

  tick(nowUs: number): void {
    const batch = this.batch;
    if (batch === null || batch.confirmed !== null) return;
    if (nowUs - batch.startUs >= this.timeoutUs) this.failUnconfirmed(rpcErrors.timeout, nowUs);
    else if (nowUs - batch.askedUs >= retryUs) this.ask(batch, nowUs);
  }

  private begin(nowUs: number): void {
    if (this.batch !== null || this.waiting.length === 0) return;
    const context = new Uint8Array(8);
    new DataView(context.buffer).setBigUint64(0, this.port.door.nextRequestId(), false);
    this.batch = { context, readers: this.waiting, startUs: nowUs, askedUs: nowUs, confirmed: null };
    this.waiting = [];
    this.ask(this.batch, nowUs);
  }

  private ask(batch: Batch, nowUs: number): void {
    batch.askedUs = nowUs;
    this.port.raft.readIndex(batch.context);
  }

  private failUnconfirmed(error: RpcError, nowUs: number): void {
    const batch = this.batch;
    if (batch === null || batch.confirmed !== null) return;
    this.batch = null;
    this.port.outbox.meter.readFailed(error === rpcErrors.timeout);
    this.refuse(batch.readers, error);
    this.begin(nowUs);
  }

  private refuse(readers: readonly Reader[], error: RpcError): void {
    for (const { request, refuse } of readers) {
      if (refuse === undefined) this.port.door.refuse(request, error);
      else refuse(error);
    }
  }
}
