/** Faults of hosts and disks: each does to the members what it says, and nothing acknowledged is lost for it. */
import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { crashPoints } from '../../src/sim/crash-points.ts';
import { replay } from '../../src/sim/run.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import { clusterConfig, Lab, noTrace, recordingTrace } from './worlds.ts';
import type { SimEvent } from '../../src/sim/events.ts';
import type { RotZone } from '../../src/sim/fault-types.ts';
import type { Action, ClusterConfig, LabAction, LabEvent } from '../../src/sim/types.ts';
import type { Told } from './worlds.ts';

type Of<Type extends LabEvent['type']> = Extract<LabEvent, { type: Type }>;
const eventsOf = <Type extends LabEvent['type']>(told: readonly Told[], type: Type): Of<Type>[] =>
  told.map(({ event }) => event).filter((event): event is Of<Type> => event.type === type);

const snapshots = { snapshotCount: 20, snapshotCatchUpEntries: 5, walSegmentBytes: 20_000 };

function electedLab(changes: Partial<ClusterConfig> = {}): {
  lab: Lab;
  told: Told[];
  leader: number;
  follower: number;
} {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { trace, ...changes });
  lab.runFor(3_000_000);
  const elected = trace.told.filter(({ event }) => event.type === 'raft.becomeLeader');
  const leader = elected[elected.length - 1].at.member;
  return { lab, told: trace.told, leader, follower: (leader % 3) + 1 };
}

const one: Partial<ClusterConfig> = { memberCount: 1 };
const put = (key: string, value: string, member?: number): Action =>
  member === undefined ? { type: 'put', key, value } : { type: 'put', key, value, endpoints: [`m${member}`] };

function valueOf(lab: Lab, key: string): string | null {
  const read = lab.do({ type: 'get', key });
  if (read?.ok !== true || read.type !== 'get') return `no answer: ${JSON.stringify(read)}`;
  return read.kvs.length === 0 ? null : new TextDecoder().decode(read.kvs[0].value);
}

const haltsOf = (told: readonly Told[]): string[] =>
  eventsOf(told, 'server.halt').map(({ reason }) => reason);

for (const point of crashPoints) {
  test(`a member ends ${point}, by a kill or by its power, and what was acknowledged is there`, () => {
    for (const then of ['kill', 'powerCut'] as const) {
      const { lab, told, leader } = electedLab({ snapshots });
      const isRename = point.endsWith('Rename');
      expect(lab.do({ type: 'crashPoint', member: leader, point, nth: isRename ? 1 : 3, then })).toBeNull();
      for (let i = 0; i < 70 && lab.cluster.memberStatus(leader) === 'up'; i++) {
        lab.cluster.act(put(`k${i}`, 'v'.repeat(300)));
        lab.runFor(60_000);
        // a defragmentation ends with a rename
        if (isRename && i === 5) lab.cluster.act({ type: 'defrag', endpoints: [`m${leader}`] });
      }
      lab.runFor(1000);
      expect(lab.cluster.memberStatus(leader)).toBe('down');
      expect(lab.cluster.reach).toMatchObject({ crashPoints: 1, crashes: 1 });
      expect(eventsOf(told, 'sim.crash')).toMatchObject([{ point }]);
      expect(lab.cluster.reach.kills + lab.cluster.reach.powerCuts).toBe(1);
      expect(lab.do({ type: 'start', member: leader })).toBeNull();
      lab.runFor(8_000_000);
      const local = lab.do({
        type: 'get',
        key: 'k',
        prefix: true,
        serializable: true,
        endpoints: [`m${leader}`],
      });
      if (local?.ok !== true || local.type !== 'get') throw new Error(`m${leader} is not back`);
      const found = new Set(local.kvs.map(({ key }) => new TextDecoder().decode(key)));
      for (const outcome of [...lab.outcomes.values()].slice(1))
        if (outcome?.ok === false) expect(outcome.code).toBe(14);
      const acknowledged = lab.cluster.interventions
        .map(({ action }, i) => ({ action, outcome: lab.outcomes.get(i + 1) }))
        .flatMap(({ action, outcome }) =>
          action.type === 'put' && outcome?.ok === true ? [action.key] : [],
        );
      expect(acknowledged.length).toBeGreaterThan(0);
      for (const key of acknowledged) expect(found).toContain(key);
    }
  });
}

