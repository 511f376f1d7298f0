/** A snapshot that another member sends: put together, saved as a file, and only then shown to raft. */
import type { NodeId } from '../raft/types.ts';
import { decodeChunk } from './snapshot-send.ts';

const lengthBytes = 8;

/** What the receiver asks of its member. */
export interface SnapshotReceivePort {
  /** The first piece has come. */
  begin(from: NodeId): void;
  /** So many bytes are here. */
  acknowledge(from: NodeId, id: bigint, received: number, total: number): void;
  /**
   * All is here: the database is saved under the index that the message names.
   * @returns false for a message that this member cannot take
   */
  save(from: NodeId, id: bigint, message: Uint8Array, database: Uint8Array): boolean;
  refuse(from: NodeId, id: bigint): void;
}

interface Incoming {
  readonly from: NodeId;
  readonly id: bigint;
  readonly stream: Uint8Array;
  readonly offsets: Set<number>;
  received: number;
}

/** One at a time: the first piece of another takes its place. @source rafthttp/http.go snapshotHandler */
export class SnapshotReceiver {
  private readonly port: SnapshotReceivePort;
  private incoming: Incoming | null = null;

  constructor(port: SnapshotReceivePort) {
    this.port = port;
  }

  /** Takes a piece; one that comes twice, or is none, is passed over. */
  receive(from: NodeId, id: bigint, body: Uint8Array): void {
    const chunk = decodeChunk(body);
    if (chunk === null) return;
    const { offset, total, bytes } = chunk;
    let incoming = this.incoming;
    if (incoming === null || incoming.from !== from || incoming.id !== id) {
      if (incoming !== null && offset !== 0) return;
      incoming = { from, id, stream: new Uint8Array(total), offsets: new Set(), received: 0 };
      this.incoming = incoming;
      this.port.begin(from);
    }
    if (incoming.offsets.has(offset) || incoming.stream.length !== total) return;
    incoming.offsets.add(offset);
    incoming.stream.set(bytes, offset);
    incoming.received += bytes.length;
    this.port.acknowledge(from, id, incoming.received, total);
    if (incoming.received === total) this.finish(incoming);
  }

  private finish({ from, id, stream }: Incoming): void {
    this.incoming = null;
    const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
    const length = stream.length < lengthBytes ? Infinity : Number(view.getBigUint64(0, false));
    const end = lengthBytes + length;
    const isSound = end <= stream.length;
    const isTaken = isSound && this.port.save(from, id, stream.slice(lengthBytes, end), stream.slice(end));
    if (!isTaken) this.port.refuse(from, id);
  }
}
