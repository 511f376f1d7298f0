/** Watches of the world's clients: live, over a member's death, compacted, forbidden, stopped, replayed. */
import { expect, test, vi } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { snapshotStatus } from '../../src/engine/server/snapshot-status.ts';
import { openDb } from '../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { databaseOf } from '../../src/engine/server/restore.ts';
import { replay } from '../../src/sim/run.ts';
import type { SimEvent } from '../../src/sim/events.ts';
import type { ClientAction, ClientOutcome, ClusterConfig } from '../../src/sim/types.ts';
import { clusterConfig, Lab, noTrace, recordingTrace } from './worlds.ts';

vi.setConfig({ testTimeout: 60_000 });

type Heard = Extract<SimEvent, { type: 'sim.watch' }>;
type Renewed = Extract<SimEvent, { type: 'sim.keepAlive' }>;
type Trace = ReturnType<typeof recordingTrace>;

const put = (key: string, value: string): ClientAction => ({ type: 'put', key, value });
const denied = 'rpc error: code = PermissionDenied desc = ';
const root = { user: 'root:pw' };

function settled(changes: Partial<ClusterConfig> = {}): { lab: Lab; trace: Trace } {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { trace, ...changes });
  lab.runFor(3_000_000);
  return { lab, trace };
}

const heardBy = (trace: Trace, watch: number): Heard[] =>
  trace.told.flatMap(({ event }) => (event.type === 'sim.watch' && event.watch === watch ? [event] : []));

/** `put k=v@rev`, one for each change heard. */
function changes(trace: Trace, watch: number): string[] {
  const text = (hex: string): string => Buffer.from(hex, 'hex').toString();
  return heardBy(trace, watch)
    .flatMap(({ events }) => events)
    .map((event) => {
      const [kind, pair, before] = event.split(' ');
      const [key, value, , mod] = pair.split(',');
      const was = before === undefined ? '' : ` was ${text(before.split(',')[1])}`;
      return `${kind} ${text(key)}=${text(value)}@${mod}${was}`;
    });
}

function watchOf(outcome: ClientOutcome | null): number {
  if (outcome?.ok !== true || outcome.type !== 'watch') throw new Error(JSON.stringify(outcome));
  return outcome.watch;
}

test('a watch hears each change of its keys as it comes, with what was before where it asks', () => {
  const { lab, trace } = settled();
  lab.do(put('w/a', '0'));
  const all = watchOf(lab.do({ type: 'watch', key: 'w/', prefix: true, prevKv: true }));
  const one = watchOf(lab.do({ type: 'watch', key: 'w/b' }));
  const past = watchOf(lab.do({ type: 'watch', key: 'w/', prefix: true, revision: 2 }));
  lab.do(put('w/a', '1'));
  lab.do(put('w/b', 'x'));
  lab.do({ type: 'del', key: 'w/a' });
  lab.do(put('other', 'x'));
  lab.runFor(500_000);
  expect(changes(trace, all)).toEqual(['put w/a=1@3 was 0', 'put w/b=x@4', 'delete w/a=@5 was 1']);
  expect(changes(trace, one)).toEqual(['put w/b=x@4']);
  expect(changes(trace, past)).toEqual(['put w/a=0@2', 'put w/a=1@3', 'put w/b=x@4', 'delete w/a=@5']);
});

test('a watch at a member that has lost its leader ends as etcdctl has it, and none can be opened there', () => {
  const { lab, trace } = settled();
  const endpoints = ['m1'];
  const watch = watchOf(lab.do({ type: 'watch', key: 'k', endpoints }));
  for (const member of [2, 3]) lab.do({ type: 'kill', member });
  lab.runFor(1_000_000);
  expect(heardBy(trace, watch)).toEqual([]);
  lab.runFor(6_000_000);
  expect(heardBy(trace, watch).map(({ ended }) => ended)).toEqual(['etcdserver: no leader']);
  const late = watchOf(lab.do({ type: 'watch', key: 'k', endpoints }));
  expect(heardBy(trace, late).map(({ ended }) => ended)).toEqual(['etcdserver: no leader']);
});