test('a crash point can be for the files of one kind, and be taken back', () => {
  const { lab, told } = electedLab(one);
  const armed = { type: 'crashPoint', member: 1, point: 'beforeWrite', nth: 1, then: 'kill' } as const;
  lab.do({ ...armed, file: 'snap' });
  expect(lab.do(put('a', '1'))).toMatchObject({ ok: true });
  expect(lab.do({ ...armed, nth: 0 })).toBeNull();
  expect(lab.do({ ...armed, nth: 0 })).toMatchObject({ code: 9, message: 'm1 has no crash point' });
  lab.do({ ...armed, file: 'db' });
  expect(lab.do(put('a', '2'))).toMatchObject({ ok: true });
  lab.runFor(500_000);
  expect(lab.cluster.memberStatus(1)).toBe('down');
  expect(eventsOf(told, 'sim.crash')).toEqual([
    { type: 'sim.crash', point: 'beforeWrite', file: 'member/snap/db' },
  ]);
});

test('a slow processor takes its time for each input, in order, and is soon as before', () => {
  const { lab, leader } = electedLab();
  const timeOf = (value: string): number => {
    const from = lab.cluster.nowUs;
    expect(lab.do(put('k', value, leader))).toMatchObject({ ok: true });
    return lab.cluster.nowUs - from;
  };
  const usual = timeOf('a');
  expect(lab.cluster.reach.inputsSlowed).toBe(0);
  lab.do({ type: 'slowCpu', member: leader, factor: 200 });
  const slow = timeOf('b');
  expect(slow).toBeGreaterThan(usual + 30_000);
  expect(lab.cluster.reach.inputsSlowed).toBeGreaterThan(3);
  lab.do({ type: 'slowCpu', member: leader, factor: 1 });
  lab.runFor(500_000);
  expect(timeOf('c')).toBeLessThan(slow / 2);
  expect(valueOf(lab, 'k')).toBe('c');
});

test('a processor that is much too slow lets requests run out of time, and loses none that it answered', () => {
  const { lab, leader } = electedLab();
  lab.do({ type: 'slowCpu', member: leader, factor: 1000 });
  const ids = Array.from({ length: 200 }, (_, i) => lab.cluster.act(put(`k${i}`, 'v'.repeat(2000), leader)));
  lab.runFor(6_000_000);
  const outcomes = ids.map((id) => lab.outcomes.get(id));
  expect(outcomes.filter((outcome) => outcome?.ok === false && outcome.code === 4).length).toBeGreaterThan(
    50,
  );
  lab.do({ type: 'healEverything' });
  lab.runFor(5_000_000);
  const read = lab.do({ type: 'get', key: 'k', prefix: true });
  if (read?.ok !== true || read.type !== 'get') throw new Error('no answer');
  const found = new Set(read.kvs.map(({ key }) => new TextDecoder().decode(key)));
  outcomes.forEach((outcome, i) => expect(outcome?.ok !== true || found.has(`k${i}`)).toBe(true));
});

test('a fast clock of a follower calls elections; a fast clock of the leader lets leases expire early', () => {
  const fast = electedLab({ preVote: false });
  const { lab, told, leader, follower } = fast;
  const before = eventsOf(told, 'raft.becomeCandidate').length;
  lab.do({ type: 'clockRate', member: follower, perMille: 40_000 });
  lab.runFor(5_000_000);
  const campaigns = told.filter(
    ({ event, at }) => event.type === 'raft.becomeCandidate' && at.member === follower,
  );
  expect(campaigns.length).toBeGreaterThan(before);
  expect(leader).toBeGreaterThan(0);
  const single = electedLab(one);
  single.lab.do({ type: 'leaseGrant', ttl: 20, id: '77' });
  single.lab.do({ type: 'clockRate', member: 1, perMille: 5000 });
  single.lab.runFor(5_500_000);
  expect(eventsOf(single.told, 'lease.expire')).toHaveLength(1);
  expect(single.lab.cluster.reach.clockRates).toBe(1);
});

test('a slow clock makes ticks rare', () => {
  const { lab, told, leader } = electedLab();
  const beats = (): number =>
    eventsOf(told, 'sim.send').filter((send) => send.from === leader && send.messageType === 'MsgHeartbeat')
      .length;
  const before = beats();
  lab.runFor(1_000_000);
  const usual = beats() - before;
  lab.do({ type: 'clockRate', member: leader, perMille: 500 });
  const middle = beats();
  lab.runFor(1_000_000);
  expect(beats() - middle).toBeLessThan(usual * 0.7);
});

