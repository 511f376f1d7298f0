/** Host profiles and operators' mistakes: many things at once, and what comes of them. */
import { expect, test } from 'vitest';
import { parseCommand } from '../../src/host/commands.ts';
import { Member } from '../../src/engine/server/member.ts';
import { actionProblem } from '../../src/sim/actions.ts';
import { hostProfileNames, profileActions, profileWorld } from '../../src/sim/host-profiles.ts';
import { memberIdText, mistakeActions, mistakes } from '../../src/sim/mistakes.ts';
import { Lab, recordingTrace } from './worlds.ts';
import type { HostProfile } from '../../src/sim/host-profiles.ts';
import type { Mistake } from '../../src/sim/mistakes.ts';
import type { ClientOutcome } from '../../src/sim/types.ts';

const members = [1, 2, 3];

test('every profile and mistake is made of commands that make sense', () => {
  const scene = { members, member: 2, revision: 5 };
  const actions = [
    ...hostProfileNames.flatMap((profile) => profileActions(profile, 2, members)),
    ...mistakes.flatMap((mistake) => mistakeActions(mistake, scene)),
  ];
  for (const action of actions) {
    expect(actionProblem(action, members)).toBeNull();
    expect(parseCommand(action)).toEqual({ ok: true, action });
  }
});

/** How long a put takes on hosts like that, on average; microseconds. */
function putUs(profile: HostProfile): number {
  const lab = new Lab(Member.boot, { world: profileWorld(profile, 3) });
  lab.runFor(4_000_000);
  const from = lab.cluster.nowUs;
  for (let i = 0; i < 20; i++)
    expect(lab.do({ type: 'put', key: 'k', value: String(i) })).toMatchObject({ ok: true });
  return (lab.cluster.nowUs - from) / 20;
}

test('the guide’s hosts are as fast as they are large; a spinning disk and an ocean are seen in each put', () => {
  const [xLarge, small, spinning, far] = (['xLarge', 'small', 'spinningDisk', 'crossRegion'] as const).map(
    putUs,
  );
  expect(xLarge).toBeLessThan(small);
  expect(spinning).toBeGreaterThan(small + 15_000);
  expect(far).toBeGreaterThan(small + 60_000);
});

test('a profile makes one member’s host like that, and healEverything takes it back', () => {
  const lab = new Lab(Member.boot);
  lab.runFor(3_000_000);
  for (const action of profileActions('sharedHost', 2, members)) expect(lab.do(action)).toBeNull();
  expect(lab.cluster.reach).toMatchObject({ slowCpus: 1, diskSettings: 1, memoryLimits: 1, linkFaults: 4 });
  lab.do({ type: 'healEverything' });
  for (const action of profileActions('sharedHost', 2, members)) expect(lab.do(action)).toBeNull();
});

/** A cluster with ten keys, in which an operator has made a mistake. */
function after(
  mistake: Mistake,
  member = 2,
): { lab: Lab; outcomes: (ClientOutcome | null)[]; halts: string[] } {
  const trace = recordingTrace();
  const lab = new Lab(Member.boot, { trace });
  // a change of members wants connections that have stood for five seconds
  lab.runFor(9_000_000);
  for (let i = 0; i < 5; i++) lab.do({ type: 'put', key: `k${i}`, value: 'x' });
  lab.runFor(300_000);
  lab.do({ type: 'keepImage', member });
  for (let i = 5; i < 10; i++) lab.do({ type: 'put', key: `k${i}`, value: 'x' });
  const outcomes = mistakeActions(mistake, { members, member, revision: 11 }).map((action) => lab.do(action));
  lab.runFor(5_000_000);
  const halts = trace.told.flatMap(({ event }) => (event.type === 'server.halt' ? [event.reason] : []));
  return { lab, outcomes, halts };
}

const countOf = (lab: Lab, revision?: number): unknown =>
  lab.do({ type: 'get', key: 'k', prefix: true, ...(revision !== undefined && { revision }) });

test('what is deleted is gone now, but not in the past; what is compacted is gone there', () => {
  const { lab } = after('deleteEverything');
  expect(countOf(lab)).toMatchObject({ ok: true, count: 0 });
  expect(countOf(lab, 11)).toMatchObject({ ok: true, count: 10 });
  const compacted = after('compactNow').lab;
  expect(countOf(compacted)).toMatchObject({ ok: true, count: 10 });
  expect(countOf(compacted, 5)).toMatchObject({ ok: false, code: 11 });
});

test('a member that is removed by mistake stops, and the others serve', () => {
  const { lab, outcomes } = after('removeHealthyMember');
  expect(outcomes).toMatchObject([{ ok: true, type: 'memberRemove' }]);
  expect(lab.cluster.memberStatus(2)).toBe('halted');
  const list = lab.do({ type: 'memberList', endpoints: ['m1'] });
  if (list?.ok !== true || list.type !== 'memberList') throw new Error('no list');
  expect(list.members.map(({ id }) => id.toString(16))).not.toContain(memberIdText(2));
  expect(lab.do({ type: 'put', key: 'k', value: 'y', endpoints: ['m1'] })).toMatchObject({ ok: true });
});

test('restarts and defragmentations of all at once pass, and so does an alarm that nobody raised', () => {
  for (const mistake of ['restartAllAtOnce', 'defragAllAtOnce', 'disarmAlarm'] as const) {
    const { lab } = after(mistake);
    const local = lab.do({ type: 'get', key: 'k', prefix: true, serializable: true, endpoints: ['m2'] });
    expect([mistake, local]).toMatchObject([mistake, { ok: true, count: 10 }]);
  }
});

test('a member with an old backup stops when it hears how much it has acknowledged; the others serve', () => {
  const { lab, halts } = after('oldBackupOnOneMember');
  expect(halts).toHaveLength(1);
  expect(halts[0]).toContain('Was the raft log corrupted, truncated, or lost?');
  expect(lab.do({ type: 'get', key: 'k', prefix: true, endpoints: ['m1'] })).toMatchObject({ count: 10 });
});
