/** Clocks that are set ahead or swing, and pages of the store that go astray. */
import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { Lab, recordingTrace } from './worlds.ts';
import type { Action, ClusterConfig, LabEvent } from '../../src/sim/types.ts';
import type { Told } from './worlds.ts';

type Of<Type extends LabEvent['type']> = Extract<LabEvent, { type: Type }>;
const eventsOf = <Type extends LabEvent['type']>(told: readonly Told[], type: Type): Of<Type>[] =>
  told.map(({ event }) => event).filter((event): event is Of<Type> => event.type === type);

function electedLab(changes: Partial<ClusterConfig> = {}): { lab: Lab; told: Told[] } {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { trace, ...changes });
  lab.runFor(3_000_000);
  return { lab, told: trace.told };
}

const one: Partial<ClusterConfig> = { memberCount: 1 };
const put = (key: string, value: string): Action => ({ type: 'put', key, value });

test('a clock that is set ahead lets a lease of its leader end at once, and is never set back', () => {
  const { lab, told } = electedLab(one);
  lab.do({ type: 'leaseGrant', ttl: 20, id: '77' });
  expect(lab.do({ type: 'clockStep', member: 1, aheadUs: 30_000_000 })).toBeNull();
  lab.runFor(1_500_000);
  expect(eventsOf(told, 'lease.expire')).toHaveLength(1);
  expect(lab.do({ type: 'clockStep', member: 1, aheadUs: 0 })).toMatchObject({ code: 3 });
  lab.do({ type: 'healEverything' });
  const [set] = eventsOf(told, 'sim.clockStep');
  expect(set.clockUs).toBeGreaterThan(30_000_000);
  expect(lab.cluster.reach.clockSteps).toBe(1);
});

test.each(['periodic', 'random'] as const)(
  'a clock that swings (%s) turns twice a period, until it is as usual',
  (shape) => {
    const { lab, told } = electedLab();
    const swing = { type: 'clockSwing', member: 2, periodUs: 200_000, shape } as const;
    expect(lab.do({ ...swing, perMille: 0 })).toMatchObject({ message: "m2's clock does not swing" });
    expect(lab.do({ ...swing, perMille: 300 })).toBeNull();
    lab.runFor(1_000_000);
    const rates = eventsOf(told, 'sim.clockRate').map(({ perMille }) => perMille);
    expect(rates.length).toBeGreaterThanOrEqual(10);
    expect(rates.every((rate) => rate >= 700 && rate <= 1300)).toBe(true);
    expect(new Set(rates).size === 2).toBe(shape === 'periodic');
    expect(lab.do({ ...swing, perMille: 300 })).toMatchObject({ code: 9 });
    expect(lab.do({ type: 'clockRate', member: 2, perMille: 1000 })).toBeNull();
    const turns = lab.cluster.reach.clockTurns;
    lab.runFor(1_000_000);
    expect(lab.cluster.reach.clockTurns).toBe(turns);
    expect(eventsOf(told, 'sim.clockSwing').at(-1)).toMatchObject({ perMille: 0 });
  },
);

test('a page that is lost keeps what it held, and one that is misread is whole on the disk', () => {
  const { lab, told } = electedLab(one);
  for (let i = 0; i < 60; i++) lab.cluster.act(put(`k${i}`, 'v'.repeat(400)));
  lab.runFor(1_000_000);
  const store = (): Uint8Array => (lab.cluster.files(1).get('member/snap/db') ?? new Uint8Array()).slice();
  lab.do({ type: 'misdirect', member: 1, how: 'lose' });
  const before = store();
  lab.cluster.act(put('k1', 'w'.repeat(400)));
  lab.runFor(1_000_000);
  const [, lost] = eventsOf(told, 'sim.misdirect');
  expect(lost).toMatchObject({ how: 'lose', to: lost.offset });
  const pageAt = (image: Uint8Array, at: number) =>
    Buffer.from(image.subarray(at, at + 4096)).toString('hex');
  expect(pageAt(store(), lost.offset)).toBe(pageAt(before, lost.offset));
  lab.do({ type: 'kill', member: 1 });
  lab.do({ type: 'misdirect', member: 1, how: 'read' });
  const whole = store();
  lab.do({ type: 'start', member: 1 });
  lab.runFor(10_000);
  const misread = eventsOf(told, 'sim.misdirect').at(-1);
  expect(misread?.how).toBe('read');
  expect(misread?.to).not.toBe(misread?.offset);
  expect(Buffer.compare(store().subarray(8192, whole.length), whole.subarray(8192))).toBe(0);
  expect(lab.cluster.reach).toMatchObject({ pagesLost: 1, misread: 1, misdirected: 0 });
});
