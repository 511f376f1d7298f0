/** The chain hash sees what it must: the canaries are planted faults that have to change it. */
import { expect, test } from 'vitest';
import { stream } from '../../src/base/prng.ts';
import { ChainHash } from '../../src/sim/chain-hash.ts';
import { Cluster } from '../../src/sim/cluster.ts';
import { runSync } from '../../src/sim/run.ts';
import { toyBoot } from './toy-member.ts';
import { clusterConfig, recordingTrace } from './worlds.ts';
import type { HashedInput } from '../../src/sim/chain-hash.ts';
import type { ToyOptions } from './toy-member.ts';
import type { ClusterConfig } from '../../src/sim/types.ts';

function hashOf(options: ToyOptions, changes: Partial<ClusterConfig> = {}): string {
  const cluster = new Cluster(clusterConfig(changes));
  cluster.act({ type: 'put', key: 'k', value: 'v' });
  runSync(cluster, toyBoot(options), ({ nowUs }) => nowUs > 3_000_000);
  return cluster.chainHash;
}

const input: HashedInput = { timeUs: 5, seq: 7, kind: 2, source: 1, target: 3, payload: 9, digest: [11, 13] };

function chain(...inputs: HashedInput[]): string {
  const hash = new ChainHash();
  for (const one of inputs) hash.add(one);
  return hash.text;
}

test('the chain hash of known inputs is a published vector', () => {
  expect(chain()).toBe('6a09e667bb67ae85');
  expect(chain(input)).toBe('c7fd861d74a29576');
  expect(chain(input, { ...input, timeUs: 2 ** 40 + 1, seq: 8 })).toBe('cb71c887ae18a2c9');
});

test('every field of an input, and the order of inputs, changes the chain hash', () => {
  const changed: HashedInput[] = [
    { ...input, timeUs: 5 + 2 ** 32 },
    { ...input, timeUs: 6 },
    { ...input, seq: 8 },
    { ...input, kind: 3 },
    { ...input, source: 2 },
    { ...input, target: 1 },
    { ...input, payload: 8 },
    { ...input, digest: [12, 13] },
    { ...input, digest: [11, 12] },
    { ...input, digest: [13, 11] },
    { ...input, source: 3, target: 1 },
  ];
  const hashes = new Set([input, ...changed].map((one) => chain(one)));
  expect(hashes.size).toBe(changed.length + 1);
  expect(chain(input, changed[0])).not.toBe(chain(changed[0], input));
});

test('the draws of a stream are a published vector', () => {
  const net = stream(7, 1, 'net', '1>2');
  expect([net.next(), net.next(), net.next()]).toEqual([1407673634, 3135602493, 2436538500]);
  const disk = stream(7, 1, 'disk', 1);
  expect([disk.next(), disk.next(), disk.next()]).toEqual([985498701, 3787353198, 3671826728]);
});

test('the same seed gives the same chain hash with the trace on and off', () => {
  const quiet = hashOf({});
  expect(hashOf({}, { trace: recordingTrace() })).toBe(quiet);
  expect(hashOf({}, { seed: 2 })).not.toBe(quiet);
  expect(hashOf({}, { boot: 2 })).not.toBe(quiet);
});

test('canary: a random draw taken in one mode only changes the chain hash', () => {
  const planted = (isPlanted: boolean): ToyOptions => {
    const draws = stream(1, 'canary');
    return {
      disturb: (config, ticks) => {
        if (isPlanted && config.trace && ticks === 5 && config.nodeId === 1) draws.next();
        return ticks === 6 ? draws.next() : 0;
      },
    };
  };
  const quiet = hashOf(planted(true));
  expect(hashOf(planted(true), { trace: recordingTrace() })).not.toBe(quiet);
  expect(hashOf(planted(false), { trace: recordingTrace() })).toBe(quiet);
});

test('canary: reading a map in the order in which others filled it changes the chain hash', () => {
  const readFirst = (order: readonly string[]): ToyOptions => {
    const map = new Map(order.map((key) => [key, key.length]));
    return { disturb: () => [...map.values()][0] };
  };
  expect(hashOf(readFirst(['a', 'bb']))).not.toBe(hashOf(readFirst(['bb', 'a'])));
});

test('canary: a clock from outside the world changes the chain hash', () => {
  const leak: ToyOptions = {
    disturb: (_, ticks) => (ticks === 9 ? Number(process.hrtime.bigint() % 0x7fffffffn) : 0),
  };
  expect(hashOf(leak)).not.toBe(hashOf(leak));
});
