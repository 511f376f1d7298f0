/** Slow disks, bad links and messages in a hand: what each does, and that a replay does the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyBytes } from '../../src/base/bytes.ts';
import { Member } from '../../src/engine/server/member.ts';
import { usualLink } from '../../src/sim/link-faults.ts';
import { replay } from '../../src/sim/run.ts';
import { Network } from '../../src/sim/network.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import { toyBoot } from './toy-member.ts';
import { clusterConfig, Lab, recordingTrace } from './worlds.ts';
import type { NodeId } from '../../src/engine/raft/types.ts';
import type { SimEvent } from '../../src/sim/events.ts';
import type { Departure, Transit } from '../../src/sim/network.ts';
import type { Action, LabEvent } from '../../src/sim/types.ts';
import type { Told } from './worlds.ts';

type Of<Type extends SimEvent['type']> = Extract<LabEvent, { type: Type }>;
const eventsOf = <Type extends SimEvent['type']>(told: readonly Told[], type: Type): Of<Type>[] =>
  told.map(({ event }) => event).filter((event): event is Of<Type> => event.type === type);

function leaderOf(told: readonly Told[]): number {
  const elected = told.filter(({ event }) => event.type === 'raft.becomeLeader');
  return elected[elected.length - 1].at.member;
}

/** A cluster of real members that has a leader. */
function electedLab(seed = 1): { lab: Lab; told: Told[]; leader: number; follower: number } {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { seed, trace });
  lab.runFor(3_000_000);
  const leader = leaderOf(trace.told);
  return { lab, told: trace.told, leader, follower: (leader % 3) + 1 };
}

const put = (value: string, member: number): Action => ({
  type: 'put',
  key: 'k',
  value,
  endpoints: [`m${member}`],
});

/** Virtual time from a put at the leader to its acknowledgement. */
function putTimeUs({ lab, leader }: ReturnType<typeof electedLab>, value: string): number {
  const from = lab.cluster.nowUs;
  expect(lab.do(put(value, leader))).toMatchObject({ ok: true });
  return lab.cluster.nowUs - from;
}

test('a slow disk of the leader costs time where a follower’s is outvoted, and loses nothing', () => {
  const world = electedLab();
  const usual = putTimeUs(world, 'usual');
  const { lab, leader, follower } = world;
  expect(lab.do({ type: 'slowDisk', member: follower, factor: 100 })).toBeNull();
  expect(putTimeUs(world, 'one follower slow')).toBeLessThan(usual * 4);
  for (const member of [1, 2, 3]) {
    if (member === follower) continue;
    expect(lab.do({ type: 'slowDisk', member, factor: 100 })).toBeNull();
  }
  expect(putTimeUs(world, 'all slow')).toBeGreaterThan(150_000);
  for (const member of [1, 2, 3]) lab.do({ type: 'powerCut', member });
  for (const member of [1, 2, 3]) lab.do({ type: 'restart', member });
  for (const member of [1, 2, 3]) lab.do({ type: 'slowDisk', member, factor: 1 });
  lab.runFor(6_000_000);
  const read = lab.do({ type: 'get', key: 'k' });
  expect(read).toMatchObject({ ok: true, kvs: [{ value: new TextEncoder().encode('all slow') }] });
  expect(lab.cluster.reach.slowDisks).toBe(3);
  expect(lab.cluster.reach.syncsSlowed).toBeGreaterThan(3);
  expect(eventsOf(world.told, 'sim.slowDisk').map(({ factor }) => factor)).toEqual([100, 100, 100, 1, 1, 1]);
  expect(leader).toBeGreaterThan(0);
});

test('a link’s delay and loss are for one direction and for what is sent from then on', () => {
  const { lab, told, leader, follower } = electedLab();
  const bad = { from: leader, to: follower, extraDelayUs: 40_000, lossPerMille: 0 };
  lab.do({ type: 'link', ...bad });
  const before = told.length;
  lab.runFor(1_000_000);
  const sent = eventsOf(told.slice(before), 'sim.send');
  const flight = ({ sentAt, deliverAt }: { sentAt: number; deliverAt: number }): number => deliverAt - sentAt;
  const there = sent.filter(({ from, to }) => from === leader && to === follower);
  expect(there.length).toBeGreaterThan(5);
  for (const send of there) expect(flight(send)).toBeGreaterThanOrEqual(41_000);
  for (const send of sent.filter((one) => !there.includes(one))) expect(flight(send)).toBeLessThan(41_000);
  lab.do({ type: 'healAll' });
  lab.runFor(100_000);
  const healed = told.length;
  lab.runFor(1_000_000);
  for (const send of eventsOf(told.slice(healed), 'sim.send')) expect(flight(send)).toBeLessThan(41_000);
  expect(lab.cluster.reach.delayedByLink).toBe(there.length);
  const zeros = { extraDelayUs: 0, lossPerMille: 0 };
  expect(eventsOf(told, 'sim.link')).toEqual([
    { type: 'sim.link', ...usualLink, ...bad },
    { type: 'sim.link', ...usualLink, ...bad, ...zeros },
  ]);
});

