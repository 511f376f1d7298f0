/** What a lab is put together from while it is open. */
import type { Violation } from '../sim/checkers/checker.ts';
import { Cluster } from '../sim/cluster.ts';
import type { RunningWorld } from '../sim/keyframes.ts';
import { hearBy } from '../sim/keyframes.ts';
import type { LabTrace, Plan } from '../sim/types.ts';
import type { AsideWhy } from './checks.ts';
import { Checks } from './checks.ts';
import { DiskHost } from './disk-host.ts';
import type { LabMessage } from './lab-message.ts';
import type { LabTold, MemberTold } from './lab-told.ts';
import type { MemberHost } from './member-host.ts';
import { LocalMembers } from './member-host.ts';
import type { MemberNotes } from './notes.ts';
import { noNotes, notesOfMember } from './notes.ts';
import { Pace } from './pace.ts';
import type { LabOptions } from './port.ts';
import type { Stopped } from './scheduler.ts';
import { Scheduler } from './scheduler.ts';
import { Show } from './show.ts';
import type { OpenedStorage } from './storage.ts';
import { TwinnedMembers } from './twinned-members.ts';
import type { WallClock } from './wall-clock.ts';

/** What a lab needs from where it lives. */
export interface LabParts {
  readonly clock: WallClock;
  readonly locks: LockManager | undefined;
  /** Makes the members' host for a layout; it may fall back to another one. */
  readonly members: (options: LabOptions, told: (told: MemberTold) => void) => Promise<MemberHost>;
  /** Takes what the lab tells: events, state, interventions. */
  readonly send: (message: LabMessage) => void;
}

/** What there is while the lab is open. */
export interface Opened {
  readonly options: LabOptions;
  /** Another one since the lab was released or adopted; what it began with stays. */
  storage: OpenedStorage;
  readonly cluster: Cluster;
  readonly disk: DiskHost;
  readonly pace: Pace;
  readonly members: MemberHost;
  readonly scheduler: Scheduler;
  readonly show: Show;
  /** Null where nobody checks. */
  readonly checks: Checks | null;
}

/** What is opened, and with what. */
export interface Opening {
  readonly options: LabOptions;
  readonly storage: OpenedStorage;
  readonly members: MemberHost;
  /** The world to go on with, whose members are the host's; absent: the lab begins with what is stored. */
  readonly world?: RunningWorld;
  /** Called after each plan. */
  readonly recorder?: () => void;
}

/** What the lab hears of its parts. */
export interface Heard {
  readonly told: LabTold;
  /** As the scheduler's. */
  readonly progressed: () => void;
  readonly storeFailed: (message: string) => void;
  /** The store hangs, in a sentence; null: it has answered after all. */
  readonly hangs: (message: string | null) => void;
  /** A plan was merged after which a property is violated. @returns why the run ends there; null: not */
  readonly violated: (violation: Violation) => Stopped | null;
}

/** A cluster that begins with what the storage holds, or goes on from where it is, and what drives it. */
export function assemble(opening: Opening, heard: Heard, clock: WallClock): Opened {
  const { options, storage, members, world, recorder } = opening;
  const isFar = members instanceof TwinnedMembers;
  const trace: LabTrace = { on: true, emit: (at, event) => heard.told.emit(at, event, isFar) };
  const checks = options.checks === true ? new Checks(unknownBefore(opening), trace) : null;
  const heardBy = checks?.trace ?? trace;
  const cluster = world?.cluster ?? newCluster(opening, heardBy);
  if (world !== undefined) hearBy(world, heardBy);
  if (isFar || members instanceof LocalMembers) checks?.begin(cluster, (member) => members.running(member));
  const pace = new Pace(cluster.nowUs);
  heard.told.begin(notesOf(cluster, members), pace);
  const disk = new DiskHost(storage.store, clock, heard.hangs, cluster);
  const scheduler = new Scheduler({
    ...{ cluster, members, disk, pace, clock },
    progressed: heard.progressed,
    merged: (plan) => {
      recorder?.();
      return judged(checks, plan, heard);
    },
    storeFailed: ({ message }) => heard.storeFailed(message),
  });
  const show = new Show(clock, (elapsedMs) => scheduler.frame(elapsedMs));
  return { options, storage, cluster, disk, pace, members, scheduler, show, checks };
}

function newCluster({ options, storage }: Opening, trace: LabTrace): Cluster {
  const { record, images } = storage.lab;
  return new Cluster({
    seed: record.seed,
    memberCount: record.members,
    images,
    boot: record.boot,
    startUs: record.timeUs,
    trace,
    preVote: record.preVote,
    defects: Object.fromEntries((options.planted ?? []).map((name) => [name, true])),
    settings: record.settings,
  });
}

/** Why the checkers do not know what was before; null: nothing was. */
function unknownBefore({ storage, world }: Opening): AsideWhy | null {
  if (world !== undefined) return 'branch';
  return storage.lab.fresh && storage.origin === null ? null : 'stored';
}

/** What is known of the members as they are. */
function notesOf(cluster: Cluster, members: MemberHost): MemberNotes[] {
  const count = Math.max(...cluster.members);
  return Array.from({ length: count }, (_, i) => {
    const running = members instanceof LocalMembers ? members.running(i + 1) : undefined;
    return running === undefined ? noNotes(i + 1) : notesOfMember(i + 1, running);
  });
}

function judged(checks: Checks | null, plan: Plan, heard: Heard): Stopped | null {
  const violation = checks?.merged(plan) ?? null;
  return violation === null ? null : heard.violated(violation);
}
