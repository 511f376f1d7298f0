/** Reads that wait until a quorum has confirmed who leads. */
import { fail } from '../../base/assert.ts';
import { toHex } from '../../base/bytes.ts';
import type { AckedIndexer } from './quorum/majority.ts';
import type { JointConfig } from './quorum/joint.ts';
import { jointCommittedIndex, jointVoteResult } from './quorum/joint.ts';
import type { LogIndex, Message, NodeId } from './types.ts';

/** A read: its request, and the commit index when it came, which it must not be answered below. */
export interface PendingRead {
  readonly request: Message;
  readonly index: LogIndex;
  /** Its number among the reads of this leadership, from 1. */
  readonly position: number;
}

/** The queue of reads on a leader. */
export interface ReadQueue {
  /** @returns the read's position; that of the one that waits already where the id is known */
  add(commitIndex: LogIndex, request: Message): number;
  /** What heartbeats carry, so that their answers tell which reads they confirm; null when no read waits. */
  heartbeatContext(): Uint8Array | null;
  /** What the heartbeats carry that are sent at once for this request. */
  contextOf(request: Message): Uint8Array | null;
  /** @returns the position up to which it confirms; 0 where it confirms nothing */
  receiveAck(from: NodeId, context: Uint8Array): number;
  /** The reads that are confirmed now, oldest first; `context` is that of the last acknowledgement. */
  maybeAdvance(voters: JointConfig, context: Uint8Array): readonly PendingRead[];
}

const noReads: readonly PendingRead[] = [];

/** 8 bytes, little-endian. Each heartbeat of a read makes one, and a DataView would double its price. */
function encodePosition(position: number): Uint8Array {
  const context = new Uint8Array(8);
  for (let i = 0, rest = position; rest > 0; i++, rest = Math.floor(rest / 256)) context[i] = rest % 256;
  return context;
}

/** Past 2^53, and not exact, only for hostile input. */
function decodePosition(context: Uint8Array): number {
  let position = 0;
  for (let i = 7; i >= 0; i--) position = position * 256 + context[i];
  return position;
}

/**
 * Reads are numbered from 1 as they come; a heartbeat carries the number of the last one (8 bytes,
 * little-endian), and its answer confirms that one and all before. The read that a quorum confirms is
 * then found as a commit index is: by the quorum rule over what each voter has acknowledged.
 * @source etcd-io/raft read_only.go; Raft thesis section 6.4
 */
export class ReadOnly implements ReadQueue, AckedIndexer {
  private readonly acks = new Map<NodeId, number>();
  private waiting: PendingRead[] = [];
  /** Reads confirmed so far: the number of the last one that no longer waits. */
  private confirmed = 0;

  add(commitIndex: LogIndex, request: Message): number {
    const position = this.confirmed + this.waiting.length + 1;
    this.waiting.push({ request, index: commitIndex, position });
    return position;
  }

  heartbeatContext(): Uint8Array | null {
    if (this.waiting.length === 0) return null;
    return encodePosition(this.confirmed + this.waiting.length);
  }

  contextOf(): Uint8Array | null {
    return this.heartbeatContext();
  }

  receiveAck(from: NodeId, context: Uint8Array): number {
    if (context.length < 8) fail(`readonly: the heartbeat context has ${context.length} bytes instead of 8`);
    const position = decodePosition(context);
    if (position > (this.acks.get(from) ?? 0)) this.acks.set(from, position);
    return position;
  }

  ackedIndex(id: NodeId): number | null {
    return this.acks.get(id) ?? null;
  }

  maybeAdvance(voters: JointConfig): readonly PendingRead[] {
    const confirmed = jointCommittedIndex(voters, this);
    const count = confirmed - this.confirmed;
    if (count <= 0) return noReads;
    if (count > this.waiting.length) {
      fail(`readonly: ${confirmed} reads confirmed of ${this.confirmed + this.waiting.length}`);
    }
    this.confirmed = confirmed;
    return this.waiting.splice(0, count);
  }
}

interface KeyedRead extends PendingRead {
  readonly key: string;
  readonly acks: Map<NodeId, boolean>;
}

/**
 * A historical mistake: reads are known by the id their client chose. An id used again after its first
 * answer lets an old heartbeat answer release every read before it. See `Defects.readKeyedByContext`.
 * @source etcd-io/raft v3.6.0 read_only.go
 */
export class ReadOnlyByContext implements ReadQueue {
  private queue: KeyedRead[] = [];
  private lastPosition = 0;

  add(commitIndex: LogIndex, request: Message): number {
    const key = toHex(request.entries[0].data);
    const known = this.queue.find((read) => read.key === key);
    if (known !== undefined) return known.position;
    const position = ++this.lastPosition;
    this.queue.push({ request, index: commitIndex, position, key, acks: new Map() });
    return position;
  }

  heartbeatContext(): Uint8Array | null {
    const last = this.queue.at(-1);
    return last === undefined ? null : last.request.entries[0].data;
  }

  contextOf(request: Message): Uint8Array {
    return request.entries[0].data;
  }

  receiveAck(from: NodeId, context: Uint8Array): number {
    const key = toHex(context);
    const read = this.queue.find((each) => each.key === key);
    read?.acks.set(from, true);
    return read?.position ?? 0;
  }

  maybeAdvance(voters: JointConfig, context: Uint8Array): readonly PendingRead[] {
    const key = toHex(context);
    const at = this.queue.findIndex((read) => read.key === key);
    if (at < 0 || jointVoteResult(voters, this.queue[at].acks) !== 'VoteWon') return noReads;
    return this.queue.splice(0, at + 1);
  }
}
