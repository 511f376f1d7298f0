/** The cluster's two halves with toy members: order, replays, faults and what they reach. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Cluster } from '../../src/sim/cluster.ts';
import { Members, replay } from '../../src/sim/run.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import { toyBoot } from './toy-member.ts';
import { clusterConfig, Lab, recordingTrace } from './worlds.ts';
import type { Action, ClientAction, MemberResult } from '../../src/sim/types.ts';

const member = fc.integer({ min: 1, max: 3 });
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.constant<Action>({ type: 'put', key: 'k', value: 'v' }),
  fc.constant<Action>({ type: 'get', key: 'k' }),
  fc.record({
    type: fc.constantFrom('kill', 'powerCut', 'restart', 'pauseMember', 'resumeMember', 'isolate'),
    member,
  }),
  fc.record({ type: fc.constantFrom('cut', 'heal'), from: member, to: member }),
  fc.constant<Action>({ type: 'healAll' }),
  member.map((one): Action => ({ type: 'storeFailed', member: one, code: 'ENOSPC' })),
);
const script = fc.array(fc.tuple(fc.nat(400_000), action), { maxLength: 15 });

function runScript(seed: number, steps: readonly (readonly [number, Action])[]): Lab {
  const lab = new Lab(toyBoot(), { seed });
  for (const [waitUs, one] of steps) {
    lab.runFor(waitUs);
    lab.cluster.act(one);
  }
  lab.runFor(6_000_000);
  return lab;
}

test('a recorded run, done again from its seed and actions, has the same chain hash', () => {
  fc.assert(
    fc.property(fc.nat(), script, (seed, steps) => {
      const { cluster } = runScript(seed, steps);
      const again = replay(clusterConfig({ seed }), cluster.interventions, toyBoot(), cluster.moment);
      expect([again.cluster.moment, again.cluster.chainHash]).toEqual([cluster.moment, cluster.chainHash]);
      expect(again.cluster.interventions).toEqual(cluster.interventions);
      expect(again.cluster.reach).toEqual(cluster.reach);
    }),
    { numRuns: 60 },
  );
});

test('results may come back in any order, and actions while a plan is out count after it', () => {
  const run = (arrange: (results: MemberResult[]) => MemberResult[]): Cluster => {
    // all members start at once and tick together, so that their steps share plans
    const world = { ...defaultWorld, startSpanUs: 0 };
    const cluster = new Cluster(clusterConfig({ world }));
    const members = new Members(toyBoot());
    let shared = 0;
    for (let i = 0; i < 400; i++) {
      const plan = cluster.plan();
      if (plan === null) break;
      if (plan.steps.length > 1) shared++;
      if (i % 40 === 20)
        cluster.act(i === 220 ? { type: 'kill', member: 2 } : { type: 'put', key: 'k', value: `${i}` });
      cluster.merge(plan, arrange(members.perform(plan)));
    }
    expect(shared).toBeGreaterThan(20);
    expect(cluster.memberStatus(2)).toBe('down');
    return cluster;
  };
  const straight = run((results) => results);
  expect(run((results) => [...results].reverse()).chainHash).toBe(straight.chainHash);
  const recorded = clusterConfig({ world: { ...defaultWorld, startSpanUs: 0 } });
  const again = replay(recorded, straight.interventions, toyBoot(), straight.moment);
  expect(again.cluster.chainHash).toBe(straight.chainHash);
});

test('what an input causes comes strictly later, and a start or stop is a plan of its own', () => {
  const cluster = new Cluster(clusterConfig());
  const members = new Members(toyBoot());
  let lastUs = -1;
  let lifecycles = 0;
  for (let i = 0; i < 300; i++) {
    if (i === 100) cluster.act({ type: 'restart', member: 1 });
    const acted = i === 100 || i === 101 || i === 102;
    const plan = cluster.plan();
    if (plan === null) break;
    expect(plan.timeUs > lastUs || acted).toBe(true);
    lastUs = plan.timeUs;
    if (plan.lifecycle !== null) {
      lifecycles++;
      expect(plan.steps).toEqual([]);
    }
    const before = cluster.moment;
    cluster.merge(plan, members.perform(plan));
    expect(cluster.nextTimeUs).toBeGreaterThanOrEqual(plan.timeUs);
    expect(cluster.moment).toBe(before);
  }
  // three starts, one stop, one start again
  expect(lifecycles).toBe(5);
});

test('the stores that a plan waits for are known before it is taken', () => {
  const cluster = new Cluster(clusterConfig());
  const members = new Members(toyBoot());
  for (let i = 0; i < 5; i++)
    cluster.act({ type: 'put', key: 'k', value: `${i}`, endpoints: [`m${(i % 3) + 1}`] });
  let gateCount = 0;
  for (let i = 0; i < 200; i++) {
    const due = cluster.dueGates;
    const plan = cluster.plan();
    if (plan === null) break;
    gateCount += plan.gates.length;
    if (plan.lifecycle === null) expect(due).toEqual(plan.gates);
    cluster.merge(plan, members.perform(plan));
  }
  expect(gateCount).toBe(5);
});

test('every fault that is done is seen to have fired; one that meets nothing is seen not to', () => {
  const faults = { loss: { of: 1, outOf: 5 }, duplicate: { of: 1, outOf: 5 } };
  const world = { ...defaultWorld, network: { ...defaultWorld.network, ...faults } };
  const lab = new Lab(toyBoot(), { world });
  lab.runFor(1_000_000);
  expect(lab.cluster.reach.droppedByCut).toBe(0);
  lab.do({ type: 'isolate', member: 1 });
  lab.runFor(1_000_000);
  lab.do({ type: 'healAll' });
  lab.do({ type: 'pauseMember', member: 2 });
  lab.runFor(1_000_000);
  lab.do({ type: 'resumeMember', member: 2 });
  lab.do({ type: 'kill', member: 3 });
  lab.runFor(1_000_000);
  lab.do({ type: 'restart', member: 3 });
  lab.do({ type: 'powerCut', member: 3 });
  expect(lab.cluster.reach).toMatchObject({
    cuts: 4,
    heals: 4,
    pauses: 1,
    kills: 1,
    restarts: 1,
    powerCuts: 1,
  });
  const { droppedByCut, droppedByDown, droppedByLoss, duplicated, inputsHeld } = lab.cluster.reach;
  for (const count of [droppedByCut, droppedByDown, droppedByLoss, duplicated, inputsHeld]) {
    expect(count).toBeGreaterThan(0);
  }
  // canary: no client ever wrote, so the power cut had nothing to tear
  const { writesKept, writesLost, writesTorn } = lab.cluster.reach;
  expect(writesKept + writesLost + writesTorn).toBe(0);
});

test('a fault that makes no sense now is an error that says why', () => {
  const lab = new Lab(toyBoot());
  lab.runFor(100_000);
  lab.do({ type: 'kill', member: 1 });
  const refusals: [Action, number, string][] = [
    [{ type: 'kill', member: 1 }, 9, 'm1 is not running'],
    [{ type: 'kill', member: 4 }, 3, 'there is no member 4: members are 1 to 3'],
    [{ type: 'pauseMember', member: 1 }, 9, 'm1 is down, not running'],
    [{ type: 'resumeMember', member: 2 }, 9, 'm2 is not paused'],
    [{ type: 'cut', from: 2, to: 2 }, 3, 'a link joins two different members'],
    [{ type: 'heal', from: 1, to: 2 }, 9, 'the link from m1 to m2 is not cut'],
    [{ type: 'storeFailed', member: 2, code: 'EIO' }, 9, 'm2 has no sync under way'],
  ];
  for (const [one, code, message] of refusals) expect(lab.do(one)).toEqual({ ok: false, code, message });
});

test('a failed store ends the sync with its error, and the member that stops for it is halted', () => {
  const lab = new Lab(toyBoot());
  lab.runFor(100_000);
  lab.cluster.act({ type: 'put', key: 'k', value: 'lost', endpoints: ['m1'] });
  lab.runUntil(() => lab.cluster.inFlight.syncs === 1);
  lab.do({ type: 'storeFailed', member: 1, code: 'ENOSPC' });
  lab.runFor(1000);
  expect(lab.cluster.memberStatus(1)).toBe('halted');
  expect(lab.cluster.inFlight.syncs).toBe(0);
  lab.do({ type: 'restart', member: 1 });
  lab.runFor(1000);
  expect(lab.cluster.memberStatus(1)).toBe('up');
});

test('events have rising envelopes: a member its own from 0, the world from 65536', () => {
  const trace = recordingTrace();
  const lab = new Lab(toyBoot(), { trace });
  lab.cluster.act({ type: 'put', key: 'k', value: 'v' });
  lab.runFor(2_000_000);
  lab.do({ type: 'kill', member: 2 });
  lab.runFor(2_000_000);
  const ids = trace.told.map(({ at }) => at.moment * 2 ** 20 + at.ordinal);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  expect(new Set(ids).size).toBe(ids.length);
  for (const { at, event } of trace.told) expect(at.ordinal >= 65536).toBe(event.type.startsWith('sim.'));
  const sent = trace.told.flatMap(({ event }) => (event.type === 'sim.send' ? [event.message] : []));
  const ended = trace.told.flatMap(({ event }) =>
    event.type === 'sim.deliver' || event.type === 'sim.drop' ? [event.message] : [],
  );
  expect(new Set(ended).size).toBe(ended.length);
  expect(sent.length - ended.length).toBeLessThan(4);
});

test('a stored lab that is opened again starts its processes under new epochs and draws anew', () => {
  const put: ClientAction = { type: 'put', key: 'k', value: 'v'.repeat(40), endpoints: ['m1'] };
  const first = new Lab(toyBoot());
  first.runFor(100_000);
  expect(first.do(put)).toMatchObject({ ok: true });
  const images = [1, 2, 3].map((one) => first.cluster.durable(one));
  const trace = recordingTrace();
  const second = new Lab(toyBoot(), { images, boot: 2, startUs: first.cluster.nowUs, trace });
  second.runFor(100_000);
  expect(second.cluster.files(1).get('log')?.length).toBe(40);
  const epochs = trace.told.flatMap(({ event }) => (event.type === 'sim.start' ? [event.epoch] : []));
  expect(epochs).toEqual([1_000_001, 1_000_001, 1_000_001]);
});
