/** Simulated etcdctl against toy members: endpoints, failover, retries, time limits. */
import { expect, test } from 'vitest';
import { peersOf } from '../../src/sim/endpoints.ts';
import { runUntil } from '../../src/sim/run.ts';
import { toyBoot } from './toy-member.ts';
import { Lab, recordingTrace } from './worlds.ts';
import type { ToyOptions } from './toy-member.ts';
import type { ClientAction, ClientOutcome, ClusterConfig } from '../../src/sim/types.ts';

const get: ClientAction = { type: 'get', key: 'k' };
const newLab = (options: ToyOptions = {}, changes: Partial<ClusterConfig> = {}): Lab => {
  const lab = new Lab(toyBoot(options), changes);
  lab.runFor(100_000);
  return lab;
};
const put: ClientAction = { type: 'put', key: 'k', value: 'v' };

const answeredBy = (outcome: ClientOutcome | null): string =>
  outcome?.ok === true && outcome.type === 'get'
    ? Buffer.from(outcome.kvs[0].key).toString()
    : JSON.stringify(outcome);

test('a command goes to the endpoint that it names, by name or address', () => {
  const lab = newLab();
  for (const endpoint of ['m2', 'M2', 'http://127.0.0.1:22379', '127.0.0.1:22379', 'localhost:22379']) {
    expect(answeredBy(lab.do({ ...get, endpoints: [endpoint] }))).toBe('m2');
  }
  expect(peersOf(3).map(({ clientUrl }) => clientUrl)).toEqual([
    'http://127.0.0.1:2379',
    'http://127.0.0.1:22379',
    'http://127.0.0.1:32379',
  ]);
  expect(new Set(peersOf(9).flatMap(({ clientUrl, peerUrl }) => [clientUrl, peerUrl])).size).toBe(18);
});

test('an endpoint that is no member ends the command at once and says what is accepted', () => {
  const lab = newLab();
  expect(lab.do({ ...put, endpoints: ['m1', 'http://10.0.0.1:2379'] })).toEqual({
    ok: false,
    code: 3,
    message:
      'endpoint "http://10.0.0.1:2379" is no member of this cluster: use m1, m2, m3, or ' +
      'http://127.0.0.1:2379, http://127.0.0.1:22379, http://127.0.0.1:32379',
  });
});

test('without endpoints a command finds any member that is up', () => {
  const lab = newLab();
  lab.do({ type: 'kill', member: 1 });
  lab.do({ type: 'kill', member: 3 });
  for (let i = 0; i < 5; i++) expect(answeredBy(lab.do(get))).toBe('m2');
  expect(lab.do(put)).toMatchObject({ ok: true, type: 'put', revision: 1 });
  expect(lab.cluster.reach.connectionsRefused).toBeGreaterThan(0);
});

test('with no member to reach, a command ends after five seconds', () => {
  const lab = newLab();
  lab.do({ type: 'kill', member: 1 });
  const startUs = lab.cluster.nowUs;
  expect(lab.do({ ...put, endpoints: ['m1'] })).toEqual({
    ok: false,
    code: 4,
    message: 'context deadline exceeded',
  });
  expect(lab.cluster.nowUs - startUs).toBe(5_000_000);
  expect(lab.cluster.reach.commandsTimedOut).toBe(1);
});

test('a command waits for a member that comes back within its time', () => {
  const lab = newLab();
  lab.do({ type: 'kill', member: 1 });
  const id = lab.cluster.act({ ...put, endpoints: ['m1'] });
  lab.runFor(2_000_000);
  expect(lab.outcomes.has(id)).toBe(false);
  lab.do({ type: 'restart', member: 1 });
  lab.runFor(2_900_000);
  expect(lab.outcomes.get(id)).toMatchObject({ ok: true, type: 'put', revision: 1 });
});

