/**
 * One run with every fault that there is, told through few calls: the same seed ends in the same hashes wherever the
 * lab runs. What there is comes from the commands' own schema, so a fault that is added there must be done here too.
 */
import { actionSchema } from '../../src/host/commands.ts';
import { actionChecksum, isClientAction } from '../../src/sim/actions.ts';
import { crashPoints } from '../../src/sim/crash-points.ts';
import { hostProfileNames, profileActions } from '../../src/sim/host-profiles.ts';
import { loadKinds } from '../../src/sim/load-kinds.ts';
import { mistakeActions, mistakes } from '../../src/sim/mistakes.ts';
import type { DiskSettings, LinkSettings, RotZone } from '../../src/sim/fault-types.ts';
import type { Mistake } from '../../src/sim/mistakes.ts';
import type { Action, LoadKind, MessageDeed } from '../../src/sim/types.ts';
import type { LabUnderTest } from './lab-port.ts';

/** A command, or what makes one of the message that is on its way; then the lab runs for so many virtual milliseconds. */
export type FaultStep = readonly [Action | ((message: number) => Action), number];

/** What every layout of a lab must agree on: after each step, how it went and where the run is. */
export interface StepEnd {
  readonly step: string;
  /** `ok`, the refusal's code, or that it goes on. */
  readonly result: string;
  readonly moment: number;
  readonly chainHash: string;
}

export const everyFaultSeed = 20191111;

const members = [1, 2, 3];
/** Whom damage is done to: the others go on without it. */
const victim = 3;
const put = (key: string, length = 200): Action => ({ type: 'put', key, value: 'v'.repeat(length) });
const start: FaultStep = [{ type: 'start', member: victim }, 700];
const disk = (settings: Partial<DiskSettings>): Action => ({ type: 'disk', member: victim, ...settings });
const load = (kind: LoadKind, perSecond: number): Action => ({ type: 'load', kind, perSecond });
const ways = members.flatMap((from) =>
  members.filter((to) => to !== from).map((to) => ({ from, to }) as const),
);

const processes: readonly FaultStep[] = [
  [put('first'), 300],
  ...members.flatMap((member): FaultStep[] => [
    [{ type: 'stopMember', member }, 900],
    [put(`m${member} stopped`), 200],
    [{ type: 'start', member }, 1500],
  ]),
  [{ type: 'kill', member: 1 }, 1500],
  [{ type: 'start', member: 1, state: 'existing' }, 600],
  [{ type: 'kill', member: 2 }, 50],
  [{ type: 'start', member: 2, state: 'new' }, 900],
  [disk({ syncMinUs: 400_000, keptWeight: 1, lostWeight: 1, tornWeight: 20 }), 0],
  ...Array.from({ length: 12 }, (_, i): FaultStep => [put(`unsynced${i}`, 3000), 20]),
  [{ type: 'powerCut', member: victim }, 100],
  // Nothing is on its way any more, and that is chosen.
  [{ type: 'powerCut', member: victim, fates: [], names: 1 }, 0],
  [disk({ syncMinUs: 0, keptWeight: 0, lostWeight: 0, tornWeight: 0 }), 0],
  start,
  // Where another number of changes is on its way, the reason comes back the same everywhere.
  [{ type: 'powerCut', member: victim, fates: ['lose'] }, 100],
  start,
  [{ type: 'restart', member: 2 }, 900],
  [{ type: 'pauseMember', member: victim }, 300],
  [put('while paused'), 200],
  [{ type: 'resumeMember', member: victim }, 300],
  [{ type: 'slowCpu', member: victim, factor: 80 }, 0],
  [put('slowly'), 300],
  [{ type: 'slowCpu', member: victim, factor: 1 }, 100],
  [{ type: 'clockRate', member: victim, perMille: 1500 }, 500],
  [{ type: 'clockRate', member: victim, perMille: 1000 }, 100],
  [{ type: 'clockStep', member: victim, aheadUs: 5_000_000 }, 200],
  ...(['periodic', 'random'] as const).map((shape): FaultStep => [
    { type: 'clockSwing', member: victim, perMille: 400, periodUs: 100_000, shape },
    300,
  ]),
  [{ type: 'clockSwing', member: victim, perMille: 0, periodUs: 100_000, shape: 'periodic' }, 100],
  [{ type: 'memoryLimit', member: victim, bytes: 20_000 }, 300],
  [{ type: 'memoryLimit', member: victim, bytes: 0 }, 0],
  start,
  [{ type: 'failAllocation', member: victim, nth: 3 }, 300],
  [{ type: 'failAllocation', member: victim, nth: 0 }, 0],
  start,
  [{ type: 'restartDelay', member: victim, afterUs: 400_000 }, 0],
  [{ type: 'kill', member: victim }, 1200],
  [{ type: 'restartDelay', member: victim, afterUs: 0 }, 0],
];