test('a process with more memory than it may have ends, each time it comes so far', () => {
  const { lab, told } = electedLab(one);
  lab.do({ type: 'memoryLimit', member: 1, bytes: 300_000 });
  for (let i = 0; i < 12 && lab.cluster.memberStatus(1) === 'up'; i++)
    lab.do(put(`k${i}`, 'v'.repeat(60_000)));
  lab.runFor(1000);
  expect(lab.cluster.memberStatus(1)).toBe('down');
  expect(eventsOf(told, 'sim.outOfMemory')[0]).toMatchObject({ limitBytes: 300_000 });
  lab.do({ type: 'start', member: 1 });
  lab.runFor(100_000);
  expect(lab.cluster.memberStatus(1)).toBe('down');
  expect(lab.cluster.reach.outOfMemory).toBe(2);
  lab.do({ type: 'healEverything' });
  lab.runFor(3_000_000);
  expect(valueOf(lab, 'k0')).toBe('v'.repeat(60_000));
});

test('an old image that is restored takes back what came after it', () => {
  const { lab, told } = electedLab(one);
  const none = lab.do({ type: 'restoreImage', member: 1 });
  expect(none).toMatchObject({ code: 9, message: "no image of m1's disk was kept" });
  lab.do(put('a', 'old'));
  lab.runFor(300_000);
  lab.do({ type: 'keepImage', member: 1 });
  lab.do(put('a', 'new'));
  lab.do({ type: 'restoreImage', member: 1 });
  expect(lab.cluster.memberStatus(1)).toBe('down');
  lab.do({ type: 'start', member: 1 });
  lab.runFor(3_000_000);
  expect(valueOf(lab, 'a')).toBe('old');
  expect(eventsOf(told, 'sim.image').map(({ restored }) => restored)).toEqual([false, true]);
});

test('syncs take the time that the disk is set to, with the way of the bytes, stalls, and slow writes', () => {
  const { lab, told } = electedLab(one);
  const syncUs = (settings: Partial<Action> & object, value = 'x'): number => {
    lab.do({ type: 'disk', member: 1, ...settings } as Action);
    lab.runFor(1_000_000);
    const from = lab.cluster.nowUs;
    expect(lab.do(put('k', value))).toMatchObject({ ok: true });
    return lab.cluster.nowUs - from;
  };
  const quiet = {
    syncMinUs: 0,
    syncMeanUs: 0,
    writeMinUs: 0,
    writeMeanUs: 0,
    stallPerMille: 0,
    bytesPerSecond: 0,
  };
  expect(syncUs({ ...quiet, syncMinUs: 70_000 })).toBeGreaterThan(70_000);
  expect(syncUs({ ...quiet, writeMinUs: 90_000 })).toBeGreaterThan(90_000);
  expect(syncUs({ ...quiet, bytesPerSecond: 100_000 }, 'v'.repeat(20_000))).toBeGreaterThan(200_000);
  expect(syncUs({ ...quiet, stallPerMille: 1000, stallUs: 300_000 })).toBeGreaterThan(300_000);
  expect(syncUs(quiet)).toBeLessThan(50_000);
  expect(lab.cluster.reach.stalls).toBe(eventsOf(told, 'sim.stall').length);
  expect(lab.cluster.reach.stalls).toBeGreaterThan(0);
});

for (const on of ['write', 'sync'] as const) {
  test(`a ${on} that fails once stops the member, and a start goes on from what is there`, () => {
    const { lab, told, follower } = electedLab();
    lab.do(put('a', 'before'));
    lab.do({ type: 'diskError', member: follower, on, code: 'EIO', lasts: 'once' });
    expect(lab.do(put('a', 'during'))).toMatchObject({ ok: true });
    lab.runFor(500_000);
    expect(lab.cluster.memberStatus(follower)).toBe('halted');
    expect(haltsOf(told)[0]).toContain('could not be made durable: EIO');
    expect(lab.cluster.reach.syncsFailed).toBeGreaterThan(0);
    expect(on === 'sync' || lab.cluster.reach.writesFailed === 1).toBe(true);
    lab.do({ type: 'start', member: follower });
    lab.runFor(3_000_000);
    const read: Action = { type: 'get', key: 'a', serializable: true, endpoints: [`m${follower}`] };
    expect(lab.do(read)).toMatchObject({ ok: true, kvs: [{ value: new TextEncoder().encode('during') }] });
  });
}

