/** Answers as `etcdctl -w json` prints them: Go's field names and order, no empty fields, base64 bytes. */
import type { EtcdAnswer } from '../../sim/etcd-actions.ts';
import type { KeyValueView, MemberView } from '../../sim/types.ts';
import type { Answer, EndpointView, HeaderView } from './answer.ts';

const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = bytes[at] * 65536 + (bytes[at + 1] ?? 0) * 256 + (bytes[at + 2] ?? 0);
    text += base64Digits[group >> 18] + base64Digits[(group >> 12) & 63];
    text += at + 1 < bytes.length ? base64Digits[(group >> 6) & 63] : '=';
    text += at + 2 < bytes.length ? base64Digits[group & 63] : '=';
  }
  return text;
}

/** A string as Go's encoder writes it: `<`, `>` and `&` are escaped too. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`,
  );
}

/** Encoded values; null for an empty one, which its object leaves out. */
const number = (value: number | bigint): string | null => (Number(value) === 0 ? null : String(value));
const text = (value: string): string | null => (value === '' ? null : quoted(value));
const flag = (value: boolean): string | null => (value ? 'true' : null);
const quotedBytes = (value: Uint8Array): string => `"${toBase64(value)}"`;
const bytes = (value: Uint8Array): string | null => (value.length === 0 ? null : quotedBytes(value));
const list = (items: readonly string[]): string | null =>
  items.length === 0 ? null : `[${items.join(',')}]`;

function object(fields: Readonly<Record<string, string | null>>): string {
  const kept = Object.entries(fields).filter(([, value]) => value !== null);
  return `{${kept.map(([name, value]) => `"${name}":${value}`).join(',')}}`;
}

function header(view: HeaderView | undefined, revision = view?.revision ?? 0): string {
  return object({
    cluster_id: number(view?.clusterId ?? 0n),
    member_id: number(view?.memberId ?? 0n),
    revision: number(revision),
    raft_term: number(view?.raftTerm ?? 0),
  });
}

function keyValue(kv: KeyValueView): string {
  return object({
    key: bytes(kv.key),
    create_revision: number(kv.createRevision),
    mod_revision: number(kv.modRevision),
    version: number(kv.version),
    value: bytes(kv.value),
    lease: number(kv.lease),
  });
}

/** Of clientv3's own types for leases: the header's fields stand among the others, and none is left out. */
function flatHeader(view: HeaderView | undefined, revision: number, rest: string): string {
  const fields = header(view, revision).slice(1, -1);
  return `{${fields === '' ? rest : `${fields},${rest}`}}`;
}

function memberObject(member: MemberView): string {
  return object({
    ID: number(member.id),
    name: text(member.name),
    peerURLs: list(member.peerUrls.map(quoted)),
    clientURLs: list(member.clientUrls.map(quoted)),
    isLearner: flag(member.isLearner),
  });
}

function endpoint({ endpoint: name, status, header: view }: EndpointView): string | null {
  if (status === null) return null;
  const body = object({
    header: header({ ...view, memberId: status.memberId, raftTerm: status.raftTerm }),
    version: text(status.version),
    dbSize: number(status.dbSize),
    leader: number(status.leader),
    raftIndex: number(status.raftIndex),
    raftTerm: number(status.raftTerm),
    raftAppliedIndex: number(status.raftAppliedIndex),
    errors: list(status.errors.map(quoted)),
    dbSizeInUse: number(status.dbSizeInUse),
    isLearner: flag(status.isLearner),
  });
  return `{"Endpoint":${quoted(name)},"Status":${body}}`;
}

/** The one line of JSON for an answer; endpoints without a status are left out, as in etcdctl. */
export function jsonLine(answer: Exclude<Answer, { type: EtcdAnswer['type'] }>): string {
  switch (answer.type) {
    case 'put':
      return object({
        header: header(answer.header, answer.revision),
        prev_kv: answer.prevKv === undefined ? null : keyValue(answer.prevKv),
      });
    case 'get':
      return object({
        header: header(answer.header, answer.revision),
        kvs: list(answer.kvs.map(keyValue)),
        more: flag(answer.more),
        count: number(answer.count),
      });
    case 'del':
      return object({
        header: header(answer.header, answer.revision),
        deleted: number(answer.deleted),
        prev_kvs: list(answer.prevKvs.map(keyValue)),
      });
    case 'leaseGrant':
      return flatHeader(
        answer.header,
        answer.revision,
        `"ID":${answer.id},"TTL":${answer.ttlSeconds},"Error":""`,
      );
    case 'leaseRevoke':
      return object({ header: header(answer.header, answer.revision) });
    case 'leaseKeepAlive':
      return flatHeader(answer.header, answer.revision, `"ID":${answer.id},"TTL":${answer.ttlSeconds}`);
    case 'leaseTimeToLive': {
      const { id, ttlSeconds, grantedTtlSeconds, keys } = answer;
      const base64 = keys === null || keys.length === 0 ? 'null' : `[${keys.map(quotedBytes).join(',')}]`;
      const rest = `"id":${id},"ttl":${ttlSeconds},"granted-ttl":${grantedTtlSeconds},"keys":${base64}`;
      return flatHeader(answer.header, answer.revision, rest);
    }
    case 'leaseList': {
      const leases = answer.ids.map((id) => `{"id":${id}}`).join(',');
      return flatHeader(answer.header, answer.revision, `"leases":[${leases}]`);
    }
    case 'memberList':
      return object({
        header: header(answer.header),
        members: list(answer.members.map(memberObject)),
      });
    case 'memberAdd': {
      const added = answer.members.find(({ id }) => id === answer.id);
      return object({
        header: header({ ...answer.header, clusterId: answer.clusterId }),
        member: added === undefined ? null : memberObject(added),
        members: list(answer.members.map(memberObject)),
      });
    }
    case 'memberPromote':
    case 'memberRemove':
    case 'memberUpdate':
      return object({
        header: header({ ...answer.header, clusterId: answer.clusterId }),
        members: list(answer.members.map(memberObject)),
      });
    case 'moveLeader':
      return '{}';
    case 'endpointStatus':
      return list(answer.endpoints.map(endpoint).filter((one) => one !== null)) ?? '[]';
    default:
      return answer satisfies never;
  }
}

export {
  bytes as jsonBytes,
  header as jsonHeader,
  keyValue as jsonPair,
  list as jsonList,
  object as jsonObject,
  text as jsonText,
};
