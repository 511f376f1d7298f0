/** The checkers in a lab: planted bugs are caught, healthy runs are not stopped, and a run shows it again. */
import { expect, test } from 'vitest';
import { noDefects } from '../../src/engine/defects.ts';
import { Member } from '../../src/engine/server/member.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import { Lab } from '../../src/host/lab.ts';
import { LocalMembers } from '../../src/host/member-host.ts';
import { wallClock } from '../../src/host/wall-clock.ts';
import { readRunText } from '../../src/host/run-schema.ts';
import {
  bugScenario,
  bugWorld,
  needsPlainVote,
  plantableBugs,
  showsSoon,
} from '../../src/model/planted-bugs.ts';
import type { Accused } from '../../src/sim/checkers/checker.ts';
import type { MemberHost } from '../../src/host/member-host.ts';
import type { Defect, LabOptions, LabPort, LabState } from '../../src/host/port.ts';
import type { Scenario } from '../../src/model/scenarios.ts';

const options: LabOptions = {
  seed: 7,
  members: 3,
  storage: 'memory',
  layout: 'one',
  workspace: 'checks',
  lookOnly: false,
  preVote: true,
  startPaused: true,
  checks: true,
};

async function open(given: Partial<LabOptions> = {}): Promise<{ lab: LabPort; leader: number }> {
  const lab = openInProcess();
  let leader = 1;
  lab.subscribe(({ events }) => {
    for (const { at, event } of events) if (event.type === 'raft.becomeLeader') leader = at.member;
  });
  const opened = await lab.open({ ...options, ...given });
  expect(opened.ok).toBe(true);
  return { lab, leader };
}

/** Does a script, and lets the lab run on for a while after it; until something stops it. */
async function play(lab: LabPort, script: ReturnType<Scenario>): Promise<LabState> {
  for (const { does, thenMs } of [...script]) {
    if ((await lab.state()).stopped !== null) break;
    void lab.act(does);
    await lab.run(thenMs * 1000);
  }
  if ((await lab.state()).stopped === null) await lab.run(6_000_000);
  return lab.state();
}

const planted = (bug: Defect): Partial<LabOptions> => ({
  ...bugWorld(bug),
  planted: [bug],
  preVote: !needsPlainVote(bug),
});

/** What else than members a bug's violation must name, so that it can be drawn red. */
const accused: Readonly<Partial<Record<Defect, readonly Accused['kind'][]>>> = {
  keepConflicts: ['entry'],
  halfIsQuorum: ['entry'],
  ownAckBeforeSync: ['entry'],
  compactionDropsNewest: ['key'],
  watchSkipsFirst: ['key'],
  splitRevisions: ['key'],
  splitLosesKey: ['key'],
  revokeLeavesKey: ['lease', 'key'],
};

for (const bug of plantableBugs.filter(showsSoon)) {
  test(`a lab with the bug ${bug} is stopped by a checker, soon`, async () => {
    const { lab, leader } = await open(planted(bug));
    const { violation, stopped, planted: told } = await play(lab, bugScenario(bug)(leader));
    expect(told).toEqual([bug]);
    expect(stopped).toMatchObject({ kind: 'violation' });
    expect(violation?.evidence).not.toBe('');
    const kinds = violation?.about.map(({ kind }) => kind);
    expect(kinds, violation?.evidence).toEqual(expect.arrayContaining([...(accused[bug] ?? [])]));
    await lab.close();
  });
}

test('the bugs that can be planted are switches of the engine, each once', () => {
  expect(Object.keys(noDefects)).toEqual(expect.arrayContaining([...plantableBugs]));
  expect(new Set(plantableBugs).size).toBe(plantableBugs.length);
});

