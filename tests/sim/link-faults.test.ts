/** What links do to messages: jitter, copies, disorder, queues, filters, flapping. */
import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { Network } from '../../src/sim/network.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import { Lab, recordingTrace } from './worlds.ts';
import type { NodeId } from '../../src/engine/raft/types.ts';
import type { LinkSettings } from '../../src/sim/fault-types.ts';
import type { Departure, Transit } from '../../src/sim/network.ts';
import type { LabEvent } from '../../src/sim/types.ts';

const send = {
  ...{ to: 2 as NodeId, bytes: new Uint8Array(1000), messageType: 'MsgApp' },
  ...{ term: 1, index: 1, entryCount: 0, reject: false },
};
const departure: Departure = { from: 1, to: 2, send, sourceEpoch: 1, targetEpoch: 1, quiet: false };

function transits(settings: Partial<LinkSettings>, count = 2000, everyUs = 5000): Transit[] {
  const network = new Network(defaultWorld.network, 1, 1);
  network.degrade(1, 2, settings);
  return Array.from({ length: count }, (_, i) => network.send(i * everyUs, departure)).flat();
}

const flightUs = ({ sentAt, deliverAt }: Transit): number => deliverAt - sentAt;

test('jitter adds its mean and keeps the order; it shifts no draw of the link’s own delays', () => {
  const usual = transits({});
  const jittered = transits({ jitterUs: 2000 }, 2000, 100_000);
  const mean = (all: Transit[]): number => all.reduce((sum, one) => sum + flightUs(one), 0) / all.length;
  expect(mean(jittered) - mean(usual)).toBeGreaterThan(1800);
  expect(mean(jittered) - mean(usual)).toBeLessThan(2200);
  const crowded = transits({ jitterUs: 50_000 });
  crowded.forEach((one, i) => expect(i === 0 || one.deliverAt >= crowded[i - 1].deliverAt).toBe(true));
  const duplicated = transits({ duplicatePerMille: 300 }).filter(({ isLoose }) => isLoose !== true);
  expect(duplicated.map(({ deliverAt }) => deliverAt)).toEqual(usual.map(({ deliverAt }) => deliverAt));
});

test('copies and overtaken messages come at their rates, and only they leave the order', () => {
  const copies = transits({ duplicatePerMille: 300 }).length - 2000;
  expect(copies).toBeGreaterThan(520);
  expect(copies).toBeLessThan(680);
  const mixed = transits({ reorderPerMille: 200 });
  expect(mixed).toHaveLength(2000);
  const loose = mixed.filter(({ isLoose }) => isLoose === true);
  expect(loose.length).toBeGreaterThan(330);
  expect(loose.length).toBeLessThan(470);
  const arrivals = mixed.map(({ deliverAt }) => deliverAt);
  expect(arrivals).not.toEqual([...arrivals].sort((a, b) => a - b));
  const rest = mixed.filter(({ isLoose }) => isLoose !== true).map(({ deliverAt }) => deliverAt);
  expect(rest).toEqual([...rest].sort((a, b) => a - b));
});

test('of a proposal that is handed on there is never a copy', () => {
  const network = new Network(defaultWorld.network, 1, 1);
  network.degrade(1, 2, { duplicatePerMille: 1000 });
  const handedOn = { ...departure, send: { ...send, messageType: 'MsgProp' } };
  expect(network.send(0, handedOn)).toHaveLength(1);
  expect(network.send(0, departure)).toHaveLength(2);
});

test('a narrow link carries its bytes one after the other; what its queue has no room for is dropped', () => {
  const slow = transits({ bytesPerSecond: 100_000 }, 20, 1000);
  // a message of 1000 bytes takes ten milliseconds
  expect(flightUs(slow[19])).toBeGreaterThan(20 * 10_000 - 19 * 1000);
  const short = transits({ bytesPerSecond: 100_000, queueBytes: 5000 }, 100, 1000);
  const dropped = short.filter(({ lost }) => lost === 'queue').length;
  expect(dropped).toBeGreaterThan(80);
  expect(Math.max(...short.filter(({ lost }) => lost === null).map(flightUs))).toBeLessThan(60_000);
});

test('a bit turns on the way at its rate, and the message is thrown away where it arrives', () => {
  const network = new Network(defaultWorld.network, 1, 1);
  network.degrade(1, 2, { corruptPerMille: 200 });
  const all = Array.from({ length: 2000 }, (_, i) => network.send(i * 5000, departure)).flat();
  const turned = all.filter((one) => one.send.bytes.some((byte) => byte !== 0));
  expect(turned.length).toBeGreaterThan(330);
  expect(turned.length).toBeLessThan(470);
  for (const one of all) expect(network.fate(one, 1)).toBe(turned.includes(one) ? 'corrupt' : null);
  expect(send.bytes.every((byte) => byte === 0)).toBe(true);
});

test('a filter takes its types and no others', () => {
  expect(transits({ dropTypes: ['MsgApp'] }, 5).map(({ lost }) => lost)).toEqual(Array(5).fill('filter'));
  expect(transits({ dropTypes: ['MsgVote'] }, 5).map(({ lost }) => lost)).toEqual(Array(5).fill(null));
});