/** A defragmentation ends with a rename; the rest is passed by any put. */
const crashes: readonly FaultStep[] = [
  ...crashPoints.flatMap((point, i): FaultStep[] => [
    [{ type: 'crashPoint', member: victim, point, nth: 1, then: i % 2 === 0 ? 'kill' : 'powerCut' }, 0],
    [put(`crash ${point}`), 150],
    [{ type: 'defrag', endpoints: [`m${victim}`] }, 100],
    start,
  ]),
  ...(['wal', 'db', 'snap'] as const).flatMap((file, i): FaultStep[] => [
    [{ type: 'crashPoint', member: victim, point: 'beforeWrite', nth: 1 + i, then: 'kill', file }, 0],
    [put(`crash ${file}`), 200],
    [{ type: 'crashPoint', member: victim, point: 'beforeWrite', nth: 0, then: 'kill' }, 0],
    start,
  ]),
];

const settings: readonly Partial<DiskSettings>[] = [
  { syncMinUs: 20_000 },
  { syncMeanUs: 20_000 },
  { writeMinUs: 5000 },
  { writeMeanUs: 5000 },
  { stallPerMille: 1000, stallUs: 200_000 },
  { bytesPerSecond: 50_000 },
];

const disks: readonly FaultStep[] = [
  [{ type: 'slowDisk', member: victim, factor: 20 }, 0],
  [put('slow disk'), 300],
  [{ type: 'slowDisk', member: victim, factor: 1 }, 100],
  ...settings.flatMap((worse): FaultStep[] => [
    [disk(worse), 0],
    [put(Object.keys(worse).join(' '), 2000), 250],
    [disk(Object.fromEntries(Object.keys(worse).map((name) => [name, 0]))), 50],
  ]),
  // A start reads its files, a defragmentation the store.
  [disk({ readMinUs: 20_000, readMeanUs: 20_000, operationsPerSecond: 100 }), 0],
  [{ type: 'restart', member: victim }, 900],
  [{ type: 'defrag', endpoints: [`m${victim}`] }, 300],
  [disk({ readMinUs: 0, readMeanUs: 0, operationsPerSecond: 0 }), 300],
  [disk({ quotaBytes: 60_000 }), 0],
  [put('too much', 20_000), 150],
  [put('and more', 20_000), 300],
  [disk({ quotaBytes: 0 }), 0],
  start,
  ...(['read', 'write', 'sync'] as const).flatMap((on): FaultStep[] => [
    [{ type: 'diskError', member: victim, on, code: 'EIO', lasts: 'once' }, 0],
    [{ type: 'restart', member: victim }, 200],
    [put(`error ${on}`), 200],
    start,
    [{ type: 'diskError', member: victim, on, code: 'ENOSPC', lasts: 'always' }, 0],
    [{ type: 'restart', member: victim }, 200],
    [{ type: 'diskError', member: victim, on, code: 'ENOSPC', lasts: 'never' }, 0],
    start,
  ]),
];

