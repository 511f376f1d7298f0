/** `snapshot save`: whom it asks, and the file that comes of the pieces. */
import { fromBinary } from '@bufbuild/protobuf';
import { concatBytes } from '../base/bytes.ts';
import { openDb } from '../engine/backend/backend.ts';
import { BoltError } from '../engine/bolt/errors.ts';
import { MemoryPager } from '../engine/bolt/pager.ts';
import { SnapshotResponseSchema } from '../engine/pb/gen/rpc_pb.ts';
import { databaseOf, hasTrailer, RestoreError } from '../engine/server/restore.ts';
import { snapshotStatus } from '../engine/server/snapshot-status.ts';
import { grpcCode } from '../engine/server/types.ts';
import type { Endpoint } from './endpoints.ts';
import type { ClientAction, ClientOutcome } from './types.ts';

/**
 * The endpoint that is asked: the one that was named, or the first, as etcdctl asks its default. Several: a
 * sentence that says why not.
 * @source etcd v3.4.23 clientv3/snapshot/v3_snapshot.go Save
 */
export function chosenOne(
  { endpoints }: ClientAction,
  parsed: readonly Endpoint[],
): readonly Endpoint[] | string {
  if (endpoints === undefined || parsed.length === 1) return parsed.slice(0, 1);
  const named = parsed.map(({ text }) => text).join(' ');
  return `snapshot must be requested to one selected node, not multiple [${named}]`;
}

/**
 * @param pieces the messages of the stream, in order
 * @source etcd v3.4.23 clientv3/snapshot/v3_snapshot.go Save
 */
export function snapshotOutcome(pieces: readonly Uint8Array[]): ClientOutcome {
  const file = concatBytes(pieces.map((piece) => fromBinary(SnapshotResponseSchema, piece).blob));
  const failed = (message: string): ClientOutcome => ({ ok: false, code: grpcCode.dataLoss, message });
  if (!hasTrailer(file)) return failed(`sha256 checksum not found [bytes: ${file.length}]`);
  try {
    const db = openDb(new MemoryPager(databaseOf(file, false)));
    return { ok: true, type: 'snapshotSave', file, status: snapshotStatus(db) };
  } catch (error) {
    if (error instanceof RestoreError || error instanceof BoltError) return failed(error.message);
    throw error;
  }
}
