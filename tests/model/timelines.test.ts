/** Timelines of a lab: what is done in the past opens one, the one before stays, and each goes on by itself. */
import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import { makeStored } from '../../src/host/make-stored.ts';
import { readRun } from '../../src/host/run-schema.ts';
import { timeInProcess } from '../../src/host/time-in-process.ts';
import { Lab } from '../../src/model/lab.svelte.ts';

const options = { seed: 7, members: 3, storage: 'memory', layout: 'one', workspace: 'x' } as const;

/** A lab that has stored a value and then lost its leader. */
async function lostLeader() {
  const lab = new Lab(openInProcess(), timeInProcess);
  await lab.open({ ...options, lookOnly: false, preVote: true, startPaused: true });
  void lab.act({ type: 'put', key: 'greeting', value: 'hello' });
  await lab.run(1_000_000);
  const leader = lab.leader?.id ?? 0;
  const alive = lab.newest?.moment ?? 0;
  void lab.act({ type: 'kill', member: leader });
  await lab.run(3_000_000);
  return { lab, leader, alive };
}

test('what is done in the past opens a timeline named after it; the first history stays as it was', async () => {
  const { lab, leader, alive } = await lostLeader();
  const { moment, chainHash } = lab.newest as { moment: number; chainHash: string };
  await lab.goToMoment(alive);
  expect(lab.leader?.id).toBe(leader);
  const done = await lab.act({ type: 'slowDisk', member: 2, factor: 10 });
  expect(done).toMatchObject({ ok: true });
  const { timelines } = lab;
  expect(timelines).toMatchObject({ shown: 1, busy: '', problem: '' });
  expect(timelines.list).toMatchObject([
    { id: 0, moment, chainHash },
    { id: 1, parent: 0, name: 'slow-disk m2 x10' },
  ]);
  expect(lab.isPast).toBe(false);
  await lab.run(3_000_000);
  expect(lab.leader?.id).toBe(leader);
  expect(lab.cluster.members[1]?.diskFactor).toBe(10);

  await timelines.show(0);
  expect(lab.newest).toMatchObject({ moment, chainHash });
  expect(lab.leader?.id).not.toBe(leader);
  expect(lab.cluster.members[1]?.diskFactor).toBe(1);
  await timelines.show(1);
  expect(lab.leader?.id).toBe(leader);
}, 60_000);

test('a branch goes back to before it began, and branches again; each may be named, compared and closed', async () => {
  const { lab, alive } = await lostLeader();
  const { timelines } = lab;
  await lab.goToMoment(alive);
  await lab.act({ type: 'cut', from: 1, to: 2 });
  await lab.run(500_000);
  await lab.goToMoment(alive - 20);
  expect(lab.cluster.cuts).toHaveLength(0);
  void lab.act({ type: 'put', key: 'a', value: 'b' });
  await expect.poll(() => timelines.list.length).toBe(3);
  await lab.run(500_000);
  expect(timelines.list.map(({ name }) => name)).toEqual(['', 'cut m1 m2', 'put a b']);
  expect(Math.max(...lab.cluster.members.map(({ revision }) => revision))).toBe(3);

  await timelines.rename(2, 'another key');
  expect(timelines.list[2]).toMatchObject({ name: 'another key' });
  const compared = await timelines.compare(0, 1);
  const { fromMoment } = timelines.list[1] as { fromMoment: number };
  expect(compared).toMatchObject({ ok: true, parting: { moment: fromMoment + 1 } });
  await timelines.end(2);
  expect(timelines.list).toHaveLength(2);
  expect(timelines.list.some(({ id }) => id === timelines.shown)).toBe(true);
  expect(await timelines.end(0)).toMatchObject({ ok: false });
  expect(timelines.problem).not.toBe('');
}, 60_000);

test('the run of a branch, given away, comes to the same hash in a lab of its own', async () => {
  const { lab, alive } = await lostLeader();
  await lab.goToMoment(alive);
  void lab.act({ type: 'put', key: 'only', value: 'here' });
  await lab.run(1_000_000);
  await lab.act({ type: 'cut', from: 1, to: 3 });
  await lab.run(1_000_000);
  const { moment, chainHash } = lab.newest as { moment: number; chainHash: string };
  const file = await lab.runFile();
  expect(file.interventions.map(({ action }) => action.type)).toEqual(['put', 'put', 'cut']);
  const read = await readRun(file);
  const other = new Lab(openInProcess());
  if (read.ok) await other.open({ ...options, lookOnly: false, preVote: true, run: read.run });
  expect(other.newest).toMatchObject({ moment, chainHash, replayed: { proven: true } });
}, 60_000);

