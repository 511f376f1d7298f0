/** What a lab is put together from while it is open. */
import type { Violation } from '../sim/checkers/checker.ts';
import { Cluster } from '../sim/cluster.ts';
import type { LabTrace, Plan } from '../sim/types.ts';
import { Checks } from './checks.ts';
import { DiskHost } from './disk-host.ts';
import type { LabMessage } from './lab-message.ts';
import type { LabTold, MemberTold } from './lab-told.ts';
import type { MemberHost } from './member-host.ts';
import { LocalMembers } from './member-host.ts';
import { noNotes } from './notes.ts';
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
  readonly storage: OpenedStorage;
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

/** A cluster that begins with what the storage holds, and what drives it. */
export function assemble({ options, storage, members }: Opening, heard: Heard, clock: WallClock): Opened {
  const { record, images } = storage.lab;
  const isFar = members instanceof TwinnedMembers;
  const trace: LabTrace = { on: true, emit: (at, event) => heard.told.emit(at, event, isFar) };
  const isFresh = storage.lab.fresh && storage.origin === null;
  const checks = options.checks === true ? new Checks(isFresh, trace) : null;
  const cluster = new Cluster({
    seed: record.seed,
    memberCount: record.members,
    images,
    boot: record.boot,
    startUs: record.timeUs,
    trace: checks?.trace ?? trace,
    preVote: record.preVote,
    defects: Object.fromEntries((options.planted ?? []).map((name) => [name, true])),
    settings: record.settings,
  });
  if (isFar || members instanceof LocalMembers) checks?.begin(cluster, (member) => members.running(member));
  const pace = new Pace(record.timeUs);
  heard.told.begin(
    images.map((_, i) => noNotes(i + 1)),
    pace,
  );
  const disk = new DiskHost(storage.store, clock, heard.hangs, cluster);
  const scheduler = new Scheduler({
    ...{ cluster, members, disk, pace, clock },
    progressed: heard.progressed,
    merged: (plan) => judged(checks, plan, heard),
    storeFailed: ({ message }) => heard.storeFailed(message),
  });
  const show = new Show(clock, (elapsedMs) => scheduler.frame(elapsedMs));
  return { options, storage, cluster, disk, pace, members, scheduler, show, checks };
}

function judged(checks: Checks | null, plan: Plan, heard: Heard): Stopped | null {
  const violation = checks?.merged(plan) ?? null;
  return violation === null ? null : heard.violated(violation);
}
