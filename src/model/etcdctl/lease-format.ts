/** Answers about leases in simple output. */
import { int64FromHex } from '../../base/u64.ts';
import { printable } from '../../base/utf8.ts';
import type { ClientAction } from '../../sim/types.ts';
import type { Answer } from './answer.ts';

export type LeaseAnswer = Extract<Answer, { readonly type: `lease${string}` }>;

export function isLeaseAnswer(answer: Answer): answer is LeaseAnswer {
  return answer.type.startsWith('lease');
}

/** A lease's id as Go's %016x prints it: sixteen places, of which a minus takes one. */
export function leaseIdText(id: bigint): string {
  return id < 0n ? `-${(-id).toString(16).padStart(15, '0')}` : id.toString(16).padStart(16, '0');
}

/** @source etcd v3.4.23 etcdctl printer_simple.go */
export function leaseLines(answer: LeaseAnswer): string[] {
  switch (answer.type) {
    case 'leaseGrant':
      return [`lease ${leaseIdText(answer.id)} granted with TTL(${answer.ttlSeconds}s)`];
    case 'leaseRevoke':
      return [`lease ${leaseIdText(answer.id)} revoked`];
    case 'leaseKeepAlive':
      return [`lease ${leaseIdText(answer.id)} keepalived with TTL(${answer.ttlSeconds})`];
    case 'leaseTimeToLive':
      return [timeToLiveLine(answer)];
    case 'leaseList':
      return [`found ${answer.ids.length} leases`, ...answer.ids.map(leaseIdText)];
  }
}

function timeToLiveLine(answer: Extract<LeaseAnswer, { type: 'leaseTimeToLive' }>): string {
  const { ttlSeconds, grantedTtlSeconds, keys } = answer;
  const lease = `lease ${leaseIdText(answer.id)}`;
  if (grantedTtlSeconds === 0 && ttlSeconds === -1) return `${lease} already expired`;
  const line = `${lease} granted with TTL(${grantedTtlSeconds}s), remaining(${ttlSeconds}s)`;
  const attached = keys?.map((key) => printable(key)).join(' ');
  return attached === undefined ? line : `${line}, attached keys([${attached}])`;
}

/**
 * How etcdctl words a refusal of a lease command; the message as it is for the others.
 * @source etcd v3.4.23 etcdctl lease_command.go
 */
export function leaseRefusal(action: ClientAction | undefined, message: string): string {
  if (action?.type === 'leaseGrant') return `failed to grant lease (${message})`;
  if (action?.type === 'leaseRevoke') return `failed to revoke lease (${message})`;
  return message;
}

/** What a standing keep-alive prints at its end; null where the failure is another. */
export function keepAliveEnd(action: ClientAction | undefined, message: string): string | null {
  if (action?.type !== 'leaseKeepAlive' || action.once === true) return null;
  if (!message.includes('requested lease not found')) return null;
  return keepAliveGone(action.id);
}

/** @param id in hex */
export function keepAliveGone(id: string): string {
  return `lease ${leaseIdText(int64FromHex(id) ?? 0n)} expired or revoked.`;
}
