/** Snapshots for followers that need compacted entries: raft's part and the database, in pieces. */
import { concatBytes } from '../../base/bytes.ts';
import type { Message, NodeId } from '../raft/types.ts';
import { encodePeerRequest } from './peer-request.ts';

/** So much of the stream is one message. */
export const chunkBytes = 65536;
/** So many are on their way and not acknowledged. */
const windowChunks = 16;
/** A transfer without an acknowledgement for so long has failed. @source rafthttp/snapshot_sender.go */
const patienceUs = 5_000_000;
/**
 * After a transfer the log is kept for so long, that the follower may catch up.
 * @source etcd v3.4.23 etcdserver/server.go releaseDelayAfterSnapshot
 */
const releaseDelayUs = 30_000_000;

const headerBytes = 16;

/** A piece: its place in the stream and the stream's length, each u64 big-endian, and its bytes. */
export function encodeChunk(offset: number, total: number, bytes: Uint8Array): Uint8Array {
  const body = new Uint8Array(headerBytes + bytes.length);
  const view = new DataView(body.buffer);
  view.setBigUint64(0, BigInt(offset), false);
  view.setBigUint64(8, BigInt(total), false);
  body.set(bytes, headerBytes);
  return body;
}

export interface Chunk {
  readonly offset: number;
  readonly total: number;
  readonly bytes: Uint8Array;
}

/** Null for a body that is no piece of a stream. */
export function decodeChunk(body: Uint8Array): Chunk | null {
  if (body.length < headerBytes) return null;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const [offset, total] = [Number(view.getBigUint64(0, false)), Number(view.getBigUint64(8, false))];
  const bytes = body.subarray(headerBytes);
  const fits = Number.isSafeInteger(total) && offset + bytes.length <= total;
  return fits ? { offset, total, bytes } : null;
}

/** The message with its length before it, then the database. @source rafthttp/snapshot_sender.go */
function streamOf(message: Uint8Array, database: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(message.length), false);
  return concatBytes([length, message, database]);
}

/** What the sender asks of its member. */
export interface SnapshotSendPort {
  nextRequestId(): bigint;
  /**
   * The message with the state of now in it, and the database of now; null while a commit is on its way.
   */
  merge(
    m: Message,
  ): { readonly index: number; readonly message: Uint8Array; readonly database: Uint8Array } | null;
  send(to: NodeId, index: number, bytes: Uint8Array): void;
  /** How it went: raft probes the follower, or waits a while and sends anew. */
  report(to: NodeId, ok: boolean): void;
  tell(event: 'begin' | 'sent' | 'failed', to: NodeId, index: number, sizeBytes: number): void;
}

interface Transfer {
  readonly to: NodeId;
  readonly id: bigint;
  readonly index: number;
  readonly stream: Uint8Array;
  sent: number;
  acknowledged: number;
  heardUs: number;
}

/**
 * One transfer to a follower at a time; a newer one takes the place of an older.
 * @source etcd v3.4.23 etcdserver/snapshot_merge.go, server.go sendMergedSnap; rafthttp/snapshot_sender.go
 */
export class SnapshotSender {
  private readonly port: SnapshotSendPort;
  /** What raft wants sent and the database was not ready for. */
  private wanted: Message[] = [];
  private transfers: Transfer[] = [];
  /** Until when the log is kept for followers that have just got one. */
  private keptUntilUs = 0;

  constructor(port: SnapshotSendPort) {
    this.port = port;
  }

  /** Whether the log must be kept for a follower. */
  holdsLog(nowUs: number): boolean {
    return this.wanted.length > 0 || this.transfers.length > 0 || nowUs < this.keptUntilUs;
  }

  add(m: Message): void {
    this.wanted = [...this.wanted.filter(({ to }) => to !== m.to), m];
  }

  settle(nowUs: number): void {
    while (this.wanted.length > 0) {
      const m = this.wanted[0];
      const merged = this.port.merge(m);
      if (merged === null) return;
      this.wanted.shift();
      const { index, message, database } = merged;
      this.transfers = this.transfers.filter(({ to }) => to !== m.to);
      const stream = streamOf(message, database);
      const id = this.port.nextRequestId();
      const transfer = { to: m.to, id, index, stream, sent: 0, acknowledged: 0, heardUs: nowUs };
      this.transfers.push(transfer);
      this.port.tell('begin', m.to, index, stream.length);
      this.pump(transfer);
    }
  }

  /** The follower has so many bytes of a transfer, or all and has saved them. */
  acknowledged(from: NodeId, id: bigint, received: number, nowUs: number): void {
    const transfer = this.find(from, id);
    if (transfer === undefined) return;
    transfer.acknowledged = Math.max(transfer.acknowledged, received);
    transfer.heardUs = nowUs;
    this.pump(transfer);
  }

  done(from: NodeId, id: bigint, ok: boolean, nowUs: number): void {
    const transfer = this.find(from, id);
    if (transfer !== undefined) this.end(transfer, ok, nowUs);
  }

  tick(nowUs: number): void {
    for (const transfer of this.transfers) {
      if (nowUs - transfer.heardUs >= patienceUs) this.end(transfer, false, nowUs);
    }
  }

  /** The connection is gone, and with it what was on its way. */
  peerDown(node: NodeId, nowUs: number): void {
    for (const transfer of this.transfers) if (transfer.to === node) this.end(transfer, false, nowUs);
  }

  private find(from: NodeId, id: bigint): Transfer | undefined {
    return this.transfers.find((transfer) => transfer.to === from && transfer.id === id);
  }

  private pump(transfer: Transfer): void {
    const { stream, to, id, index } = transfer;
    const end = Math.min(stream.length, transfer.acknowledged + windowChunks * chunkBytes);
    while (transfer.sent < end) {
      const bytes = stream.subarray(transfer.sent, transfer.sent + chunkBytes);
      const body = encodeChunk(transfer.sent, stream.length, bytes);
      this.port.send(to, index, encodePeerRequest({ kind: 'snapshot', id, body }));
      transfer.sent += bytes.length;
    }
  }

  private end(transfer: Transfer, ok: boolean, nowUs: number): void {
    this.transfers = this.transfers.filter((other) => other !== transfer);
    if (ok) this.keptUntilUs = nowUs + releaseDelayUs;
    const { to, index, stream } = transfer;
    this.port.tell(ok ? 'sent' : 'failed', to, index, stream.length);
    this.port.report(to, ok);
  }
}
