/** Answers as `etcdctl -w fields` prints them: one named field a line. */
import { printable } from '../../base/utf8.ts';
import type { EtcdAnswer } from '../../sim/etcd-actions.ts';
import type { KeyValueView } from '../../sim/types.ts';
import type { Answer, EndpointView, HeaderView } from './answer.ts';

function line(name: string, value: number | bigint | boolean): string {
  return `"${name}" : ${value}`;
}

/** A line with a quoted value that is text already. */
function textLine(name: string, value: string): string {
  return `"${name}" : "${value.replaceAll('"', '\\"')}"`;
}

export function headerLines(view: HeaderView | undefined, revision = view?.revision ?? 0): string[] {
  return [
    line('ClusterID', view?.clusterId ?? 0),
    line('MemberID', view?.memberId ?? 0),
    line('Revision', revision),
    line('RaftTerm', view?.raftTerm ?? 0),
  ];
}

export function pairLines(prefix: string, kv: KeyValueView): string[] {
  return [
    textLine(`${prefix}Key`, printable(kv.key)),
    line(`${prefix}CreateRevision`, kv.createRevision),
    line(`${prefix}ModRevision`, kv.modRevision),
    line(`${prefix}Version`, kv.version),
    textLine(`${prefix}Value`, printable(kv.value)),
    line(`${prefix}Lease`, kv.lease),
  ];
}

function endpoint({ endpoint: name, status, header: view }: EndpointView): string[] {
  if (status === null) return [];
  return [
    ...headerLines({ ...view, memberId: status.memberId, raftTerm: status.raftTerm }),
    textLine('Version', status.version),
    line('DBSize', status.dbSize),
    line('Leader', status.leader),
    line('IsLearner', status.isLearner),
    line('RaftIndex', status.raftIndex),
    line('RaftTerm', status.raftTerm),
    line('RaftAppliedIndex', status.raftAppliedIndex),
    `"Errors" : [${status.errors.join(' ')}]`,
    textLine('Endpoint', name),
    '',
  ];
}

/** @source etcd v3.4.23 etcdctl printer_fields.go */
export function fieldLines(answer: Exclude<Answer, { type: EtcdAnswer['type'] }>): string[] {
  switch (answer.type) {
    case 'put':
      return [
        ...headerLines(answer.header, answer.revision),
        ...(answer.prevKv === undefined ? [] : pairLines('Prev', answer.prevKv)),
      ];
    case 'get':
      return [
        ...headerLines(answer.header, answer.revision),
        ...answer.kvs.flatMap((kv) => pairLines('', kv)),
        line('More', answer.more),
        line('Count', answer.count),
      ];
    case 'del':
      return [
        ...headerLines(answer.header, answer.revision),
        line('Deleted', answer.deleted),
        ...answer.prevKvs.flatMap((kv) => pairLines('Prev', kv)),
      ];
    case 'leaseGrant':
    case 'leaseKeepAlive':
      return [
        ...headerLines(answer.header, answer.revision),
        line('ID', answer.id),
        line('TTL', answer.ttlSeconds),
      ];
    case 'leaseRevoke':
      return headerLines(answer.header, answer.revision);
    case 'leaseTimeToLive':
      return [
        ...headerLines(answer.header, answer.revision),
        line('ID', answer.id),
        line('TTL', answer.ttlSeconds),
        line('GrantedTTL', answer.grantedTtlSeconds),
        ...(answer.keys ?? []).map((key) => textLine('Key', printable(key))),
      ];
    case 'leaseList':
      return [...headerLines(answer.header, answer.revision), ...answer.ids.map((id) => line('ID', id))];
    case 'memberList':
      return [
        ...headerLines(answer.header),
        ...answer.members.flatMap((member) => [
          line('ID', member.id),
          textLine('Name', member.name),
          ...member.peerUrls.map((url) => textLine('PeerURL', url)),
          ...member.clientUrls.map((url) => textLine('ClientURL', url)),
          line('IsLearner', member.isLearner),
          '',
        ]),
      ];
    case 'memberAdd':
    case 'memberPromote':
    case 'memberRemove':
    case 'memberUpdate':
    case 'moveLeader':
      // 3.4 has no fields for these, and says so
      return ['unsupported output format'];
    case 'endpointStatus':
      return answer.endpoints.flatMap(endpoint);
    default:
      return answer satisfies never;
  }
}