test('a sync that always fails stops every process of the member', () => {
  const { lab, told } = electedLab(one);
  lab.do(put('a', 'kept'));
  lab.do({ type: 'diskError', member: 1, on: 'sync', code: 'EIO', lasts: 'always' });
  lab.cluster.act(put('a', 'never'));
  lab.runFor(200_000);
  expect(lab.cluster.memberStatus(1)).toBe('halted');
  lab.do({ type: 'start', member: 1 });
  lab.runFor(3_000_000);
  expect(lab.cluster.memberStatus(1)).toBe('halted');
  expect(haltsOf(told)).toHaveLength(2);
  lab.do({ type: 'healEverything' });
  lab.runFor(3_000_000);
  expect(valueOf(lab, 'a')).toBe('kept');
});

test('a full disk stops the member with the reason, and space brings it back', () => {
  const { lab, told } = electedLab(one);
  lab.do({ type: 'disk', member: 1, quotaBytes: 200_000 });
  const acknowledged: string[] = [];
  for (let i = 0; i < 40 && lab.cluster.memberStatus(1) === 'up'; i++) {
    const id = lab.cluster.act(put(`k${i}`, 'v'.repeat(10_000)));
    lab.runFor(100_000);
    if (lab.outcomes.get(id)?.ok === true) acknowledged.push(`k${i}`);
  }
  expect(haltsOf(told)[0]).toContain('no space is left on the disk');
  expect(lab.cluster.reach.diskFull).toBeGreaterThan(0);
  lab.do({ type: 'disk', member: 1, quotaBytes: 0 });
  lab.do({ type: 'start', member: 1 });
  lab.runFor(3_000_000);
  expect(acknowledged.length).toBeGreaterThan(2);
  for (const key of acknowledged) expect(valueOf(lab, key)).toBe('v'.repeat(10_000));
});

test('a disk that cannot be read lets no process start, until it can', () => {
  const { lab, told, follower } = electedLab();
  lab.do({ type: 'diskError', member: follower, on: 'read', code: 'EIO', lasts: 'always' });
  lab.do({ type: 'restart', member: follower });
  lab.runFor(1_000_000);
  expect(lab.cluster.memberStatus(follower)).toBe('halted');
  expect(eventsOf(told, 'sim.diskError')).toMatchObject([{ code: 'EIO' }]);
  expect(lab.cluster.reach.readsFailed).toBe(1);
  lab.do({ type: 'diskError', member: follower, on: 'read', code: 'EIO', lasts: 'never' });
  lab.do({ type: 'start', member: follower });
  lab.runFor(1_000_000);
  expect(lab.cluster.memberStatus(follower)).toBe('up');
});

test('a lying disk loses what it said to have when the power goes, an honest one does not', () => {
  const lastAfter = (lying: number): string | null => {
    const { lab } = electedLab(one);
    lab.do(put('a', 'old'));
    lab.runFor(500_000);
    lab.do({ type: 'disk', member: 1, lying, lostWeight: 1 });
    expect(lab.do(put('a', 'new'))).toMatchObject({ ok: true });
    lab.runFor(500_000);
    lab.do({ type: 'powerCut', member: 1 });
    lab.do({ type: 'start', member: 1 });
    lab.runFor(3_000_000);
    expect(lab.cluster.reach.syncsLied > 0).toBe(lying === 1);
    return valueOf(lab, 'a');
  };
  expect(lastAfter(0)).toBe('new');
  expect(lastAfter(1)).toBe('old');
});

test('a power cut keeps, loses or tears as it is told to', () => {
  const counts = (weights: object): { kept: number; lost: number; torn: number } => {
    const { lab } = electedLab(one);
    lab.do({ type: 'disk', member: 1, syncMinUs: 400_000, ...weights });
    for (let i = 0; i < 30; i++) lab.cluster.act(put(`k${i}`, 'v'.repeat(3000)));
    lab.runFor(600_000);
    lab.do({ type: 'powerCut', member: 1 });
    const { writesKept: kept, writesLost: lost, writesTorn: torn } = lab.cluster.reach;
    return { kept, lost, torn };
  };
  const [kept, lost, torn] = [{ keptWeight: 1 }, { lostWeight: 1 }, { tornWeight: 1 }].map(counts);
  expect(kept.kept).toBeGreaterThan(0);
  expect(lost.lost).toBeGreaterThan(0);
  expect(torn.torn).toBeGreaterThan(0);
  expect([kept.torn, lost.kept, lost.torn]).toEqual([0, 0, 0]);
});

