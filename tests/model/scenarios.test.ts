/** The scripts that an address may name: each brings the lab to the moment that its name promises. */
import { expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import { Lab } from '../../src/model/lab.svelte.ts';
import { keysLike, suggestedMember } from '../../src/model/keys-view.ts';
import {
  clusterScenarios,
  keyScenarios,
  leaseScenarios,
  scenarioSettings,
  type Scenario,
} from '../../src/model/scenarios.ts';
import type { MemberSettings } from '../../src/sim/member-settings.ts';
import { alarmsOf, quotaShare } from '../../src/model/space.ts';
import type { LabEvent } from '../../src/sim/types.ts';

/** A lab after a script and so much more virtual time; what was refused. */
async function played(scenario: Scenario, moreMs: number, settings: MemberSettings = {}) {
  const lab = new Lab(openInProcess());
  const refused: string[] = [];
  const begin = async (): Promise<void> => {
    for (const { does, thenMs } of scenario(lab.leader?.id ?? 0)) {
      void lab.act(does).then((result) => void (result.ok || refused.push(result.message)));
      await lab.run(thenMs * 1000);
    }
  };
  const options = { seed: 7, members: 3, storage: 'memory', layout: 'one', workspace: 'x' } as const;
  await lab.open({ ...options, lookOnly: false, preVote: true, settings, startPaused: true }, begin);
  await lab.run(moreMs * 1000);
  const of = (type: LabEvent['type']) => lab.eventsSince(-1).filter(({ event }) => event.type === type);
  return { lab, of, refused };
}

test('leader-crash: the leader is dead, another one follows it, and the put is kept', async () => {
  const { lab, of, refused } = await played(clusterScenarios['leader-crash'], 4000);
  expect(refused).toEqual([]);
  const [kill] = of('sim.kill');
  expect(lab.leader?.id).not.toBe(kill?.at.member);
  expect(lab.cluster.members.filter(({ process }) => process === 'down')).toHaveLength(1);
  expect(Math.max(...lab.cluster.members.map(({ revision }) => revision))).toBe(2);
});

test('partition: the old leader is cut off from both others, who elect another', async () => {
  const { lab, of } = await played(clusterScenarios.partition, 4000);
  expect(lab.cluster.cuts).toHaveLength(4);
  expect(new Set(of('raft.becomeLeader').map(({ at }) => at.member)).size).toBe(2);
});

test('slow-disk and load: clients write, and one disk is slow', async () => {
  const slow = await played(clusterScenarios['slow-disk'], 1000);
  expect(slow.lab.cluster.members.map(({ diskFactor }) => diskFactor).sort()).toEqual([1, 1, 10]);
  const { lab } = await played(clusterScenarios.load, 1000);
  expect(lab.cluster.load).toMatchObject({ kind: 'kubernetes', perSecond: 50, failed: 0 });
  expect(lab.cluster.load?.ok).toBeGreaterThan(20);
});

test('nospace: puts are refused until there is room and the alarm is disarmed', async () => {
  const { lab } = await played(clusterScenarios.nospace, 0, scenarioSettings.nospace);
  const spaces = () => lab.cluster.members.map(({ space }) => space);
  const ask = async (command: object) => {
    const asked = lab.act(command);
    await lab.run(1_500_000);
    const done = await asked;
    return done.ok ? done.outcome : null;
  };
  const refused = { ok: false, message: 'etcdserver: mvcc: database space exceeded' };
  expect(alarmsOf(spaces()).map(({ alarm }) => alarm)).toContain('NOSPACE');
  expect(Math.max(...spaces().map(quotaShare))).toBeGreaterThan(0.99);
  // what deletes still passes
  expect(lab.cluster.load?.failed).toBeGreaterThan(20);
  await ask({ type: 'load', kind: 'none', perSecond: 0 });
  expect(await ask({ type: 'put', key: 'a', value: 'b' })).toMatchObject(refused);
  const revision = Math.max(...lab.cluster.members.map((one) => one.revision));
  expect(await ask({ type: 'compaction', revision, physical: true })).toMatchObject({ ok: true });
  expect(await ask({ type: 'defrag' })).toMatchObject({ ok: true });
  expect(Math.max(...spaces().map(quotaShare))).toBeLessThan(0.5);
  expect(await ask({ type: 'put', key: 'a', value: 'b' })).toMatchObject(refused);
  const raised = alarmsOf(spaces()).length;
  const disarmed = await ask({ type: 'alarmDisarm' });
  expect(disarmed).toMatchObject({ ok: true, alarms: { length: raised } });
  expect(spaces().flatMap(({ alarms }) => alarms)).toEqual([]);
  expect(await ask({ type: 'put', key: 'a', value: 'b' })).toMatchObject({ ok: true });
});

test('expiry: the lease runs out by itself; keep-alive: only the dead service goes', async () => {
  const expiry = await played(leaseScenarios.expiry, 7000);
  expect(expiry.of('lease.expire').length).toBeGreaterThan(0);
  expect(expiry.lab.leases.ends.map(({ id, keyCount }) => [id, keyCount])).toEqual([['abc', 1]]);
  const kept = await played(leaseScenarios['keep-alive'], 12_000);
  expect(kept.refused).toEqual([]);
  expect(kept.lab.leases.ends.map(({ id }) => id)).toEqual(['def']);
});

test('pile-up: two dozen leases are there with their keys, and end within some seconds', async () => {
  const { lab, of } = await played(leaseScenarios['pile-up'], 0);
  expect(of('lease.expire')).toEqual([]);
  await lab.run(13_000_000);
  const revoked = new Set(of('lease.revoke').map(({ event }) => 'id' in event && event.id));
  expect(revoked.size).toBe(24);
});

test('history and compaction: a key lives twice, a watcher is there, and a compaction drops what it may', async () => {
  const before = await played(keyScenarios.history, 0);
  expect(before.refused).toEqual([]);
  const store = (lab: Lab) => lab.keys.members[suggestedMember(lab.keys) - 1];
  const job = keysLike(store(before.lab), 'job/1')[0];
  expect(job.lives.map(({ revisions }) => revisions.length)).toEqual([3, 1]);
  expect(store(before.lab).watchers.size).toBe(1);
  const { lab, refused } = await played(keyScenarios.compaction, 0);
  expect(refused).toEqual([]);
  expect(store(lab)).toMatchObject({ compactRevision: 8, compaction: { step: 'finished' } });
  expect(keysLike(store(lab), 'app/color')[0].dropped.map(({ main }) => main)).toEqual([2, 4]);
});
