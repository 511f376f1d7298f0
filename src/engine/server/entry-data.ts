/**
 * What the data of a normal log entry say: a request of today, or one of the v2 era that 3.4 still writes.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { InvariantError } from '../../base/assert.ts';
import { decodeUtf8, encodeUtf8, printable } from '../../base/utf8.ts';
import { idToHex } from '../../base/u64.ts';
import { WireError, WireReader } from '../../base/wire.ts';
import { nobody } from '../auth/types.ts';
import type { AuthInfo } from '../auth/types.ts';
import { encodeLoggedPut, readLoggedPut } from '../pb/hot-put.ts';
import { RequestSchema } from '../pb/gen/etcdserver_pb.ts';
import type { Request } from '../pb/gen/etcdserver_pb.ts';
import { InternalRaftRequestSchema } from '../pb/gen/raft_internal_pb.ts';
import type { InternalRaftRequest } from '../pb/gen/raft_internal_pb.ts';
import { decodeConfChange } from '../raft/confchange-codec.ts';
import { RaftError } from '../raft/errors.ts';
import type { Entry } from '../raft/types.ts';
import { untagContext } from './conf-change-data.ts';
import { clusterVersionPath, contextFromJson, memberOfAttributesPath } from './membership.ts';
import type { MemberTable } from './member-id.ts';
import { requestLabel } from './rpc.ts';

/** Who asked for a write; nobody where no token was given. */
export type Asker = AuthInfo;

/** A request as an entry carries it; `id` names it to the member that waits for its result. */
export type LoggedRequest =
  | { readonly kind: 'noOp' }
  | { readonly kind: 'write'; readonly id: bigint; readonly write: WriteRequest; readonly asker: Asker }
  | { readonly kind: 'v2'; readonly id: bigint; readonly body: Request }
  /** A request that this version cannot apply, or no request at all. */
  | { readonly kind: 'unknown' };

/** The requests that go through the log, each under the name of its field. */
const writeKinds = [
  'put',
  'deleteRange',
  'txn',
  'compaction',
  'leaseGrant',
  'leaseRevoke',
  'leaseCheckpoint',
  'alarm',
  'authEnable',
  'authDisable',
  'authenticate',
  'authUserAdd',
  'authUserDelete',
  'authUserChangePassword',
  'authUserGrantRole',
  'authUserGet',
  'authUserRevokeRole',
  'authRoleAdd',
  'authRoleGrantPermission',
  'authRoleGet',
  'authRoleRevokePermission',
  'authRoleDelete',
  'authUserList',
  'authRoleList',
] as const;

export type WriteKind = (typeof writeKinds)[number];

/** What changes the store, or must be said at one place of the log, as it is logged. */
export type WriteRequest = {
  readonly [Kind in WriteKind]: {
    readonly kind: Kind;
    readonly body: NonNullable<InternalRaftRequest[Kind]>;
  };
}[WriteKind];

/** @source etcd v3.4.23 etcdserver/v3_server.go processInternalRaftRequestOnce */
export function encodeWrite(id: bigint, write: WriteRequest, asker: Asker = nobody): Uint8Array {
  if (write.kind === 'put' && asker.username === '') return encodeLoggedPut(id, asker.revision, write.body);
  const header = { ID: id, username: asker.username, authRevision: BigInt(asker.revision) };
  const message = { header, [write.kind]: write.body };
  return toBinary(InternalRaftRequestSchema, create(InternalRaftRequestSchema, message));
}

/**
 * A PUT to the v2 store: how a member of 3.4 publishes its attributes. Every scalar is written, as etcd does.
 * @source etcd v3.4.23 etcdserver/server.go publish
 */
export function encodeV2Put(id: bigint, path: string, value: string): Uint8Array {
  return toBinary(
    RequestSchema,
    create(RequestSchema, {
      ID: id,
      Method: 'PUT',
      Path: path,
      Val: value,
      Dir: false,
      PrevValue: '',
      PrevIndex: 0n,
      Expiration: 0n,
      Wait: false,
      Since: 0n,
      Recursive: false,
      Sorted: false,
      Quorum: false,
      Time: 0n,
      Stream: false,
    }),
  );
}

const v2Methods: readonly string[] = ['POST', 'PUT', 'DELETE', 'QGET', 'SYNC'];
const idTag = 1 * 8;
const methodTag = 2 * 8 + 2;