test('a link that loses all lets nothing through, one that loses some loses some', () => {
  const run = (lossPerMille: number): { sent: number; delivered: number; lost: number } => {
    const { lab, told, leader, follower } = electedLab();
    lab.do({ type: 'link', from: leader, to: follower, extraDelayUs: 0, lossPerMille });
    lab.runFor(20_000);
    const before = told.length;
    lab.runFor(8_000_000);
    const part = told.slice(before);
    const sent = eventsOf(part, 'sim.send').filter(({ from, to }) => from === leader && to === follower);
    const numbers = new Set(sent.map(({ message }) => message));
    const count = (events: { message: number }[]): number =>
      events.filter(({ message }) => numbers.has(message)).length;
    const lost = eventsOf(part, 'sim.drop').filter(({ because }) => because === 'loss');
    expect(lab.cluster.reach.lostByLink).toBeGreaterThanOrEqual(lost.length);
    return { sent: sent.length, delivered: count(eventsOf(part, 'sim.deliver')), lost: count(lost) };
  };
  const all = run(1000);
  expect(all.sent).toBeGreaterThan(10);
  expect(all.delivered).toBe(0);
  const some = run(300);
  expect(some.delivered).toBeGreaterThan(some.lost);
  expect(some.lost).toBeGreaterThan(0);
});

test('a bad link shifts no draw of the others: their delays stay the same', () => {
  const send = {
    to: 2 as NodeId,
    bytes: emptyBytes,
    messageType: 'MsgApp',
    term: 1,
    index: 1,
    entryCount: 0,
  };
  const departure: Departure = {
    from: 1,
    to: 2,
    send: { ...send, reject: false },
    sourceEpoch: 1,
    targetEpoch: 1,
    quiet: false,
  };
  const delays = (lossPerMille: number): number[] => {
    const network = new Network(defaultWorld.network, 1, 1);
    network.degrade(1, 2, { extraDelayUs: 0, lossPerMille });
    return Array.from({ length: 50 }, (_, i) => network.send(i * 9000, departure)[0].deliverAt);
  };
  expect(delays(500)).toEqual(delays(0));
});

/** A message of the log on its way between two members, and that link's later ones. */
function appendOnItsWay(world: ReturnType<typeof electedLab>): Of<'sim.send'> {
  const { lab, told, leader } = world;
  const before = told.length;
  lab.cluster.act(put('held', leader));
  const found = (): Of<'sim.send'> | undefined =>
    eventsOf(told.slice(before), 'sim.send').find(({ entryCount }) => entryCount > 0);
  lab.runUntil(() => found() !== undefined);
  return found() as Of<'sim.send'>;
}

test('a held message waits, and all behind it; let go, they arrive in the order they were sent', () => {
  const world = electedLab();
  const { lab, told } = world;
  const { message, from, to } = appendOnItsWay(world);
  lab.do({ type: 'message', message, do: 'hold' });
  const before = told.length;
  lab.runFor(500_000);
  const sentThere = eventsOf(told, 'sim.send').filter((send) => send.from === from && send.to === to);
  const behind = sentThere.map((send) => send.message).filter((one) => one > message);
  expect(behind.length).toBeGreaterThan(2);
  const delivered = (): number[] => eventsOf(told.slice(before), 'sim.deliver').map((one) => one.message);
  for (const one of [message, ...behind]) expect(delivered()).not.toContain(one);
  const held = eventsOf(told, 'sim.hold').map((one) => [one.message, one.because]);
  expect(held).toEqual([[message, 'command'], ...behind.map((one) => [one, 'behind'])]);
  lab.do({ type: 'message', message, do: 'deliver' });
  lab.runFor(2000);
  const late = new Set([message, ...behind]);
  expect(delivered().filter((one) => late.has(one))).toEqual([message, ...behind]);
  expect(lab.cluster.reach).toMatchObject({ messagesHeld: 1, messagesReleased: 1 });
  expect(lab.cluster.reach.messagesBehind).toBe(behind.length);
});

