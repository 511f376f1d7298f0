/** The world's answer to what a power cut would do. */
import type { Cluster } from '../sim/cluster.ts';
import type { Answer, PowerCutQuery, Result } from './port.ts';

/** @returns the code 'not there' with why the disk can not meet such fates */
export function cutAnswer(cluster: Cluster, query: PowerCutQuery): Result<{ answer: Answer }> {
  const { member, fates, names } = query;
  const chosen = { ...(fates !== undefined && { fates }), ...(names !== undefined && { names }) };
  const cut = cluster.previewCut(member, chosen);
  if (typeof cut === 'string') return { ok: false, code: 'not there', message: cut };
  return { ok: true, answer: { kind: 'powerCut', cut } };
}

/** Whether a question from outside is one. */
export function isCutQuery({ fates = [], names = 0 }: { fates?: unknown; names?: unknown }): boolean {
  return Number.isSafeInteger(names) && Array.isArray(fates) && fates.every((one) => typeof one === 'string');
}