const worse: readonly Partial<LinkSettings>[] = [
  { extraDelayUs: 20_000 },
  { lossPerMille: 500 },
  { jitterUs: 20_000 },
  { duplicatePerMille: 700 },
  { corruptPerMille: 500 },
  { reorderPerMille: 700, jitterUs: 30_000 },
  { bytesPerSecond: 5000, queueBytes: 1500 },
  { clogPerMille: 200, clogMeanUs: 30_000 },
  { dropTypes: ['MsgApp', 'MsgAppResp', 'MsgHeartbeat', 'MsgHeartbeatResp'] },
];

/** Each direction is made worse in its own way, all that there are on each. */
const links: readonly FaultStep[] = [
  ...ways.flatMap((way): FaultStep[] => [
    [{ type: 'cut', ...way }, 120],
    [{ type: 'heal', ...way }, 80],
  ]),
  ...worse.flatMap((how): FaultStep[] => [
    ...ways.map((way): FaultStep => [{ type: 'link', ...way, extraDelayUs: 0, lossPerMille: 0, ...how }, 10]),
    [put(`link ${Object.keys(how).join(' ')}`, 2500), 250],
    [{ type: 'healAll' }, 400],
  ]),
  [{ type: 'isolate', member: victim }, 600],
  [{ type: 'healAll' }, 400],
  ...ways.map((way): FaultStep => [{ type: 'flap', ...way, upUs: 70_000, downUs: 40_000 }, 50]),
  [put('flapping'), 400],
  ...ways.map((way): FaultStep => [{ type: 'flap', ...way, upUs: 0, downUs: 0 }, 0]),
  [{ type: 'healAll' }, 1200],
];

const deeds: readonly MessageDeed[] = ['delay', 'duplicate', 'hold', 'deliver', 'drop'];

/** On links so slow that something is always on its way: each deed to the newest message. */
const messages: readonly FaultStep[] = [
  ...ways.map((way): FaultStep => [{ type: 'link', ...way, extraDelayUs: 60_000, lossPerMille: 0 }, 0]),
  ...deeds.flatMap((deed): FaultStep[] => [
    [put(`message ${deed}`), 80],
    [
      (message) => ({
        type: 'message',
        message,
        do: deed,
        ...(deed === 'delay' && { delayUs: 50_000 }),
      }),
      300,
    ],
    [{ type: 'healAll' }, 100],
    ...ways.map((way): FaultStep => [{ type: 'link', ...way, extraDelayUs: 60_000, lossPerMille: 0 }, 0]),
  ]),
  [{ type: 'healAll' }, 1000],
];

const rates: Readonly<Record<Exclude<LoadKind, 'none'>, number>> = {
  kubernetes: 40,
  hotKey: 40,
  bigValues: 20,
  zipf: 40,
  hugeValues: 4,
  retries: 40,
  watchers: 40,
  ranges: 15,
  leases: 40,
  transactions: 10,
  oldWatches: 60,
  flood: 1000,
};

const clients: readonly FaultStep[] = [
  ...loadKinds.flatMap((kind): FaultStep[] =>
    kind === 'none' || kind === 'flood' ? [] : [[load(kind, rates[kind]), 500]],
  ),
  // Who waits too short for a slow answer asks again.
  ...ways.map((way): FaultStep => [{ type: 'link', ...way, extraDelayUs: 60_000, lossPerMille: 0 }, 0]),
  [load('retries', rates.retries), 300],
  [{ type: 'healAll' }, 300],
  // More wait than a client lets wait.
  ...members.map((member): FaultStep => [{ type: 'isolate', member }, 0]),
  [load('hotKey', 1000), 260],
  [load('none', 0), 0],
  [{ type: 'healAll' }, 2500],
  // The log is long by now: with what comes next it is time for a snapshot.
  [load('flood', rates.flood), 850],
  [load('none', 0), 1500],
  // Clients that nobody answers any more, that are cut off, and that find nobody.
  [{ type: 'isolate', member: 1 }, 0],
  [{ type: 'put', key: 'nobody', value: '', endpoints: ['m1'], timeoutUs: 100_000 }, 300],
  [{ type: 'get', key: 'first', endpoints: ['m1'], timeoutUs: 2_000_000 }, 5],
  [{ type: 'kill', member: 1 }, 50],
  [{ type: 'put', key: 'refused', value: '', endpoints: ['m1'], timeoutUs: 200_000 }, 300],
  [{ type: 'start', member: 1 }, 0],
  [{ type: 'healAll' }, 1500],
];

