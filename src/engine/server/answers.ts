/** What a member tells of itself, of the members and of the leases it knows, without asking anybody. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Backend } from '../backend/backend.ts';
import type { Lessor } from '../lease/lessor.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import {
  AlarmType,
  LeaseLeasesResponseSchema,
  MemberListResponseSchema,
  StatusResponseSchema,
} from '../pb/gen/rpc_pb.ts';
import { none } from '../raft/types.ts';
import { alarmText } from './alarms.ts';
import type { AlarmStore } from './alarms.ts';
import type { Applier } from './apply.ts';
import { headerOf } from './apply-kv.ts';
import { noLeaderText } from './errors.ts';
import type { Membership } from './membership.ts';
import type { RaftNode } from './raft.ts';
import type { LogOwner } from './wal-storage.ts';

/** The version whose behaviour this is. */
export const serverVersion = '3.4.23';

/** The lowest cluster version it works in. @source etcd v3.4.23 version/version.go MinClusterVersion */
export const minClusterVersion = '3.0.0';

export interface AnswerParts {
  readonly owner: LogOwner;
  readonly raft: RaftNode;
  readonly applier: Applier;
  readonly backend: Backend;
  readonly kv: KvStore;
  readonly lessor: Lessor;
  readonly membership: Membership;
  readonly alarms: AlarmStore;
}

/** The leases as this member knows them. @source etcd v3.4.23 etcdserver/v3_server.go LeaseLeases */
export function leaseList(parts: AnswerParts): Uint8Array {
  const leases = parts.lessor.leases().map(({ id }) => ({ ID: id }));
  const response = create(LeaseLeasesResponseSchema, {
    header: headerOf(parts.owner, parts.applier.term, parts.kv.revision),
    leases,
  });
  return toBinary(LeaseLeasesResponseSchema, response);
}

/** The members as this one knows them: 3.4 asks nobody. Its header has no revision. */
export function memberList(parts: AnswerParts): Uint8Array {
  const { membership, owner, applier } = parts;
  const members = membership.members().map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
    ID: id,
    name,
    peerURLs: [...peerUrls],
    clientURLs: [...clientUrls],
    isLearner,
  }));
  const header = headerOf(owner, applier.term, 0);
  return toBinary(MemberListResponseSchema, create(MemberListResponseSchema, { header, members }));
}

/** @source etcd v3.4.23 etcdserver/api/v3rpc/maintenance.go Status */
export function memberStatus(parts: AnswerParts): Uint8Array {
  const { raft, applier, backend, kv, owner, membership, alarms } = parts;
  const isLeaderless = raft.lead === none;
  return toBinary(
    StatusResponseSchema,
    create(StatusResponseSchema, {
      header: headerOf(owner, applier.term, kv.revision),
      version: serverVersion,
      leader: owner.table.memberOf(raft.lead),
      raftIndex: BigInt(raft.status().commit),
      raftAppliedIndex: BigInt(applier.index),
      raftTerm: BigInt(applier.term),
      dbSize: BigInt(backend.sizeBytes),
      dbSizeInUse: BigInt(backend.sizeInUseBytes),
      isLearner: membership.member(owner.member)?.isLearner ?? false,
      errors: [...(isLeaderless ? [noLeaderText] : []), ...alarms.get(AlarmType.NONE).map(alarmText)],
    }),
  );
}
