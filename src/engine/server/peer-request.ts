/**
 * Requests between members that are not raft's: a renewal or a look at a lease, which only the leader can
 * answer. etcd sends them as HTTP POSTs to the peer port; here they travel over the same links as raft's
 * messages: a zero byte, which begins no raftpb.Message, the kind, an id of 8 bytes big-endian, the body.
 * @source etcd v3.4.23 lease/leasehttp/http.go
 */
import { assert } from '../../base/assert.ts';

/** With the number that stands for it in the second byte. */
const kinds = ['renew', 'renewed', 'timeToLive', 'timeLeft', 'notFound', 'failed'] as const;

/**
 * `renew` and `timeToLive` ask, with the protobuf body of the client's request. `renewed` and `timeLeft`
 * answer, with that of the response; `notFound` has none, nor has `failed`: the asked one does not lead.
 */
export type PeerRequestKind = (typeof kinds)[number];

export interface PeerRequest {
  readonly kind: PeerRequestKind;
  /** Chosen by who asks, never twice; the answer has it too. */
  readonly id: bigint;
  readonly body: Uint8Array;
}

const mark = 0;
const headerBytes = 10;

export function isPeerRequest(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes[0] === mark;
}

export function encodePeerRequest({ kind, id, body }: PeerRequest): Uint8Array {
  const bytes = new Uint8Array(headerBytes + body.length);
  bytes[0] = mark;
  bytes[1] = kinds.indexOf(kind);
  new DataView(bytes.buffer).setBigUint64(2, id, false);
  bytes.set(body, headerBytes);
  return bytes;
}

/** @returns null for bytes that are cut short or of an unknown kind */
export function decodePeerRequest(bytes: Uint8Array): PeerRequest | null {
  assert(isPeerRequest(bytes), 'peer-request: the bytes are a raft message');
  const kind = kinds[bytes[1]] as PeerRequestKind | undefined;
  if (kind === undefined || bytes.length < headerBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  return { kind, id: view.getBigUint64(2, false), body: bytes.slice(headerBytes) };
}
