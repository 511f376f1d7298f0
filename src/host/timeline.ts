/** One history of the run: its past as keyframes, the hashes that it had, and its actions. */
import type { RunningWorld } from '../sim/keyframes.ts';
import { Past } from '../sim/keyframes.ts';
import type { PastLimits } from '../sim/keyframes.ts';
import type { Intervention } from '../sim/types.ts';
import { HashNotes } from './hash-notes.ts';
import type { Place } from './port.ts';
import type { TimelineId, TimelineInfo } from './time-port.ts';

export interface TimelineFacts {
  readonly id: TimelineId;
  readonly parent: Timeline | null;
  readonly name: string;
  /** Where it leaves its parent; for the root, where the run begins. */
  readonly from: Place;
  readonly limits: PastLimits;
  /** Of so many moments the hashes are noted. */
  readonly notes: number;
}

export class Timeline {
  readonly id: TimelineId;
  readonly parent: Timeline | null;
  name: string;
  readonly from: Place;
  readonly past: Past;
  readonly hashes: HashNotes;
  /** All that was done in it, and before it in its ancestors. */
  interventions: readonly Intervention[] = [];
  /** How far it has come. */
  place: Place;

  constructor({ id, parent, name, from, limits, notes }: TimelineFacts) {
    this.id = id;
    this.parent = parent;
    this.name = name;
    this.from = from;
    this.place = from;
    this.past = new Past(limits);
    this.hashes = new HashNotes(notes);
  }

  get info(): TimelineInfo {
    const { id, parent, name, from, place } = this;
    const root = { fromMoment: 0, fromUs: from.timeUs };
    const origin = parent === null ? root : { fromMoment: from.moment, fromUs: from.timeUs };
    return { id, parent: parent?.id ?? null, name, ...origin, ...place };
  }

  get sizeBytes(): number {
    return this.past.sizeBytes + this.hashes.sizeBytes;
  }

  /** Called between two plans, the first time where it begins. @returns where that is */
  record(world: RunningWorld): Place {
    const { moment, nowUs: timeUs, chainHash } = world.cluster;
    this.past.record(world);
    this.hashes.add(moment, chainHash);
    return { moment, timeUs, chainHash };
  }

  /** Who has the past of a moment, the timeline itself or an ancestor that it shares it with, and how far. */
  stretchAt(moment: number): { readonly owner: Timeline; readonly upTo: number } {
    if (this.parent === null || moment > this.from.moment) return { owner: this, upTo: this.place.moment };
    const { owner, upTo } = this.parent.stretchAt(moment);
    return { owner, upTo: Math.min(upTo, this.from.moment) };
  }
}