test('a link that clogs holds what is sent for a while that is drawn, then lets it go in its order', () => {
  const clogged = transits({ clogPerMille: 20, clogMeanUs: 60_000 });
  const usual = transits({});
  const waits = clogged.map((one, i) => one.deliverAt - usual[i].deliverAt);
  clogged.forEach((one, i) => expect(i === 0 || one.deliverAt >= clogged[i - 1].deliverAt).toBe(true));
  // one in 50 begins a clog of 60 ms on average, in which 12 others come: about one in five waits
  const waiting = waits.filter((us) => us > 0).length;
  expect(waiting).toBeGreaterThan(250);
  expect(waiting).toBeLessThan(700);
  expect(Math.max(...waits)).toBeGreaterThan(120_000);
  // between two clogs it is as usual, and no draw of its own delays was shifted
  expect(waits.filter((us) => us === 0).length).toBeGreaterThan(1200);
});

test('clogs are told and counted, and what waits for one goes on at once where it is ended', () => {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { seed: 5, trace });
  lab.runFor(3_000_000);
  const clog = { type: 'link', from: 1, to: 2, extraDelayUs: 0, lossPerMille: 0 } as const;
  expect(lab.do({ ...clog, clogPerMille: 1001 })).toMatchObject({ code: 3 });
  expect(lab.do({ ...clog, clogPerMille: 5 })).toMatchObject({
    message: 'a link clogs for a microsecond to 10 seconds on average',
  });
  const quiet = lab.cluster.reach.clogs;
  expect(lab.do({ ...clog, clogPerMille: 1000, clogMeanUs: 10_000_000 })).toBeNull();
  lab.runFor(400_000);
  const { reach } = lab.cluster;
  expect([quiet, reach.clogs]).toEqual([0, 1]);
  expect(reach.clogged).toBeGreaterThan(1);
  const told = trace.told.flatMap(({ event }) => (event.type === 'sim.clog' ? [event] : []));
  expect(told).toMatchObject([{ from: 1, to: 2 }]);
  expect(told[0].clogUs).toBeGreaterThan(500_000);
  const arrived = (): number =>
    trace.told.filter(({ at, event }) => event.type === 'sim.deliver' && at.member === 2).length;
  const before = arrived();
  expect(lab.do(clog)).toBeNull();
  lab.runFor(20_000);
  expect(arrived() - before).toBeGreaterThanOrEqual(reach.clogged);
});

test('a cluster keeps what it acknowledged over links that do all of it, and each is counted', () => {
  const lab = new Lab(Member.boot, { seed: 3 });
  lab.runFor(3_000_000);
  const bad = {
    ...{ extraDelayUs: 1000, lossPerMille: 30, jitterUs: 10_000, duplicatePerMille: 200 },
    ...{
      corruptPerMille: 30,
      reorderPerMille: 200,
      bytesPerSecond: 20_000,
      queueBytes: 1200,
      dropTypes: ['MsgReadIndex'],
    },
    ...{ clogPerMille: 20, clogMeanUs: 30_000 },
  };
  for (const from of [1, 2, 3]) {
    for (const to of [1, 2, 3]) if (from !== to) lab.do({ type: 'link', from, to, ...bad });
  }
  const ids = Array.from({ length: 100 }, (_, i) => {
    const id = lab.cluster.act({ type: 'put', key: `k${i}`, value: 'v'.repeat(300) });
    lab.runFor(50_000);
    return id;
  });
  lab.do({ type: 'healEverything' });
  lab.runFor(6_000_000);
  const { reach } = lab.cluster;
  const names = [
    'jittered',
    'duplicatedByLink',
    'overtaken',
    'droppedByQueue',
    'lostByLink',
    'droppedCorrupt',
    'clogs',
    'clogged',
  ] as const;
  for (const name of names) {
    expect([name, reach[name]]).not.toEqual([name, 0]);
  }
  for (const member of [1, 2, 3]) {
    const read = lab.do({
      type: 'get',
      key: 'k',
      prefix: true,
      serializable: true,
      endpoints: [`m${member}`],
    });
    if (read?.ok !== true || read.type !== 'get') throw new Error('no answer');
    const found = new Set(read.kvs.map(({ key }) => new TextDecoder().decode(key)));
    ids.forEach((id, i) => expect(lab.outcomes.get(id)?.ok !== true || found.has(`k${i}`)).toBe(true));
  }
});

test('a link flaps with its period until it is told to stop, whole', () => {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { trace });
  lab.runFor(3_000_000);
  const from = lab.cluster.nowUs;
  expect(lab.do({ type: 'flap', from: 1, to: 2, upUs: 300_000, downUs: 200_000 })).toBeNull();
  lab.runFor(2_450_000);
  const turns = trace.told.filter(({ event }) => event.type === 'sim.cut' || event.type === 'sim.heal');
  const told = turns.map(({ at, event }) => [event.type as LabEvent['type'], at.timeUs - from]);
  expect(told.slice(0, 4)).toEqual([
    ['sim.cut', 0],
    ['sim.heal', 200_000],
    ['sim.cut', 500_000],
    ['sim.heal', 700_000],
  ]);
  expect(lab.cluster.reach.flapTurns).toBe(told.length);
  expect(lab.do({ type: 'flap', from: 1, to: 2, upUs: 0, downUs: 0 })).toBeNull();
  const before = trace.told.length;
  lab.runFor(2_000_000);
  expect(trace.told.slice(before).some(({ event }) => event.type === 'sim.cut')).toBe(false);
  expect(lab.cluster.networkCuts).toEqual([]);
  expect(lab.do({ type: 'flap', from: 1, to: 2, upUs: 0, downUs: 0 })).toMatchObject({ code: 9 });
  expect(lab.do({ type: 'flap', from: 1, to: 2, upUs: 10, downUs: 0 })).toMatchObject({ code: 3 });
});
