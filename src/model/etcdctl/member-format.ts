/** What the console prints for changes of the members and of the leader: etcdctl 3.4's lines. */
import type { MemberView } from '../../sim/types.ts';
import type { ClientAction } from '../../sim/types.ts';
import type { Answer } from './answer.ts';

export type MemberAnswer = Extract<
  Answer,
  { type: 'memberAdd' | 'memberPromote' | 'memberRemove' | 'memberUpdate' | 'moveLeader' }
>;

const changes = ['memberAdd', 'memberPromote', 'memberRemove', 'memberUpdate', 'moveLeader'];

export function isMemberAnswer(answer: Answer): answer is MemberAnswer {
  return changes.includes(answer.type);
}

/** Go's `%16x`: hex, padded with spaces. */
const hex16 = (id: bigint): string => id.toString(16).padStart(16, ' ');

/** @source etcd v3.4.23 etcdctl printer_simple.go; member_command.go memberAddCommandFunc */
export function memberLines(answer: MemberAnswer, command: ClientAction | undefined): string[] {
  switch (answer.type) {
    case 'memberAdd':
      return [
        `Member ${hex16(answer.id)} added to cluster ${hex16(answer.clusterId)}`,
        ...environmentLines(answer.id, answer.members, command),
      ];
    case 'memberPromote':
      return [`Member ${hex16(answer.id)} promoted in cluster ${hex16(answer.clusterId)}`];
    case 'memberRemove':
      return [`Member ${hex16(answer.id)} removed from cluster ${hex16(answer.clusterId)}`];
    case 'memberUpdate':
      return [`Member ${hex16(answer.id)} updated in cluster ${hex16(answer.clusterId)}`];
    case 'moveLeader':
      return [`Leadership transferred from ${answer.from.toString(16)} to ${answer.to.toString(16)}`];
    default:
      return answer satisfies never;
  }
}

/** The environment that the new member is to be started with. */
function environmentLines(
  id: bigint,
  members: readonly MemberView[],
  command: ClientAction | undefined,
): string[] {
  if (command?.type !== 'memberAdd') return [];
  const cluster = members.flatMap((member) =>
    member.peerUrls.map((url) => `${member.id === id ? command.name : member.name}=${url}`),
  );
  return [
    '',
    `ETCD_NAME=${JSON.stringify(command.name)}`,
    `ETCD_INITIAL_CLUSTER=${JSON.stringify(cluster.join(','))}`,
    `ETCD_INITIAL_ADVERTISE_PEER_URLS=${JSON.stringify(command.peerUrls.join(','))}`,
    'ETCD_INITIAL_CLUSTER_STATE="existing"',
  ];
}
