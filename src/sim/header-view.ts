/** Headers and pairs of answers as numbers that a reader can use. */
import type { KeyValue } from '../engine/pb/gen/kv_pb.ts';
import type { ResponseHeader } from '../engine/pb/gen/rpc_pb.ts';
import type { HeaderView, KeyValueView } from './etcd-actions.ts';

export function headerOf({ clusterId, memberId, revision, raftTerm }: ResponseHeader): HeaderView {
  return { clusterId, memberId, revision: Number(revision), raftTerm: Number(raftTerm) };
}

export function viewOf(kv: KeyValue): KeyValueView {
  return {
    key: kv.key,
    value: kv.value,
    createRevision: Number(kv.createRevision),
    modRevision: Number(kv.modRevision),
    version: Number(kv.version),
    lease: kv.lease,
  };
}