test('whoever dies, a watch goes on elsewhere: each change once, in order, none left out', () => {
  for (const seed of [1, 2, 3]) {
    const { lab, trace } = settled({ seed });
    lab.do(put('k', 'before'));
    const watch = watchOf(lab.do({ type: 'watch', key: 'k' }));
    const wanted: string[] = [];
    for (let round = 0; round < 6; round++) {
      const ids = [0, 1, 2].map((i) => lab.cluster.act(put('k', `${round}.${i}`)));
      lab.runFor(1500 + seed * 300);
      const member = (round % 3) + 1;
      lab.do({ type: round % 2 === 0 ? 'kill' : 'powerCut', member });
      lab.runUntil(() => ids.every((id) => lab.outcomes.has(id)));
      lab.runFor(2_500_000);
      lab.do({ type: 'restart', member });
      lab.runFor(2_000_000);
    }
    lab.runFor(3_000_000);
    const last = lab.do({ type: 'get', key: 'k' });
    if (last?.ok !== true || last.type !== 'get') throw new Error('no answer');
    const heard = changes(trace, watch).map((line) => Number(line.split('@')[1]));
    for (let revision = 3; revision <= last.revision; revision++) wanted.push(String(revision));
    expect(heard.map(String), `seed ${seed}`).toEqual(wanted);
    expect(new Set(heardBy(trace, watch).map(({ memberId }) => memberId)).size).toBeGreaterThan(1);
  }
});

test('a watch that has heard nothing yet goes on from its beginning: no change from before it', () => {
  const { lab, trace } = settled();
  lab.do(put('k', 'before'));
  const watch = watchOf(lab.do({ type: 'watch', key: 'k', endpoints: ['m2', 'm3'] }));
  for (const member of [2, 3]) {
    lab.do({ type: 'kill', member });
    lab.do({ type: 'restart', member });
    lab.runFor(2_000_000);
  }
  lab.do(put('k', 'after'));
  lab.runFor(2_000_000);
  expect(changes(trace, watch)).toEqual(['put k=after@3']);
});

test('a watch of what is compacted ends with the reason, at once or where it would go on', () => {
  const { lab, trace } = settled();
  for (let i = 0; i < 5; i++) lab.do(put('k', `${i}`));
  const cut = watchOf(lab.do({ type: 'watch', key: 'k', endpoints: ['m3'] }));
  lab.do({ type: 'kill', member: 3 });
  for (let i = 5; i < 8; i++) lab.do(put('k', `${i}`));
  lab.do({ type: 'compaction', revision: 9 });
  const late = watchOf(lab.do({ type: 'watch', key: 'k', revision: 3, endpoints: ['m1'] }));
  lab.runFor(500_000);
  lab.do({ type: 'restart', member: 3 });
  lab.runFor(8_000_000);
  for (const watch of [late, cut]) {
    const ends = heardBy(trace, watch).filter(({ ended }) => ended !== '');
    const told = { ended: 'etcdserver: mvcc: required revision has been compacted', compactRevision: 9 };
    expect(ends).toMatchObject([told]);
  }
  expect(changes(trace, late)).toEqual([]);
});

test('who may not read the keys is told so, and one whose token is lost goes on with a new one', () => {
  const { lab, trace } = settled();
  const actions: ClientAction[] = [
    { type: 'roleAdd', role: 'root' },
    { type: 'userAdd', name: 'root', password: 'pw' },
    { type: 'userGrantRole', name: 'root', role: 'root' },
    { type: 'userAdd', name: 'eve', password: 'pw' },
    { type: 'authEnable' },
  ];
  for (const action of actions) expect(lab.do(action)).toMatchObject({ ok: true });
  const forbidden = watchOf(lab.do({ type: 'watch', key: 'k', user: 'eve:pw' }));
  expect(heardBy(trace, forbidden)).toMatchObject([{ ended: `${denied}etcdserver: permission denied` }]);
  const watch = watchOf(lab.do({ type: 'watch', key: 'k', endpoints: ['m1'], ...root }));
  lab.do({ ...put('k', '1'), ...root });
  // its tokens were in its memory
  lab.do({ type: 'kill', member: 1 });
  lab.do({ type: 'restart', member: 1 });
  lab.runFor(4_000_000);
  lab.do({ ...put('k', '2'), ...root });
  lab.runFor(1_000_000);
  expect(changes(trace, watch)).toEqual(['put k=1@2', 'put k=2@3']);
});