test('a read whose connection broke is tried elsewhere; a write ends, for it may have happened', () => {
  const pausedThenKilled = (action: ClientAction): ClientOutcome | null => {
    const trace = recordingTrace();
    const lab = newLab({}, { trace });
    lab.do({ type: 'pauseMember', member: 3 });
    const id = lab.cluster.act({ ...action, endpoints: ['m2', 'm3'] });
    const isSent = (): boolean => trace.told.some(({ event }) => event.type === 'sim.clientSend');
    runUntil(lab.cluster, lab.members, isSent);
    lab.do({ type: 'pauseMember', member: 2 });
    lab.runFor(50_000);
    lab.do({ type: 'resumeMember', member: 3 });
    lab.do({ type: 'kill', member: 2 });
    expect(lab.cluster.inFlight.requests).toBe(1);
    lab.runFor(4_000_000);
    return lab.outcomes.get(id) ?? null;
  };
  expect(answeredBy(pausedThenKilled(get))).toBe('m3');
  expect(pausedThenKilled(put)).toEqual({ ok: false, code: 14, message: 'transport is closing' });
});

test('a read that a member answers with Unavailable goes to the next; other answers end it', () => {
  const unavailable = newLab({ codes: { 1: 14, 2: 14 } });
  for (let i = 0; i < 5; i++) expect(answeredBy(unavailable.do(get))).toBe('m3');
  expect(unavailable.cluster.reach.requestsRetried).toBeGreaterThan(0);
  const refused = newLab({ codes: { 1: 8, 2: 8, 3: 8 } });
  expect(refused.do(get)).toMatchObject({ ok: false, code: 8 });
  const write = newLab({ codes: { 1: 14, 2: 14, 3: 14 } });
  expect(write.do(put)).toMatchObject({ ok: false, code: 14 });
  expect(write.cluster.reach.requestsRetried).toBe(0);
});

test('endpoint status asks each endpoint and names those that give no answer', () => {
  const lab = newLab();
  lab.do({ type: 'kill', member: 2 });
  const outcome = lab.do({ type: 'endpointStatus' });
  expect(outcome?.ok === true && outcome.type === 'endpointStatus' && outcome.endpoints).toMatchObject([
    { endpoint: 'http://127.0.0.1:2379', status: { version: 'toy 1' }, error: null },
    { endpoint: 'http://127.0.0.1:22379', status: null, error: 'context deadline exceeded' },
    { endpoint: 'http://127.0.0.1:32379', status: { version: 'toy 3' }, error: null },
  ]);
});

test('flags that exclude each other and values over two MiB are refused by the client itself', () => {
  const lab = newLab();
  expect(lab.do({ ...get, prefix: true, fromKey: true })).toMatchObject({ ok: false, code: 3 });
  expect(lab.do({ type: 'del', key: 'a', rangeEnd: 'b', prefix: true })).toMatchObject({
    ok: false,
    code: 3,
  });
  expect(lab.do({ ...put, value: 'x'.repeat(2 * 1024 * 1024) })).toEqual({
    ok: false,
    code: 8,
    message: 'trying to send message larger than max (2097160 vs. 2097152)',
  });
});

test('a command leaves its way in the trace: sent, replied, done', () => {
  const trace = recordingTrace();
  const lab = newLab({}, { trace });
  const id = lab.cluster.act({ ...put, key: '<img onerror>', endpoints: ['m1'] });
  lab.runFor(100_000);
  const client = trace.told.filter(({ event }) => event.type.startsWith('sim.client'));
  expect(client.map(({ event }) => event)).toMatchObject([
    { type: 'sim.clientSend', request: id, to: 1, method: 'etcdserverpb.KV/Put', label: 'put <img onerror>' },
    { type: 'sim.clientReply', request: id, from: 1, code: 0 },
    { type: 'sim.clientDone', request: id, code: 0, message: '' },
  ]);
  expect(client.every(({ at }) => at.ordinal >= 65536 && at.member === 0)).toBe(true);
});