test('the put whose append is held to one follower commits with the other, and is there after it', () => {
  const world = electedLab();
  const { lab } = world;
  const { message, to } = appendOnItsWay(world);
  lab.do({ type: 'message', message, do: 'hold' });
  lab.runFor(300_000);
  expect([...lab.outcomes.values()]).toContainEqual(
    expect.objectContaining({ ok: true, type: 'put', revision: 2 }),
  );
  const local: Action = { type: 'get', key: 'k', serializable: true, endpoints: [`m${to}`] };
  expect(lab.do(local)).toMatchObject({ ok: true, count: 0 });
  lab.do({ type: 'healAll' });
  lab.runFor(1_500_000);
  expect(lab.do(local)).toMatchObject({ ok: true, count: 1 });
});

test('a message is dropped, delayed and sent twice by hand', () => {
  const outcomeOf = (
    deed: Action & { type: 'message' },
    world: ReturnType<typeof electedLab>,
  ): SimEvent[] => {
    const { lab, told } = world;
    expect(lab.do(deed)).toBeNull();
    lab.runFor(200_000);
    return told
      .map(({ event }) => event)
      .filter((event): event is Of<'sim.deliver' | 'sim.drop' | 'sim.release' | 'sim.hold'> =>
        ['sim.deliver', 'sim.drop', 'sim.release', 'sim.hold'].includes(event.type),
      )
      .filter((event) => event.message === deed.message);
  };
  const one = electedLab();
  const { message } = appendOnItsWay(one);
  expect(outcomeOf({ type: 'message', message, do: 'drop' }, one)).toEqual([
    { type: 'sim.drop', message, because: 'command' },
  ]);
  const two = electedLab();
  const send = appendOnItsWay(two);
  const deliverAt = send.deliverAt + 50_000;
  const delayed = { type: 'message', message, do: 'delay', delayUs: 50_000 } as const;
  expect(outcomeOf(delayed, two)).toEqual([
    { type: 'sim.release', message, because: 'command', deliverAt },
    { type: 'sim.deliver', message },
  ]);
  const arrived = two.told.find(({ event }) => event.type === 'sim.deliver' && event.message === message);
  expect(arrived?.at.timeUs).toBe(deliverAt);
  const three = electedLab();
  appendOnItsWay(three);
  const before = three.told.length;
  outcomeOf({ type: 'message', message, do: 'duplicate' }, three);
  const [copy] = eventsOf(three.told.slice(before), 'sim.send');
  expect(copy).toMatchObject({
    ...send,
    message: copy.message,
    sentAt: copy.sentAt,
    deliverAt: copy.deliverAt,
  });
  expect(three.lab.cluster.reach.messagesCopied).toBe(1);
});

test('a link keeps its order, whatever is held, delayed, dropped and let go', () => {
  const deeds = fc.array(
    fc.record({
      waitUs: fc.nat(900),
      pick: fc.nat(20),
      do: fc.constantFrom('hold' as const, 'delay' as const, 'release' as const, 'take' as const),
      sends: fc.nat(3),
    }),
    { maxLength: 25 },
  );
  const send = {
    to: 2 as NodeId,
    bytes: emptyBytes,
    messageType: 'MsgApp',
    term: 1,
    index: 1,
    entryCount: 0,
  };
  const link = { from: 1, to: 2, sourceEpoch: 1, targetEpoch: 1, quiet: false };
  const departure: Departure = { ...link, send: { ...send, reject: false } };
  fc.assert(
    fc.property(deeds, fc.nat(), (list, seed) => {
      const network = new Network(defaultWorld.network, seed, 1);
      let scheduled: Transit[] = [];
      const byHand = new Set<number>();
      const arrived: number[] = [];
      let nowUs = 0;
      const arriveUntil = (endUs: number): void => {
        for (;;) {
          const due = scheduled
            .map((transit, i) => ({ transit, i }))
            .filter(({ transit }) => network.isCurrent(transit) && transit.deliverAt <= endUs)
            .sort((a, b) => a.transit.deliverAt - b.transit.deliverAt || a.i - b.i)[0];
          if (due === undefined) return;
          arrived.push(due.transit.message);
          network.take(due.transit.deliverAt, due.transit);
        }
      };
      for (const step of list) {
        nowUs += step.waitUs;
        arriveUntil(nowUs);
        for (let i = 0; i < step.sends; i++) scheduled = [...scheduled, ...network.send(nowUs, departure)];
        const flight = network.find(step.pick);
        if (flight === null) continue;
        const { transit, waiting } = flight;
        if (step.do === 'hold' && waiting !== 'held') network.hold(transit);
        else if (step.do === 'delay' && waiting === 'no') scheduled.push(...network.delay(transit, 2000));
        else if (step.do === 'take') scheduled.push(...network.take(nowUs, transit));
        else if (step.do === 'release') {
          byHand.add(transit.message);
          scheduled.push(...network.release(nowUs, transit));
        }
      }
      for (const message of network.held) {
        const flight = network.find(message);
        if (flight !== null) byHand.add(message);
        if (flight !== null) scheduled.push(...network.release(nowUs, flight.transit));
      }
      arriveUntil(Infinity);
      const own = arrived.filter((message) => !byHand.has(message));
      expect(own).toEqual([...own].sort((a, b) => a - b));
      for (let message = 1; message <= 80; message++) expect(network.find(message)).toBeNull();
    }),
  );
});