/** What a single member says on its next start after bits of a zone have rotted; null: it runs. */
function startAfterRot(
  zone: RotZone,
  bits: number,
  page?: number,
): { halted: string | null; lab: Lab; told: Told[] } {
  const { lab, told } = electedLab({ ...one, snapshots });
  for (let i = 0; i < 120; i++) lab.cluster.act(put(`k${i}`, 'v'.repeat(200)));
  lab.runFor(3_000_000);
  for (const key of zone === 'meta' ? ['x', 'y'] : []) {
    // both meta pages are of commits behind the snapshot: either leads to a store that the log goes on from
    lab.do(put(key, 'v'));
    lab.runFor(500_000);
  }
  lab.do({ type: 'kill', member: 1 });
  const rot = { type: 'bitRot', member: 1, zone, bits } as const;
  expect(lab.do(page === undefined ? rot : { ...rot, page })).toBeNull();
  lab.do({ type: 'start', member: 1 });
  lab.runFor(3_000_000);
  return { halted: haltsOf(told)[0] ?? null, lab, told };
}

test('a rotten meta page is outvoted by the other; with both the store is damaged', () => {
  const single = startAfterRot('meta', 40, 0);
  expect(single.halted).toBeNull();
  expect(valueOf(single.lab, 'k119')).toBe('v'.repeat(200));
  single.lab.do({ type: 'kill', member: 1 });
  single.lab.do({ type: 'bitRot', member: 1, zone: 'meta', bits: 40, page: 1 });
  single.lab.do({ type: 'bitRot', member: 1, zone: 'meta', bits: 40, page: 0 });
  single.lab.do({ type: 'start', member: 1 });
  single.lab.runFor(1_000_000);
  expect(haltsOf(single.told)[0]).toContain('member/snap/db is damaged');
});

test('rot in the log is found at the start; a rotten snapshot is passed over, or found', () => {
  expect(startAfterRot('wal', 30).halted).toContain('member/wal is damaged');
  const { halted, lab, told } = startAfterRot('snapshot', 20);
  const [rotten] = eventsOf(told, 'sim.bitRot');
  expect(rotten.file).toMatch(/\.snap$/);
  expect(rotten.offsets.length).toBeGreaterThan(10);
  if (halted === null) expect(valueOf(lab, 'k119')).toBe('v'.repeat(200));
});

test('rot in pages of the store changes what is read, or stops the member; a page it has not is refused', () => {
  const branch = startAfterRot('branch', 200);
  const readable = branch.halted === null ? branch.lab.do({ type: 'get', key: 'k', prefix: true }) : null;
  const isWhole = readable?.ok === true && readable.type === 'get' && readable.kvs.length === 120;
  expect(isWhole).toBe(false);
  const { lab } = electedLab(one);
  const freelist = lab.do({ type: 'bitRot', member: 1, zone: 'freelist', bits: 1 });
  expect(freelist).toMatchObject({ code: 9, message: "m1's disk has no freelist page" });
  expect(lab.cluster.reach.bitsRotten).toBe(0);
});

test('a misdirected write leaves a store whose pages are not what their parents say', () => {
  const { lab, told } = electedLab(one);
  for (let i = 0; i < 60; i++) lab.cluster.act(put(`k${i}`, 'v'.repeat(400)));
  lab.runFor(1_000_000);
  lab.do({ type: 'misdirect', member: 1 });
  for (let i = 0; i < 30; i++) lab.cluster.act(put(`k${i}`, 'w'.repeat(400)));
  lab.runFor(1_000_000);
  const [, moved] = eventsOf(told, 'sim.misdirect');
  expect(moved.to).not.toBe(moved.offset);
  expect(lab.cluster.reach.misdirected).toBe(1);
  const page = (image: Uint8Array, at: number): string =>
    Buffer.from(image.subarray(at, at + 16)).toString('hex');
  const image = lab.cluster.files(1).get('member/snap/db') ?? new Uint8Array();
  expect(page(image, moved.to)).not.toBe(page(image, moved.offset));
});