const zones: readonly RotZone[] = ['meta', 'branch', 'leaf', 'wal', 'snapshot', 'freelist'];

/** What a disk may do to a member. An old image gives it whole files again, but not what it has acknowledged since. */
const damage: readonly FaultStep[] = [
  [{ type: 'keepImage', member: victim }, 0],
  [disk({ lying: 1, lostWeight: 1 }), 0],
  [put('forgotten', 3000), 300],
  [disk({ lying: 0, lostWeight: 0 }), 0],
  [{ type: 'misdirect', member: victim }, 0],
  [put('misdirected', 3000), 300],
  [{ type: 'misdirect', member: victim, how: 'write' }, 0],
  [{ type: 'misdirect', member: victim, how: 'lose' }, 0],
  [put('one astray, one lost', 3000), 300],
  [{ type: 'misdirect', member: victim, how: 'read' }, 0],
  [{ type: 'restart', member: victim }, 300],
  [disk({ misdirectPerMille: 500 }), 0],
  [put('misdirected again', 3000), 300],
  [disk({ misdirectPerMille: 0 }), 0],
  ...(['db', 'wal', 'snap'] as const).flatMap((file): FaultStep[] => [
    [{ type: 'restoreImage', member: victim }, 0],
    [{ type: 'loseFiles', member: victim, file }, 0],
    [{ type: 'start', member: victim }, 300],
  ]),
  ...zones.flatMap((zone): FaultStep[] => [
    [{ type: 'restoreImage', member: victim }, 0],
    [{ type: 'bitRot', member: victim, zone, bits: 30, ...(zone === 'meta' && { page: 1 }) }, 0],
    [{ type: 'start', member: victim }, 300],
  ]),
  [{ type: 'powerCut', member: victim }, 0],
  [{ type: 'healEverything' }, 1500],
];

const hosts: readonly FaultStep[] = hostProfileNames.flatMap((profile): FaultStep[] => [
  ...profileActions(profile, victim, members).map((action): FaultStep => [action, 0]),
  [put(profile, 500), 400],
  [{ type: 'healEverything' }, 800],
]);

const blunder = (mistake: Mistake): FaultStep[] => [
  [put(`before ${mistake}`), 300],
  [{ type: 'keepImage', member: victim }, 100],
  [put(`after ${mistake}`), 300],
  ...mistakeActions(mistake, { members, member: victim, revision: 40 }).map((action): FaultStep => [
    action,
    200,
  ]),
  [{ type: 'healEverything' }, 1500],
];

/** Those that take a member away for good: they come last. */
const ruinous: readonly Mistake[] = [
  'oldBackupOnOneMember',
  'deleteLog',
  'wipeOneMember',
  'removeHealthyMember',
  'addUnstartedVoter',
  // the others stop for good where they hear of it
  'forceNewCluster',
];
const copying = 'sameMemberTwice';
const harmless = mistakes.filter((mistake) => !ruinous.includes(mistake) && mistake !== copying);

/** While it still has a data directory. The copy ends; the others forget how far it was said to be. */
const twice: readonly FaultStep[] = [
  ...blunder(copying),
  [put('taken in turns'), 600],
  [{ type: 'wipe', member: 4 }, 0],
  ...members.map((member): FaultStep => [{ type: 'restart', member }, 0]),
  [{ type: 'healEverything' }, 2500],
];

const end: readonly FaultStep[] = [
  [{ type: 'wipe', member: victim }, 300],
  [{ type: 'get', key: '', prefix: true, countOnly: true, endpoints: ['m1', 'm2'] }, 3000],
];

