/** What the scrubber marks: the few events of a run that a visitor looks for. */
import type { Told } from './told.ts';

export type MarkKind = 'election' | 'commit' | 'fault' | 'expiry';
export const markKinds: readonly MarkKind[] = ['election', 'commit', 'fault', 'expiry'];

export interface RunMark {
  readonly kind: MarkKind;
  /** The step that holds it, from 1. */
  readonly step: number;
  readonly timeUs: number;
  readonly sentence: string;
}

/**
 * The kind of mark an event gets; null for most. Each member learns of a commit by itself: only the first to
 * know an entry as committed marks it.
 * @param committed the highest index known as committed before the event
 */
export function markKindOf({ event }: Told, committed: number): MarkKind | null {
  switch (event.type) {
    case 'raft.becomeLeader':
      return 'election';
    case 'raft.commit':
      return event.index > committed ? 'commit' : null;
    case 'lease.expire':
      return 'expiry';
    case 'sim.kill':
    case 'sim.stop':
    case 'sim.powerCut':
    case 'sim.wipe':
    case 'sim.pause':
    case 'sim.cut':
    case 'server.halt':
    case 'sim.crash':
    case 'sim.allocationFailed':
    case 'sim.outOfMemory':
    case 'sim.bitRot':
    case 'sim.diskError':
      return 'fault';
    case 'sim.link':
      return event.extraDelayUs > 0 || event.lossPerMille > 0 ? 'fault' : null;
    case 'sim.slowDisk':
      return event.factor > 1 ? 'fault' : null;
    case 'sim.hold':
    case 'sim.drop':
      return event.because === 'command' ? 'fault' : null;
    default:
      return null;
  }
}
