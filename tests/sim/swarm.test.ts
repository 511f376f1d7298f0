/** The swarm's schedules: drawn from the seed alone, each kind by itself, damage on a minority. */
import { expect, test } from 'vitest';
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
    const on = seeds.filter((seed) => swarmKinds(seed, faultKinds).includes(kind));
    expect(on.length).toBeGreaterThan(15);
    expect(on.length).toBeLessThan(45);
    const options = { members: 3, faults: [kind], virtualUs, beyond: true };
    expect(seeds.some((seed) => swarmSchedule(seed, options).length > 0)).toBe(true);
  }
});

test('a kind that is left out shifts nothing of the others', () => {
  const [first, ...rest] = faultKinds;
  for (const seed of seeds) {
    const on = swarmKinds(seed, faultKinds);
    if (!on.includes(first) || on.length === 1) continue;
    const whole = swarmSchedule(seed, { members: 5, faults: faultKinds, virtualUs });
    const part = swarmSchedule(seed, { members: 5, faults: rest, virtualUs });
    const kept = new Set(whole.map((item) => JSON.stringify(item)));
    for (const item of part) expect(kept.has(JSON.stringify(item))).toBe(true);
  }
});
