/** Which hint the Home page gives next: a function of what has happened, so that a replay gives the same. */
import { isLost, leaderOf, type ClusterView } from './cluster-view.ts';
import type { Told } from './told.ts';
import { majorityOf, stationIds, stationOf, type Journey, type StationId } from './journey.ts';

export type Hint =
  | { readonly kind: 'starting' }
  | { readonly kind: 'noLeader'; readonly runningCount: number; readonly neededCount: number }
  | { readonly kind: 'put'; readonly leader: number }
  | { readonly kind: 'travelling'; readonly station: StationId }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'kill'; readonly label: string; readonly storedCount: number }
  | { readonly kind: 'get'; readonly leader: number; readonly lost: number; readonly label: string }
  | { readonly kind: 'repair'; readonly lost: number; readonly wasAnswered: boolean }
  | { readonly kind: 'free'; readonly leader: number }
  /** A checker has ended the run. */
  | { readonly kind: 'violated'; readonly property: string };

/** What a visitor has done since the last put. */
export interface Past {
  readonly hasRead: boolean;
  readonly hasKilled: boolean;
}

export const noPast: Past = { hasRead: false, hasKilled: false };

export function foldPast(before: Past, events: readonly Told[]): Past {
  let past = before;
  for (const { event } of events) {
    if (event.type === 'sim.kill' || event.type === 'sim.stop' || event.type === 'sim.powerCut')
      past = { hasRead: false, hasKilled: true };
    if (event.type !== 'sim.clientSend') continue;
    if (event.method.endsWith('Range') && !event.method.endsWith('DeleteRange'))
      past = { ...past, hasRead: true };
    if (event.method.endsWith('Put')) past = { ...past, hasRead: false };
  }
  return past;
}

export function hintFor(cluster: ClusterView, journey: Journey, past: Past): Hint {
  const { members } = cluster;
  if (members.every(({ process }) => process === 'off')) return { kind: 'starting' };
  const leader = leaderOf(cluster);
  const voters = members.filter(({ part }) => part === 'voter');
  const runningCount = voters.filter(({ process }) => process === 'up').length;
  if (leader === null) return { kind: 'noLeader', runningCount, neededCount: majorityOf(voters.length) };
  if (journey.failure !== null) return { kind: 'failed', message: journey.failure.message };
  const station = lastLit(journey);
  if (station === null) return { kind: 'put', leader: leader.id };
  const lost = members.find((member) => isLost(member));
  const { label } = journey;
  if (lost !== undefined && station !== 'asked') {
    const wasAnswered = stationOf(journey, 'answered').litAtUs !== null;
    return past.hasRead
      ? { kind: 'repair', lost: lost.id, wasAnswered }
      : { kind: 'get', leader: leader.id, lost: lost.id, label };
  }
  if (station !== 'stored') return { kind: 'travelling', station };
  const storedCount = stationOf(journey, 'stored').marks.length;
  if (!past.hasKilled) return { kind: 'kill', label, storedCount };
  return { kind: 'free', leader: leader.id };
}

/** The furthest station that is reached; null before a put. */
export function lastLit(journey: Journey): StationId | null {
  return stationIds.findLast((id) => stationOf(journey, id).litAtUs !== null) ?? null;
}