test('a stopped watch hears no more, the others do; what goes on by itself is stopped the same way', () => {
  const { lab, trace } = settled();
  const [first, second] = [1, 2].map(() => watchOf(lab.do({ type: 'watch', key: 'k' })));
  expect(lab.do({ type: 'watchProgress', watch: first })).toMatchObject({ ok: true, asked: 1 });
  lab.runFor(100_000);
  expect(heardBy(trace, first)).toMatchObject([{ events: [], ended: '', revision: 1 }]);
  expect(lab.do({ type: 'stop', request: first })).toMatchObject({ ok: true, stopped: 1 });
  lab.do(put('k', '1'));
  lab.runFor(500_000);
  expect([changes(trace, first), changes(trace, second)]).toEqual([[], ['put k=1@2']]);
  const lease = lab.do({ type: 'leaseGrant', ttl: 6, id: '77' });
  expect(lease).toMatchObject({ ok: true });
  const kept = lab.do({ type: 'leaseKeepAlive', id: '77' });
  if (kept?.ok !== true || kept.type !== 'leaseKeepAlive') throw new Error('not kept');
  lab.runFor(7_000_000);
  const renewals = (): Renewed[] =>
    trace.told.flatMap(({ event }) =>
      event.type === 'sim.keepAlive' && event.request === kept.keeps ? [event] : [],
    );
  expect(renewals()).toHaveLength(3);
  expect(renewals()[0]).toMatchObject({ lease: String(0x77), ttlSeconds: 6, ended: '' });
  expect(lab.do({ type: 'stop' })).toMatchObject({ ok: true, stopped: 2 });
  lab.runFor(9_000_000);
  expect(lab.do({ type: 'leaseList' })).toMatchObject({ ok: true, ids: [] });
  expect(lab.do({ type: 'stop' })).toMatchObject({ ok: false, code: 5 });
});

test('a keep-alive whose lease is revoked ends with the reason', () => {
  const { lab, trace } = settled();
  lab.do({ type: 'leaseGrant', ttl: 3, id: '7' });
  const kept = lab.do({ type: 'leaseKeepAlive', id: '7' });
  expect(kept).toMatchObject({ ok: true, ttlSeconds: 3 });
  lab.do({ type: 'leaseRevoke', id: '7' });
  lab.runFor(2_000_000);
  const told = trace.told.flatMap(({ event }) => (event.type === 'sim.keepAlive' ? [event.ended] : []));
  expect(told).toEqual(['etcdserver: requested lease not found']);
});

test('endpoints are asked for their health side by side; each that cannot sign in is ill', () => {
  const { lab } = settled();
  lab.do({ type: 'kill', member: 2 });
  lab.do({ type: 'kill', member: 3 });
  const startUs = lab.cluster.nowUs;
  const outcome = lab.do({ type: 'endpointHealth' });
  expect(lab.cluster.nowUs - startUs).toBeLessThan(7_100_000);
  expect(outcome).toMatchObject({ ok: true, endpoints: [{}, {}, {}] });
});

test('a snapshot is one member’s whole file with its hash; several members are too many', () => {
  const { lab } = settled();
  for (let i = 0; i < 40; i++) lab.do(put(`k${i}`, 'v'.repeat(3000)));
  const saved = lab.do({ type: 'snapshotSave', endpoints: ['m2'] });
  if (saved?.ok !== true || saved.type !== 'snapshotSave') throw new Error(JSON.stringify(saved));
  const status = snapshotStatus(openDb(new MemoryPager(databaseOf(saved.file, false))));
  expect(status).toMatchObject({ revision: 41, hash: saved.status.hash });
  expect(saved.file.length).toBeGreaterThan(120_000);
  expect(lab.do({ type: 'snapshotSave', endpoints: ['m1', 'm2'] })).toEqual({
    ok: false,
    code: 2,
    message: 'snapshot must be requested to one selected node, not multiple [m1 m2]',
  });
});

test('a run with watches over deaths has the same hash when it is replayed', () => {
  const run = (trace: Trace | typeof noTrace): Lab => {
    const lab = new Lab(Member.boot, { seed: 9, trace });
    lab.runFor(3_000_000);
    lab.do({ type: 'watch', key: '', prefix: true });
    lab.do({ type: 'watch', key: 'k', prevKv: true, progressNotify: true });
    lab.do(put('k', '1'));
    lab.do({ type: 'kill', member: 1 });
    lab.do({ type: 'watchProgress' });
    lab.do({ type: 'restart', member: 1 });
    lab.runFor(2_000_000);
    lab.do(put('k', '2'));
    lab.do({ type: 'stop' });
    lab.do({ type: 'snapshotSave' });
    lab.runFor(1_000_000);
    return lab;
  };
  const quiet = run(noTrace).cluster;
  const traced = run(recordingTrace()).cluster;
  expect([traced.moment, traced.chainHash]).toEqual([quiet.moment, quiet.chainHash]);
  const again = replay(clusterConfig({ seed: 9 }), quiet.interventions, Member.boot, quiet.moment);
  expect(again.cluster.chainHash).toBe(quiet.chainHash);
});
