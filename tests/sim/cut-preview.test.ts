/** The preview of a power cut: what it tells is what the cut then does, and looking changes nothing. */
import { expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { imageFacts } from '../../src/sim/image-facts.ts';
import { clusterConfig, Lab, recordingTrace } from './worlds.ts';
import type { CutPreview, RiskyChange } from '../../src/sim/cut-preview.ts';
import type { ChosenFates } from '../../src/sim/power-cut.ts';

const victim = 2;

/** A lab whose member writes to a slow disk: changes wait in all stages. */
function busyLab(seed: number, trace = recordingTrace()): Lab {
  const lab = new Lab(Member.boot, { ...clusterConfig(), seed, trace, memberCount: 3 });
  lab.runFor(3_000_000);
  lab.do({ type: 'load', kind: 'kubernetes', perSecond: 60 });
  lab.runFor(1_000_000);
  lab.do({ type: 'disk', member: victim, syncMinUs: 30_000, lying: seed % 3 === 0 ? 1 : 0 });
  lab.runFor(200_000 + seed * 7919);
  return lab;
}

function preview(lab: Lab, chosen: Partial<ChosenFates> = {}): CutPreview {
  const cut = lab.cluster.previewCut(victim, chosen);
  if (typeof cut === 'string') throw new Error(cut);
  return cut;
}

/** Some of its sectors, where it has several; else whether it arrives goes by its place. */
const torn = ({ sectors }: RiskyChange, i: number): string =>
  sectors < 2 ? (i % 2 === 0 ? 'keep' : 'lose') : i % 3 === 0 ? '0' : i % 3 === 1 ? `${sectors - 1}` : 'keep';

const ways: readonly ((cut: CutPreview) => Partial<ChosenFates>)[] = [
  () => ({}),
  ({ changes }) => ({ fates: changes.map(() => 'keep') }),
  ({ changes }) => ({ fates: changes.map(() => 'lose'), names: 0 }),
  ({ changes }) => ({ fates: changes.map(torn) }),
];

for (const [place, way] of ways.entries()) {
  test(`what is told of a power cut is what it does: ${['dice', 'all', 'nothing', 'torn'][place]}`, () => {
    let changeCount = 0;
    for (const seed of [2, 3]) {
      const trace = recordingTrace();
      const lab = busyLab(seed, trace);
      lab.do({ type: 'isolate', member: victim });
      const chosen = way(preview(lab));
      const told = preview(lab, chosen);
      changeCount += told.changes.length;
      expect(lab.do({ type: 'powerCut', member: victim, ...chosen })).toBeNull();
      const done = trace.told.map(({ event }) => event).find(({ type }) => type === 'sim.powerCut');
      const { kept: keptWrites, lost: lostWrites, torn: tornWrites } = told.counts;
      expect(done).toMatchObject({ keptWrites, lostWrites, tornWrites });
      expect(imageFacts(lab.cluster.durable(victim))).toEqual(told.after);
      lab.cluster.act({ type: 'start', member: victim });
      lab.runFor(400_000);
      const halts = trace.told.flatMap(({ event }) => (event.type === 'server.halt' ? [event.reason] : []));
      expect(halts).toEqual(told.start.halted === null ? [] : [told.start.halted]);
      const started = lab.members.get(victim) as Member;
      if (told.start.halted !== null) continue;
      const { term, commit, lastIndex, revision } = told.start;
      expect(started.raftStatus()).toMatchObject({ term, commit, lastIndex });
      expect(started.state()?.store.kv.revision).toBe(revision);
    }
    expect(changeCount).toBeGreaterThan(5);
  });
}

test('whoever looks changes nothing: the run goes on to the same hash', () => {
  const [watched, alone] = [busyLab(5), busyLab(5)];
  for (let i = 0; i < 6; i++) {
    preview(watched);
    preview(watched, { fates: preview(watched).changes.map(() => 'lose') });
    for (const lab of [watched, alone]) lab.runFor(5000);
  }
  for (const lab of [watched, alone]) lab.do({ type: 'powerCut', member: victim });
  expect(watched.cluster.chainHash).toBe(alone.cluster.chainHash);
});

test('an honest disk may keep and lose what it likes: the log ends at a whole record, and the store is whole', () => {
  let states = 0;
  for (const seed of [1, 2, 4]) {
    const lab = busyLab(seed);
    const before = preview(lab);
    const count = Math.min(5, before.changes.length);
    for (let bits = 0; bits < 2 ** count; bits++) {
      const fates = before.changes.map((_, i) => ((bits >> (i % count)) & 1 ? 'keep' : 'lose'));
      const { after, start } = preview(lab, { fates });
      states++;
      expect(start.halted).toBeNull();
      expect(after.store?.problem).toBeNull();
      expect(after.log?.error).toBeNull();
      expect(after.log?.lastIndex).toBeLessThanOrEqual(before.now.log?.lastIndex ?? 0);
    }
  }
  expect(states).toBeGreaterThan(40);
});

test('fates that do not fit the disk are refused with the reason, and nothing happens', () => {
  const lab = busyLab(1);
  const { changes } = preview(lab);
  const keep = changes.map(() => 'keep');
  const one = changes.findIndex(({ sectors }) => sectors === 1);
  const many = changes.findIndex(({ sectors }) => sectors > 1);
  expect([one >= 0, many >= 0]).toEqual([true, true]);
  const last = changes[many].sectors - 1;
  const refused: readonly (readonly [ChosenFates, RegExp])[] = [
    [{ fates: [...keep, 'keep'] }, /changes on their way, and \d+ fates are given/],
    [{ fates: keep.with(0, 'perhaps') }, /change 1: a fate is keep, lose/],
    [{ fates: keep.with(one, '0') }, /one sector is kept or lost whole/],
    [{ fates: keep.with(many, `0-${last}`) }, /whose sectors all arrive is kept/],
    [{ fates: keep.with(many, `${last + 1}`) }, /has the sectors 0 to/],
    [{ fates: keep.with(many, '1+0') }, /named once, in order/],
    [{ fates: keep, names: -1 }, /0 or more, not -1/],
  ];
  for (const [chosen, why] of refused) {
    expect(lab.cluster.previewCut(victim, chosen)).toMatch(why);
    const outcome = lab.do({ type: 'powerCut', member: victim, ...chosen });
    expect(outcome?.ok === false && outcome.message).toMatch(why);
  }
  expect(lab.cluster.memberStatus(victim)).toBe('up');
  expect(lab.cluster.reach.powerCuts).toBe(0);
});

test('a change tells what it holds: records of the log, pages of the store', () => {
  const lab = busyLab(1);
  const { changes, behind } = preview(lab);
  const held = [...changes, ...behind].flatMap(({ contents }) => contents);
  expect(held.some((one) => one.kind === 'record' && one.record === 'entry' && one.index > 1)).toBe(true);
  for (const change of [...changes, ...behind]) {
    if (change.file !== 'member/snap/db') continue;
    const pages = change.contents.flatMap((one) => (one.kind === 'page' ? [one] : []));
    expect(pages[0].pgid * 4096).toBe(change.offset);
    expect(pages.map(({ page }) => page)).not.toContain('unknown');
  }
});
