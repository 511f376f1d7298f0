/** One number for all that a member holds, to compare members by. */
import { create, toBinary } from '@bufbuild/protobuf';
import { crc32c } from '../../base/checksum.ts';
import { equalBytes } from '../../base/bytes.ts';
import type { Backend } from '../backend/backend.ts';
import { bucketKey, bucketNames, metaKeys } from '../backend/schema.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import { MvccError } from '../mvcc/types.ts';
import { HashKVResponseSchema, HashResponseSchema } from '../pb/gen/rpc_pb.ts';
import { headerOf, rangeError } from './apply-kv.ts';
import type { ResponseHead } from './apply-kv.ts';

export interface HashContext {
  readonly kv: KvStore;
  readonly backend: Backend;
  readonly head: ResponseHead;
  readonly term: number;
}

/**
 * @throws RpcError for a revision that is gone or has not come
 * @source etcd v3.4.23 etcdserver/api/v3rpc/maintenance.go HashKV
 */
export function hashKv({ kv, head, term }: HashContext, revision: number): Uint8Array {
  try {
    const { hash, currentRevision, compactRevision } = kv.hashByRevision(revision);
    const header = headerOf(head, term, currentRevision);
    const response = create(HashKVResponseSchema, { header, hash, compactRevision: BigInt(compactRevision) });
    return toBinary(HashKVResponseSchema, response);
  } catch (error) {
    throw error instanceof MvccError ? rangeError(error) : error;
  }
}

/**
 * One number for all that the store holds, but for the consistent index: that is not the clients'.
 * @source etcd v3.4.23 mvcc/backend/backend.go Hash
 */
export function hashStore({ kv, backend, head, term }: HashContext): Uint8Array {
  let hash = 0;
  const names = [...bucketNames].sort();
  for (const name of names) {
    hash = crc32c(bucketKey(name), hash);
    backend.readTx.forEach(name, (key, value) => {
      if (name === 'meta' && equalBytes(key, metaKeys.consistentIndex)) return;
      hash = crc32c(value, crc32c(key, hash));
    });
  }
  const response = create(HashResponseSchema, { header: headerOf(head, term, kv.revision), hash });
  return toBinary(HashResponseSchema, response);
}
