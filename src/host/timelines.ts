/** All histories of a run: the root, and the branches with their labs. They share one measure of memory. */
import { fork } from '../base/fork.ts';
import type { PastLimits, RunningWorld } from '../sim/keyframes.ts';
import { nearBytesOf } from '../sim/near-past.ts';
import type { Lab } from './lab.ts';
import { noteBytes, usualNotes } from './hash-notes.ts';
import type { TimelineId } from './time-port.ts';
import { Timeline } from './timeline.ts';

/** At most so many branches at a time. */
export const mostBranches = 8;
const branchNotes = 16_384;

interface Branch {
  readonly timeline: Timeline;
  /** Null until it is open. */
  lab: Lab | null;
}

export class Timelines {
  readonly root: Timeline;
  /** What all of them may take. */
  readonly limitBytes: number;
  readonly #limits: PastLimits;
  readonly #branches = new Map<TimelineId, Branch>();
  #lastId = 0;

  /** @param startUs when the run began */
  constructor(limits: PastLimits, startUs: number) {
    this.limitBytes = limits.bytes;
    // the hashes of all of them are kept beside their keyframes, and copies near what was sought
    const notesBytes = noteBytes * (usualNotes + mostBranches * branchNotes);
    this.#limits = { ...limits, bytes: limits.bytes - notesBytes - nearBytesOf(limits.bytes) };
    const from = { moment: 0, timeUs: startUs, chainHash: '' };
    const facts = { id: 0, parent: null, name: '', from };
    this.root = new Timeline({ ...facts, limits: this.#limits, notes: usualNotes });
  }

  /** The root first. */
  get all(): readonly Timeline[] {
    return [this.root, ...[...this.#branches.values()].map(({ timeline }) => timeline)];
  }

  get isFull(): boolean {
    return this.#branches.size >= mostBranches;
  }

  get(id: TimelineId): Timeline | undefined {
    return id === 0 ? this.root : this.#branches.get(id)?.timeline;
  }

  /**
   * Begins a branch.
   * @param at the parent's world there, which stays as it is
   * @param open opens a lab on a copy of it, and has each plan's end recorded
   */
  branch(
    { parent, at, name }: { readonly parent: Timeline; readonly at: RunningWorld; readonly name: string },
    open: (world: RunningWorld, recorder: (world: RunningWorld) => void) => Lab,
  ): { readonly timeline: Timeline; readonly lab: Lab } {
    const { cluster, members } = fork({ cluster: at.cluster, members: at.members });
    const world = { cluster, members };
    const from = { moment: cluster.moment, timeUs: cluster.nowUs, chainHash: cluster.chainHash };
    const id = ++this.#lastId;
    const timeline = new Timeline({ id, parent, name, from, limits: this.#limits, notes: branchNotes });
    timeline.interventions = cluster.interventions;
    timeline.record(world);
    const branch: Branch = { timeline, lab: null };
    this.#branches.set(id, branch);
    this.#share();
    branch.lab = open(world, (now) => {
      timeline.place = timeline.record(now);
    });
    return { timeline, lab: branch.lab };
  }

  hasBranches(timeline: Timeline): boolean {
    return this.all.some(({ parent }) => parent === timeline);
  }

  /** Ends a branch that has none of its own. */
  async end({ id }: Timeline): Promise<void> {
    const branch = this.#branches.get(id);
    this.#branches.delete(id);
    this.#share();
    await branch?.lab?.close();
  }

  async close(): Promise<void> {
    for (const { lab } of this.#branches.values()) await lab?.close();
    this.#branches.clear();
  }

  /** Half is the root's, the other half goes to the branches in equal parts. */
  #share(): void {
    const { bytes } = this.#limits;
    const count = this.#branches.size;
    this.root.past.limitTo(count === 0 ? bytes : Math.floor(bytes / 2));
    for (const { timeline } of this.#branches.values())
      timeline.past.limitTo(Math.floor(bytes / (2 * count)));
  }
}
