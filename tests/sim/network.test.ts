/** Links between members: order, cuts, loss, duplicates; and the queue under them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyBytes } from '../../src/base/bytes.ts';
import type { NodeId } from '../../src/engine/raft/types.ts';
import { stream } from '../../src/base/prng.ts';
import { drawDelay } from '../../src/sim/delay.ts';
import { Network } from '../../src/sim/network.ts';
import { EventQueue } from '../../src/sim/queue.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import type { Departure, Transit } from '../../src/sim/network.ts';
import type { NetworkConfig } from '../../src/sim/world-config.ts';

const send = {
  to: 2 as NodeId,
  bytes: emptyBytes,
  messageType: 'MsgApp',
  term: 1,
  index: 1,
  entryCount: 0,
  reject: false,
};
const departure: Departure = { from: 1, to: 2, send, sourceEpoch: 1, targetEpoch: 1, quiet: false };
const network = (changes: Partial<NetworkConfig> = {}, seed = 1): Network =>
  new Network({ ...defaultWorld.network, ...changes }, seed, 1);

function sendMany(net: Network, count: number): Transit[] {
  return Array.from({ length: count }, (_, i) => net.send(i * 50, departure)).flat();
}

test('events leave the queue by time, those of one time in the order they came', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const queue = new EventQueue<number>();
      times.forEach((time, i) => queue.push(time, i));
      const left = times.map(() => queue.pop()?.event);
      expect(queue.pop()).toBeUndefined();
      expect(left).toEqual(times.map((_, i) => i).sort((a, b) => times[a] - times[b] || a - b));
    }),
  );
});

test('delays are whole microseconds of a minimum and an exponential excess with its mean', () => {
  const draws = stream(3, 'delay');
  const delays = Array.from({ length: 20_000 }, () => drawDelay(draws, { minUs: 1000, meanUs: 600 }));
  expect(delays.every((delay) => Number.isInteger(delay) && delay >= 1000)).toBe(true);
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
  expect(mean).toBeGreaterThan(1580);
  expect(mean).toBeLessThan(1620);
  const beyond = (means: number): number => delays.filter((delay) => delay > 1000 + 600 * means).length;
  // e^-1 and e^-5 of 20,000
  expect(beyond(1)).toBeGreaterThan(7000);
  expect(beyond(1)).toBeLessThan(7700);
  expect(beyond(5)).toBeGreaterThan(90);
  expect(beyond(5)).toBeLessThan(190);
});

test('messages of one link arrive in the order they were sent, unless the network is unordered', () => {
  const isOrdered = (net: Network): boolean =>
    sendMany(net, 200).every(({ deliverAt }, i, all) => i === 0 || deliverAt >= all[i - 1].deliverAt);
  expect(isOrdered(network())).toBe(true);
  expect(isOrdered(network({ ordered: false }))).toBe(false);
});

test('a cut loses what is on its way and what is sent while it lasts, in that direction only', () => {
  const net = network();
  const [before] = net.send(0, departure);
  const [back] = net.send(0, { ...departure, from: 2, to: 1 });
  expect(net.cut(1, 2)).toBe(true);
  expect(net.cut(1, 2)).toBe(false);
  const [during] = net.send(10, departure);
  expect(net.cuts).toEqual([{ from: 1, to: 2 }]);
  expect(net.fate(before, 1)).toBe('cut');
  net.heal(1, 2);
  const [after] = net.send(20, departure);
  expect([before, during, after, back].map((transit) => net.fate(transit, 1))).toEqual([
    'cut',
    'cut',
    null,
    null,
  ]);
});

test('a message is for the process that was there when it left', () => {
  const net = network();
  const [transit] = net.send(0, departure);
  expect([0, 1, 2].map((epoch) => net.fate(transit, epoch))).toEqual(['down', null, 'down']);
});

test('loss and duplicates happen at their rates and shift no delay', () => {
  const plain = sendMany(network(), 3000);
  const lossy = sendMany(network({ loss: { of: 1, outOf: 10 } }), 3000);
  expect(lossy.map(({ deliverAt }) => deliverAt)).toEqual(plain.map(({ deliverAt }) => deliverAt));
  const lost = lossy.filter(({ lost }) => lost).length;
  expect(lost).toBeGreaterThan(230);
  expect(lost).toBeLessThan(370);
  const doubled = sendMany(network({ duplicate: { of: 1, outOf: 10 } }), 3000).length - 3000;
  expect(doubled).toBeGreaterThan(230);
  expect(doubled).toBeLessThan(370);
});