test('a run that ended with a violation is done again from its file: the same one, at the same hash', async () => {
  const { lab, leader } = await open(planted('keepConflicts'));
  const { violation, moment, chainHash } = await play(lab, bugScenario('keepConflicts')(leader));
  const read = await readRunText(JSON.stringify(await lab.runFile()));
  await lab.close();
  expect(read).toMatchObject({ ok: true });
  if (!read.ok) return;
  const { lab: again } = await open({ run: read.run });
  expect(await again.state()).toMatchObject({
    ...{ violation, moment, chainHash, planted: ['keepConflicts'] },
    ...{ stopped: { kind: 'violation' }, replayed: { proven: true } },
  });
  await again.goOn();
  await again.pause();
  expect(await again.run(500_000)).toMatchObject({ ok: true });
  const further = await readRunText(JSON.stringify(await again.runFile()));
  await again.close();
  expect(further).toMatchObject({ ok: true });
  if (!further.ok) return;
  const { lab: third } = await open({ run: further.run });
  expect(await third.state()).toMatchObject({ violation, stopped: null, replayed: { proven: true } });
  await third.close();
});

test('the same scripts without the bug leave the checkers silent, and they say what they have looked at', async () => {
  const { lab, leader } = await open();
  for (const bug of ['keepConflicts', 'splitRevisions', 'revokeLeavesKey'] as const) {
    expect((await play(lab, bugScenario(bug)(leader))).stopped).toBe(null);
  }
  const report = await lab.checks();
  const counts = new Map(report?.properties.map(({ property, counts: each }) => [property, each]));
  expect(report).toMatchObject({ violation: null, aside: null });
  expect([...counts.keys()].sort()).toEqual(['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8', 'C9']);
  expect(counts.get('C2')?.['operations']).toBeGreaterThan(8);
  expect(counts.get('C3')?.['heard']).toBeGreaterThan(1);
  expect(report?.reach.cuts).toBeGreaterThan(0);
  await lab.close();
});

/** A lab of either layout, in this thread: what workers would do is done here, beside the twins. */
function labOf(layout: LabOptions['layout']): Lab {
  const local = new LocalMembers(Member.boot);
  const far: MemberHost = {
    layout: 'workers',
    perform: async (plan) => local.perform(plan),
    inspect: (query) => local.inspect(query),
    close: () => local.close(),
  };
  const members = async (): Promise<MemberHost> => (layout === 'workers' ? far : local);
  return new Lab({ clock: wallClock, locks: undefined, members, send: () => {} });
}

for (const layout of ['one', 'workers'] as const) {
  test(`layout ${layout}: files are gone through under load, though a batch is always open, and not at rest`, async () => {
    const lab = labOf(layout);
    await lab.open({ ...options, layout });
    const files = (): number =>
      lab.checks()?.properties.find(({ property }) => property === 'C6')?.counts['files'] ?? 0;
    await lab.act({ type: 'load', kind: 'kubernetes', perSecond: 20 });
    await lab.run(2_000_000);
    const early = files();
    await lab.run(1_500_000);
    const late = files();
    await lab.act({ type: 'load', kind: 'none', perSecond: 0 });
    await lab.run(1_000_000);
    const last = files();
    await lab.run(5_000_000);
    expect(early).toBeGreaterThan(3);
    expect(late).toBeGreaterThan(early + 3);
    expect(files()).toBeLessThanOrEqual(last + 3);
    expect(lab.state().stopped).toBe(null);
    await lab.close();
  });
}

for (const bug of ['overflowStays', 'takenSpanStays'] as const) {
  test(`a lab with the bug ${bug} is stopped by the check of its pages`, async () => {
    const { lab } = await open({ ...planted(bug), settings: { freelist: 'map' } });
    await lab.act({ type: 'load', kind: 'bigValues', perSecond: 20 });
    for (let i = 0; i < 8 && (await lab.state()).stopped === null; i++) await lab.run(500_000);
    const { violation } = await lab.state();
    expect(violation).toMatchObject({ property: 'C6' });
    expect(violation?.about).toContainEqual({ kind: 'page', member: 1, page: expect.any(Number) });
    await lab.close();
  });
}