test('faults that make no sense are refused with the reason', () => {
  const world = electedLab();
  const { lab } = world;
  const { message } = appendOnItsWay(world);
  const on = { type: 'message', message } as const;
  lab.do({ ...on, do: 'hold' });
  const link = { type: 'link', from: 1, to: 2, extraDelayUs: 0, lossPerMille: 0 } as const;
  const refusals: [Action, number, string][] = [
    [{ ...on, do: 'hold' }, 9, `message ${message} is held already`],
    [{ ...on, do: 'delay', delayUs: 5 }, 9, `message ${message} is held: deliver or drop it`],
    [{ ...on, do: 'delay' }, 3, 'a message is delayed by 1 microsecond to 10 seconds'],
    [{ ...on, do: 'drop', delayUs: 5 }, 3, 'delayUs is for a delay alone'],
    [{ type: 'message', message: 10 ** 9, do: 'drop' }, 9, 'message 1000000000 is not on its way'],
    [{ type: 'slowDisk', member: 2, factor: 1 }, 9, "m2's disk is not slow"],
    [{ type: 'slowDisk', member: 2, factor: 1001 }, 3, 'a disk is slowed 1 to 1000 times; 1 ends it'],
    [{ type: 'slowDisk', member: 2, factor: 1.5 }, 3, 'a disk is slowed 1 to 1000 times; 1 ends it'],
    [link, 9, 'the link from m1 to m2 is like that already'],
    [{ ...link, to: 1 }, 3, 'a link joins two different members'],
    [{ ...link, lossPerMille: 1001 }, 3, 'a link loses 0 to 1000 of a thousand messages'],
    [{ ...link, extraDelayUs: -1 }, 3, 'a link is delayed by 0 to 10 seconds'],
  ];
  for (const [one, code, text] of refusals) expect(lab.do(one)).toEqual({ ok: false, code, message: text });
});

test('a run with every new fault, done again from its seed and actions, has the same chain hash', () => {
  const member = fc.integer({ min: 1, max: 3 });
  const action: fc.Arbitrary<Action> = fc.oneof(
    fc.record({ type: fc.constant('slowDisk' as const), member, factor: fc.integer({ min: 1, max: 20 }) }),
    fc.record({
      type: fc.constant('link' as const),
      from: member,
      to: member,
      extraDelayUs: fc.nat(30_000),
      lossPerMille: fc.nat(1000),
    }),
    fc.record({
      type: fc.constant('message' as const),
      message: fc.integer({ min: 1, max: 60 }),
      do: fc.constantFrom('drop' as const, 'hold' as const, 'deliver' as const, 'duplicate' as const),
    }),
    member.map((one): Action => ({ type: 'restart', member: one })),
    fc.constant<Action>({ type: 'put', key: 'k', value: 'v' }),
    fc.constant<Action>({ type: 'healAll' }),
  );
  const script = fc.array(fc.tuple(fc.nat(60_000), action), { maxLength: 20 });
  fc.assert(
    fc.property(fc.nat(), script, (seed, steps) => {
      const lab = new Lab(toyBoot(), { seed });
      for (const [waitUs, one] of steps) {
        lab.runFor(waitUs);
        lab.cluster.act(one);
      }
      lab.runFor(1_000_000);
      const { cluster } = lab;
      const again = replay(clusterConfig({ seed }), cluster.interventions, toyBoot(), cluster.moment);
      expect([again.cluster.moment, again.cluster.chainHash]).toEqual([cluster.moment, cluster.chainHash]);
      expect(again.cluster.reach).toEqual(cluster.reach);
    }),
    { numRuns: 50 },
  );
});