test('everything that goes on ends at one word, and the cluster works', () => {
  const { lab, told, leader } = electedLab();
  const faults: Action[] = [
    { type: 'slowDisk', member: 1, factor: 50 },
    { type: 'disk', member: 2, stallPerMille: 500, stallUs: 400_000, lying: 1 },
    { type: 'diskError', member: 3, on: 'sync', code: 'EIO', lasts: 'always' },
    { type: 'slowCpu', member: 1, factor: 100 },
    { type: 'clockRate', member: 2, perMille: 3000 },
    { type: 'memoryLimit', member: 2, bytes: 10_000_000 },
    { type: 'crashPoint', member: 2, point: 'afterSync', nth: 1000, then: 'kill' },
    { type: 'link', from: 1, to: 2, extraDelayUs: 100_000, lossPerMille: 500, dropTypes: ['MsgHeartbeat'] },
    { type: 'flap', from: 1, to: 3, upUs: 100_000, downUs: 200_000 },
    { type: 'cut', from: 2, to: 3 },
    { type: 'pauseMember', member: leader },
  ];
  for (const fault of faults) expect(lab.do(fault)).toBeNull();
  lab.runFor(3_000_000);
  for (const member of [1, 2, 3])
    if (lab.cluster.memberStatus(member) === 'up') lab.do({ type: 'kill', member });
  expect(lab.do({ type: 'healEverything' })).toBeNull();
  lab.runFor(6_000_000);
  const before = told.length;
  expect(lab.do(put('k', 'after'))).toMatchObject({ ok: true });
  lab.runFor(1_000_000);
  for (const member of [1, 2, 3]) expect(lab.cluster.memberStatus(member)).toBe('up');
  expect(lab.cluster.networkCuts).toEqual([]);
  const after = told.slice(before).map(({ event }) => event.type as SimEvent['type']);
  for (const type of ['sim.drop', 'sim.cut', 'sim.stall', 'sim.diskError'] as const)
    expect(after).not.toContain(type);
});

test('faults of the configuration are there from the first moment on', () => {
  const faults: Action[] = [
    { type: 'disk', member: 2, stallPerMille: 1000, stallUs: 20_000 },
    { type: 'slowCpu', member: 1, factor: 5 },
  ];
  const world = { ...defaultWorld, faults: faults as LabAction[] };
  const { lab, told } = electedLab({ world });
  expect(lab.cluster.reach).toMatchObject({ slowCpus: 1, diskSettings: 1 });
  expect(lab.cluster.reach.stalls).toBeGreaterThan(0);
  expect(told.slice(0, 2).map(({ at, event }) => [at.timeUs, event.type])).toEqual([
    [0, 'sim.disk'],
    [0, 'sim.slowCpu'],
  ]);
  expect(lab.cluster.interventions).toEqual([]);
  const again = replay(clusterConfig({ world }), [], Member.boot, lab.cluster.moment);
  expect(again.cluster.chainHash).toBe(lab.cluster.chainHash);
});

test('a run with all of these faults has one chain hash: traced or not, and replayed', () => {
  const faults: Action[] = [
    { type: 'disk', member: 1, stallPerMille: 300, stallUs: 50_000, writeMeanUs: 500, misdirectPerMille: 5 },
    { type: 'slowCpu', member: 2, factor: 60 },
    { type: 'clockRate', member: 3, perMille: 1300 },
    { type: 'crashPoint', member: 1, point: 'duringSync', nth: 9, then: 'powerCut' },
    {
      type: 'link',
      from: 1,
      to: 2,
      extraDelayUs: 0,
      lossPerMille: 50,
      jitterUs: 9000,
      duplicatePerMille: 200,
      reorderPerMille: 200,
    },
    { type: 'flap', from: 2, to: 3, upUs: 300_000, downUs: 150_000 },
    { type: 'diskError', member: 2, on: 'write', code: 'EIO', lasts: 'once' },
    { type: 'keepImage', member: 3 },
  ];
  const run = (traced: boolean): Lab => {
    const lab = new Lab(Member.boot, { seed: 9, trace: traced ? recordingTrace() : noTrace });
    lab.runFor(3_000_000);
    for (const [i, fault] of faults.entries()) {
      lab.do(fault);
      for (let j = 0; j < 5; j++) lab.cluster.act(put(`k${i}-${j}`, 'v'.repeat(500)));
      lab.runFor(300_000);
    }
    lab.do({ type: 'restoreImage', member: 3 });
    lab.do({ type: 'bitRot', member: 3, zone: 'leaf', bits: 3 });
    lab.do({ type: 'healEverything' });
    lab.runFor(2_000_000);
    return lab;
  };
  const { cluster } = run(false);
  expect(run(true).cluster.chainHash).toBe(cluster.chainHash);
  const again = replay(clusterConfig({ seed: 9 }), cluster.interventions, Member.boot, cluster.moment);
  expect(again.cluster.chainHash).toBe(cluster.chainHash);
  expect(again.cluster.reach).toEqual(cluster.reach);
});