test('members are asked at the moment that is shown: of the past, of a branch, and of a branch’s past', async () => {
  const lab = new Lab(openInProcess(), timeInProcess);
  await lab.open({ ...options, lookOnly: false, preVote: true, startPaused: true });
  const put = async (value: string): Promise<number> => {
    void lab.act({ type: 'put', key: 'greeting', value });
    await lab.run(1_000_000);
    return lab.newest?.moment ?? 0;
  };
  const stored = async (): Promise<string> => {
    const asked = await lab.inspect({ kind: 'pages', member: 1 });
    const runs = asked.ok && asked.answer.kind === 'pages' ? asked.answer.runs : [];
    const items: string[] = [];
    for (const { pgid, kind } of runs.filter((run) => run.kind === 'leaf')) {
      const page = await lab.inspect({ kind: 'page', member: 1, pgid });
      if (kind === 'leaf' && page.ok && page.answer.kind === 'page')
        items.push(JSON.stringify(page.answer.page.items));
    }
    return items.join();
  };
  const first = await put('morning');
  await put('evening');
  expect(await stored()).toContain('evening');
  await lab.goToMoment(first);
  expect(await stored()).toContain('morning');
  expect(await stored()).not.toContain('evening');
  await put('noon');
  expect(lab.timelines.shown).toBe(1);
  expect(await stored()).toContain('noon');
  await lab.goToMoment(first);
  expect(await stored()).not.toContain('noon');
  await lab.timelines.show(0);
  expect(await stored()).toContain('evening');
}, 60_000);

test('a branch becomes the stored history: a reload comes back to it, and until then it is not closed', async () => {
  const stored = { ...options, storage: 'auto', lookOnly: false, preVote: true, startPaused: true } as const;
  const lab = new Lab(openInProcess(), timeInProcess);
  await lab.open(stored);
  await lab.run(500_000);
  await lab.goToMoment(lab.shownMoment - 20);
  void lab.act({ type: 'put', key: 'only', value: 'here' });
  await lab.run(1_000_000);
  const { timelines } = lab;
  expect(timelines).toMatchObject({ shown: 1, storedId: 0 });
  expect(await timelines.makeStored(1, makeStored)).toMatchObject({ ok: true });
  expect(timelines.storedId).toBe(1);
  expect(lab.state?.storage).toBe('indexeddb');
  expect(await timelines.end(1)).toMatchObject({ ok: false, code: 'stored' });
  expect(timelines.list).toHaveLength(2);
  await timelines.show(0);
  expect(lab.state?.storage).toBe('memory');
  await timelines.show(1);
  await timelines.storedTrack.port.close();

  const later = new Lab(openInProcess());
  await later.open(stored);
  const got = later.act({ type: 'get', key: 'only' });
  await later.run(5_000_000);
  expect(await got).toMatchObject({ ok: true, outcome: { ok: true, count: 1 } });
}, 60_000);

test('where nothing is stored, no branch can take its place', async () => {
  const { lab, alive } = await lostLeader();
  await lab.goToMoment(alive);
  await lab.act({ type: 'cut', from: 1, to: 2 });
  expect(await lab.timelines.makeStored(1, makeStored)).toMatchObject({ ok: false, code: 'not stored' });
  expect(lab.timelines.problem).toMatch(/lives in memory/);
}, 60_000);

test('a command that the lab refuses leaves no timeline behind, and one at a time is opened', async () => {
  const { lab, alive } = await lostLeader();
  const { timelines } = lab;
  await lab.goToMoment(alive);
  const { shownMoment } = lab;
  for (const refused of [{ type: 'no such thing' }, { type: 'start', member: 2 }])
    expect(await lab.act(refused)).toMatchObject({ ok: false });
  expect(timelines).toMatchObject({ shown: 0, list: [{ id: 0 }] });
  expect(lab.isPast).toBe(true);
  expect(lab.shownMoment).toBe(shownMoment);
  const both = await Promise.all([
    lab.act({ type: 'cut', from: 1, to: 2 }),
    lab.act({ type: 'cut', from: 2, to: 1 }),
  ]);
  expect(both).toMatchObject([{ ok: true }, { ok: true }]);
  expect(timelines.list).toHaveLength(2);
  await lab.run(100_000);
  expect(lab.cluster.cuts).toHaveLength(2);
}, 60_000);
