/** The swarm's schedules: drawn from the seed alone, each kind by itself, damage on a minority. */
import { expect, test } from 'vitest';
import { parseCommand } from '../../src/host/commands.ts';
import { actionProblem } from '../../src/sim/actions.ts';
import { faultKinds, swarmKinds, swarmSchedule } from '../../src/sim/swarm.ts';

const virtualUs = 60_000_000;
const seeds = Array.from({ length: 60 }, (_, i) => i + 1);

test('a seed has one schedule, ascending and within its time', () => {
  for (const seed of seeds) {
    const options = { members: 3, faults: faultKinds, virtualUs };
    const schedule = swarmSchedule(seed, options);
    expect(swarmSchedule(seed, options)).toEqual(schedule);
    const times = schedule.map(({ atUs }) => atUs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.every((atUs) => atUs >= 0 && atUs < virtualUs)).toBe(true);
    expect(schedule.length).toBeGreaterThan(0);
  }
});

test('every kind is on in about half of the seeds, and does something there', () => {
  for (const kind of faultKinds) {
    const on = seeds.filter((seed) => swarmKinds(seed, { faults: faultKinds, beyond: true }).includes(kind));
    expect(on.length).toBeGreaterThan(15);
    expect(on.length).toBeLessThan(45);
    const options = { members: 3, faults: [kind], virtualUs, beyond: true };
    expect(seeds.some((seed) => swarmSchedule(seed, options).length > 0)).toBe(true);
  }
});

test('a kind that is left out shifts nothing of the others', () => {
  const [first, ...rest] = faultKinds;
  for (const seed of seeds) {
    const on = swarmKinds(seed, { faults: faultKinds });
    if (!on.includes(first) || on.length === 1) continue;
    const whole = swarmSchedule(seed, { members: 5, faults: faultKinds, virtualUs });
    const part = swarmSchedule(seed, { members: 5, faults: rest, virtualUs });
    const kept = new Set(whole.map((item) => JSON.stringify(item)));
    for (const item of part) expect(kept.has(JSON.stringify(item))).toBe(true);
  }
});

test('files are damaged on a minority, whose log nobody needs; what Raft cannot survive is left out', () => {
  for (const seed of seeds) {
    const schedule = swarmSchedule(seed, { members: 5, faults: faultKinds, virtualUs });
    const rotten = schedule.flatMap(({ action }) => (action.type === 'bitRot' ? [action.member] : []));
    expect(new Set(rotten).size).toBeLessThanOrEqual(2);
    const types = schedule.map(({ action }) => action.type);
    for (const type of ['wipe', 'restoreImage', 'misdirect', 'loseFiles']) expect(types).not.toContain(type);
    const lies = schedule.some(({ action }) => action.type === 'disk' && action.lying === 1);
    expect(lies).toBe(false);
  }
  const beyond = seeds.flatMap((seed) =>
    swarmSchedule(seed, { members: 3, faults: faultKinds, virtualUs, beyond: true }),
  );
  const types = beyond.map(({ action }) => action.type);
  for (const type of ['wipe', 'restoreImage', 'misdirect', 'loseFiles']) expect(types).toContain(type);
});

test('a voter that nobody starts is added where no files are damaged, and leases are left out where clocks are', () => {
  const added = seeds.map((seed) => {
    const options = { members: 5, faults: faultKinds, virtualUs };
    const schedule = swarmSchedule(seed, options);
    const has = (type: string): boolean => schedule.some(({ action }) => action.type === type);
    if (has('memberAdd')) expect(has('bitRot')).toBe(false);
    const clocks = ['clockRate', 'clockStep', 'clockSwing'].some(has);
    const leases = schedule.some(({ action }) => action.type === 'load' && action.kind === 'leases');
    expect(clocks && leases).toBe(false);
    return has('memberAdd');
  });
  expect(added).toContain(true);
});

test('every action of a schedule makes sense to the world and to the commands', () => {
  for (const seed of seeds) {
    for (const { action } of swarmSchedule(seed, {
      members: 3,
      faults: faultKinds,
      virtualUs,
      beyond: true,
    })) {
      expect(actionProblem(action, [1, 2, 3])).toBeNull();
      expect(parseCommand(action)).toEqual({ ok: true, action });
    }
  }
});