export const faultSteps: readonly FaultStep[] = [
  ...processes,
  ...crashes,
  ...disks,
  ...links,
  ...messages,
  ...clients,
  ...hosts,
  ...harmless.flatMap(blunder),
  ...twice,
  ...damage,
  ...ruinous.flatMap(blunder),
  ...end,
];

/** The newest message between members that has not come to its end; no proposal, which nothing doubles. */
async function messageUnderWay(lab: LabUnderTest): Promise<number> {
  const over = new Set<number>();
  for (const type of ['sim.deliver', 'sim.drop'] as const)
    for (const { event } of await lab.events(type)) if (event.type === type) over.add(event.message);
  const found = (await lab.events('sim.send')).findLast(
    ({ event }) => event.type === 'sim.send' && event.messageType !== 'MsgProp' && !over.has(event.message),
  );
  if (found?.event.type !== 'sim.send') throw new Error('no message is on its way');
  return found.event.message;
}

/** Opens a lab and does every fault to it; what came of each step. */
export async function everyFault(
  lab: LabUnderTest,
  how: { readonly workspace: string; readonly stored: boolean },
): Promise<readonly StepEnd[]> {
  await lab.open({ seed: everyFaultSeed, ...how });
  const ends: StepEnd[] = [];
  for (const [asked, virtualMs] of faultSteps) {
    const action = typeof asked === 'function' ? asked(await messageUnderWay(lab)) : asked;
    const result = await lab.actAndRun(action, virtualMs);
    const { moment, chainHash, stopped } = await lab.state();
    if (stopped !== null) throw new Error(`the lab stopped at ${JSON.stringify(action)}: ${stopped.message}`);
    const said = result === null ? 'goes on' : result.ok ? 'ok' : `${result.code}: ${result.message}`;
    const shown = JSON.stringify(action).slice(0, 120);
    ends.push({ step: `${ends.length} ${shown}`, result: said, moment, chainHash });
  }
  return ends;
}

interface Schema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
  readonly wrapped?: Schema;
}

/** What each value of a field is called: `crashPoint.point=afterSync`; numbers, flags and texts by their field alone. */
function valuesOf(type: string, field: string, schema: Schema): string[] {
  if (schema.wrapped !== undefined) return valuesOf(type, field, schema.wrapped);
  if (schema.type === 'picklist')
    return (schema.options ?? []).map((value) => `${type}.${field}=${String(value)}`);
  return [`${type}.${field}`];
}

/** Every fault that can be asked for, with every choice in each of its fields. */
export function everyFaultName(): readonly string[] {
  const schemas = actionSchema.options as unknown as readonly Schema[];
  return schemas.flatMap(({ entries = {} }) => {
    const type = String(entries.type?.literal);
    if (isClientAction({ type } as Action)) return [];
    const fields = Object.entries(entries).filter(([field]) => field !== 'type');
    return [type, ...fields.flatMap(([field, schema]) => valuesOf(type, field, schema))];
  });
}

/** What of it an action is. A number that is zero ends something. */
export function namesOf(action: Action): readonly string[] {
  const { type, ...fields } = action as { readonly type: string } & Readonly<Record<string, unknown>>;
  const names = Object.entries(fields).flatMap(([field, value]) =>
    typeof value === 'string' ? [`${type}.${field}=${value}`] : value === 0 ? [] : [`${type}.${field}`],
  );
  return [type, ...names];
}

/** Names of faults that none of the actions is. */
export function missingFaults(actions: readonly Action[]): readonly string[] {
  const done = new Set(actions.flatMap(namesOf));
  const profiles = hostProfileNames.flatMap((profile) => profileActions(profile, victim, members));
  const blunders = mistakes.flatMap((mistake) =>
    mistakeActions(mistake, { members, member: victim, revision: 40 }),
  );
  const sums = new Set(actions.map(actionChecksum));
  return [
    ...everyFaultName().filter((name) => !done.has(name)),
    ...[...profiles, ...blunders]
      .filter((action) => !sums.has(actionChecksum(action)))
      .map((action) => JSON.stringify(action)),
  ];
}
