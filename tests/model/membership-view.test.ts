/** Who is in the cluster, as the pictures have it, beside the engine: members are added, promoted, removed, replaced. */
import { expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import { isLost, leaderOf, memberOf, onRing } from '../../src/model/cluster-view.ts';
import { commandLine, type MenuAction } from '../../src/model/command-line.ts';
import { parseLine } from '../../src/model/etcdctl/parse.ts';
import { Lab } from '../../src/model/lab.svelte.ts';
import { repairs } from '../../src/model/member-menu.ts';
import { freeHost } from '../../src/model/membership-menu.ts';
import { menuOf, type MenuSubject } from '../../src/model/menu-subject.ts';
import { foldView, emptyView } from '../../src/model/view-state.ts';
import type { ActResult, Result } from '../../src/host/port.ts';

async function openLab(): Promise<Lab> {
  const lab = new Lab(openInProcess());
  await lab.open({
    ...{ seed: 5, members: 3, storage: 'memory', layout: 'one', workspace: 'membership-view' },
    ...{ lookOnly: false, preVote: true, startPaused: true },
  });
  await lab.run(8_000_000);
  return lab;
}

/** Does what the entry of a menu does, one command after the other; what refused it, or null. */
async function pick(lab: Lab, subject: MenuSubject, id: string, thenMs = 6000): Promise<string | null> {
  const entry = menuOf(lab.cluster, subject).find((one) => one.id === id);
  if (entry === undefined || entry.hindrance !== null) throw new Error(`${id}: ${entry?.hindrance}`);
  for (const command of entry.commands) {
    const refusal = await answerTo(lab, command);
    if (refusal !== null) return refusal;
  }
  await lab.run(thenMs * 1000);
  return null;
}

async function answerTo(lab: Lab, command: MenuAction): Promise<string | null> {
  let result: Result<ActResult> | null = null;
  void lab.act(command).then((answer) => (result = answer));
  while (result === null) await lab.run(20_000);
  const { ok, outcome, message } = result as {
    ok: boolean;
    outcome?: ActResult['outcome'];
    message?: string;
  };
  if (!ok) return message ?? '';
  return outcome !== null && outcome !== undefined && !outcome.ok ? outcome.message : null;
}

const partsOf = (lab: Lab): string[] =>
  lab.cluster.members.map(({ id, part, process }) => `m${id} ${part} ${process}`);
const member = (id: number): MenuSubject => ({ kind: 'member', member: id });

test('a learner is added, promoted and leads; another is removed, wiped and comes back as a new one', async () => {
  const lab = await openLab();
  const follower = leaderOf(lab.cluster)?.id === 3 ? 2 : 3;
  expect(lab.cluster.members.map(({ memberId }) => memberId).every((id) => /^[0-9a-f]{8,16}$/.test(id))).toBe(
    true,
  );
  expect(freeHost(lab.cluster)).toBe(4);

  expect(await pick(lab, { kind: 'host', host: 4 }, 'addLearner')).toBeNull();
  expect(partsOf(lab)).toContain('m4 learner up');
  expect(lab.logs.members[3].commitIndex).toBe(lab.logs.members[0].commitIndex);
  expect(menuOf(lab.cluster, member(4)).find(({ id }) => id === 'moveLeader')?.hindrance).toBe('isLearner');
  expect(await pick(lab, { kind: 'host', host: 5 }, 'addLearner')).toMatch(
    /too many learner members in cluster/,
  );

  expect(await pick(lab, member(4), 'promote')).toBeNull();
  expect(await pick(lab, member(4), 'moveLeader')).toBeNull();
  expect(leaderOf(lab.cluster)?.id).toBe(4);
  expect(lab.journey.memberCount).toBe(4);
  const beforeRemoval = lab.playback.trail.stepCount;

  const old = memberOf(lab.cluster, follower)?.memberId ?? '';
  expect(await pick(lab, member(follower), 'remove')).toBeNull();
  expect(partsOf(lab)).toContain(`m${follower} removed halted`);
  expect(onRing(lab.cluster).map(({ id }) => id)).not.toContain(follower);
  expect(repairs(lab.cluster)).toEqual([]);
  expect(lab.logs.members[3].progress.map(({ peer }) => peer)).not.toContain(follower);
  expect(lab.raft.members[3].followers.map(({ id }) => id)).not.toContain(follower);
  expect(menuOf(lab.cluster, member(follower)).find(({ id }) => id === 'addVoter')?.hindrance).toBe(
    'hasDisk',
  );
  expect(await pick(lab, member(follower), 'wipe')).toBeNull();
  expect(memberOf(lab.cluster, follower)).toMatchObject({ isWiped: true, process: 'down', appliedIndex: 0 });
  expect(lab.logs.members[follower - 1].entries).toEqual([]);
  expect(lab.files.members[follower - 1].highWater).toBe(0);

  expect(await pick(lab, member(follower), 'addVoter')).toBeNull();
  const back = memberOf(lab.cluster, follower);
  expect(back).toMatchObject({ part: 'voter', process: 'up', isWiped: false, formerIds: [old] });
  expect(back?.memberId).not.toBe(old);
  expect(back?.appliedIndex).toBe(leaderOf(lab.cluster)?.appliedIndex);

  await lab.goTo(beforeRemoval);
  expect(partsOf(lab)).toEqual(['m1 voter up', 'm2 voter up', 'm3 voter up', 'm4 voter up']);
  expect(memberOf(lab.cluster, follower)).toMatchObject({ memberId: old, formerIds: [] });
  await lab.goTo(Number.POSITIVE_INFINITY);
  const told = lab.eventsSince(0);
  const inOne = foldView(emptyView(3), told);
  expect(inOne.cluster.members).toEqual(lab.cluster.members);
  expect(told.reduce((view, one) => foldView(view, [one]), emptyView(3)).cluster).toEqual(inOne.cluster);
});

test("within five seconds a change is refused in etcd's own words, and what waits for it is not done", async () => {
  const lab = new Lab(openInProcess());
  await lab.open({
    ...{ seed: 5, members: 3, storage: 'memory', layout: 'one', workspace: 'membership-early' },
    ...{ lookOnly: false, preVote: true, startPaused: true },
  });
  expect(await pick(lab, { kind: 'host', host: 4 }, 'addVoter')).toBe('etcdserver: unhealthy cluster');
  expect(memberOf(lab.cluster, 4)).toBeNull();
});

test('a member at an address where nobody is stands beside the ring, and can be removed', async () => {
  const lab = await openLab();
  const peerUrls = ['http://10.0.0.9:2380'];
  expect(await answerTo(lab, { type: 'memberAdd', name: 'm9', peerUrls })).toBeNull();
  await lab.run(3_000_000);
  const [stranger] = lab.cluster.strangers;
  expect(stranger).toMatchObject({ name: '', peerUrl: peerUrls[0], isLearner: false });
  expect(lab.cluster.members).toHaveLength(3);
  expect(await pick(lab, member(stranger.node), 'remove')).toBeNull();
  expect(lab.cluster.strangers).toEqual([]);
});

test('each line that a menu types means its action and no other', async () => {
  const lab = await openLab();
  await answerTo(lab, { type: 'kill', member: 2 });
  const subjects: MenuSubject[] = [member(1), member(2), { kind: 'host', host: 4 }];
  const commands = subjects
    .flatMap((one) => menuOf(lab.cluster, one))
    .flatMap((entry) => [...entry.commands]);
  expect(commands.length).toBeGreaterThan(30);
  for (const command of commands) {
    const parsed = parseLine(commandLine(command), { memberCount: 4, leader: 1 });
    const [got] = parsed.kind === 'lab' ? parsed.actions : parsed.kind === 'command' ? [parsed.command] : [];
    expect(got, commandLine(command)).toEqual(command);
  }
  expect(lab.cluster.members.filter(isLost).map(({ id }) => id)).toEqual([2]);
});
