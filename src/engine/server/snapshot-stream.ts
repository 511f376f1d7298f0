/** `snapshot save`: the store's file as a stream of messages. */
import { create, toBinary } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { SnapshotResponseSchema } from '../pb/gen/rpc_pb.ts';

/** @source etcd v3.4.23 etcdserver/api/v3rpc/maintenance.go snapshotSendBufferSize */
const snapshotPieceBytes = 32768;

/**
 * A file in pieces, and behind them its SHA-256.
 * @param file the store's, as of a commit
 * @source etcd v3.4.23 etcdserver/api/v3rpc/maintenance.go Snapshot
 */
export function* snapshotPieces(file: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < file.length; at += snapshotPieceBytes) {
    const blob = file.subarray(at, at + snapshotPieceBytes);
    const remainingBytes = BigInt(file.length - at - blob.length);
    yield toBinary(SnapshotResponseSchema, create(SnapshotResponseSchema, { remainingBytes, blob }));
  }
  yield toBinary(SnapshotResponseSchema, create(SnapshotResponseSchema, { blob: sha256(file) }));
}