/**
 * Whether the data are a bare v2 request: its second field is the method's name, where an InternalRaftRequest
 * has
 * a message. etcd tells them apart by an error of its decoder; ours takes bytes that Go's refuses.
 */
function isV2Request(data: Uint8Array): boolean {
  try {
    const reader = new WireReader(data);
    if (reader.tag() !== idTag) return false;
    reader.int64();
    return reader.tag() === methodTag && v2Methods.includes(decodeUtf8(reader.bytes()));
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

/** Decodes a normal entry's data. */
export function decodeLogged(data: Uint8Array): LoggedRequest {
  if (data.length === 0) return { kind: 'noOp' };
  const put = readLoggedPut(data);
  if (put !== null) {
    const asker = { username: '', revision: put.authRevision };
    return { kind: 'write', id: put.id, write: { kind: 'put', body: put.put }, asker };
  }
  try {
    return isV2Request(data) ? v2Request(fromBinary(RequestSchema, data)) : internalRequest(data);
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    return { kind: 'unknown' };
  }
}

function internalRequest(data: Uint8Array): LoggedRequest {
  const request = fromBinary(InternalRaftRequestSchema, data);
  if (request.v2 !== undefined) return v2Request(request.v2);
  const id = request.ID !== 0n ? request.ID : (request.header?.ID ?? 0n);
  const { username = '', authRevision = 0n } = request.header ?? {};
  const asker = { username, revision: Number(authRevision) };
  for (const kind of writeKinds) {
    const body = request[kind];
    if (body !== undefined) return { kind: 'write', id, write: { kind, body } as WriteRequest, asker };
  }
  return { kind: 'unknown' };
}

function v2Request(body: Request): LoggedRequest {
  return { kind: 'v2', id: body.ID, body };
}

function v2Label(body: Request, table: MemberTable): string {
  const member = memberOfAttributesPath(body.Path);
  if (member !== null) return `member attributes ${table.nameOfMember(member)}`;
  if (body.Path === clusterVersionPath) return `cluster version ${body.Val}`;
  return `v2 ${body.Method} ${body.Path}`;
}

const changeVerbs = {
  ConfChangeAddNode: 'add',
  ConfChangeRemoveNode: 'remove',
  ConfChangeUpdateNode: 'update',
  ConfChangeAddLearnerNode: 'add learner',
} as const;

function changeLabel(entry: Entry, table: MemberTable): string {
  if (entry.type === 'EntryConfChangeV2') return 'conf change';
  try {
    const change = decodeConfChange(entry.data);
    const context = contextFromJson(decodeUtf8(untagContext(change.context).context));
    const name = context?.member.name ?? '';
    const verb = context?.isPromote === true ? 'promote' : changeVerbs[change.type];
    return printableLabel(`conf change ${verb} ${name === '' ? table.nameOf(change.nodeId) : name}`);
  } catch (error) {
    if (error instanceof RaftError) return 'conf change';
    throw error;
  }
}

/** A lease's id is known by now. */
export function writeLabel(write: WriteRequest): string {
  if (write.kind === 'leaseGrant') return `lease grant ${idToHex(write.body.ID)} ${write.body.TTL} s`;
  if (write.kind === 'leaseCheckpoint') return `lease checkpoint ${write.body.checkpoints.length}`;
  if (write.kind === 'authenticate') return printableLabel(`authenticate ${write.body.name}`);
  return requestLabel(write);
}

/**
 * What an entry says, for the views: `put greeting`, `conf change add m1`, `no-op`. Printable and short. It
 * takes
 * whatever a log may hold, for a label must not stop a member.
 */
export function entryLabel(entry: Entry, table: MemberTable): string {
  if (entry.type !== 'EntryNormal') return changeLabel(entry, table);
  return loggedLabel(decodeLogged(entry.data), table);
}

/** The same of a normal entry that is decoded already. */
export function loggedLabel(request: LoggedRequest, table: MemberTable): string {
  switch (request.kind) {
    case 'noOp':
      return 'no-op';
    case 'write':
      return writeLabel(request.write);
    case 'v2':
      return printableLabel(v2Label(request.body, table));
    case 'unknown':
      return 'unknown request';
  }
}

/** Names and paths come from members' own settings: clipped and made safe like any text. */
function printableLabel(text: string): string {
  return printable(encodeUtf8(text), 60);
}
