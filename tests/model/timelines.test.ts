/** Timelines of a lab: what is done in the past opens one, the one before stays, and each goes on by itself. */
import { expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
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
  expect(compared).toMatchObject({ ok: true, difference: { moment: fromMoment + 1 } });
  await timelines.end(2);
  expect(timelines.list).toHaveLength(2);
  expect(timelines.list.some(({ id }) => id === timelines.shown)).toBe(true);
  expect(await timelines.end(0)).toMatchObject({ ok: false });
  expect(timelines.problem).not.toBe('');
}, 60_000);

test('a command that the lab refuses leaves no timeline behind, and one at a time is opened', async () => {
  const { lab, alive } = await lostLeader();
  const { timelines } = lab;
  await lab.goToMoment(alive);
  const { shownMoment } = lab;
  expect(await lab.act({ type: 'no such thing' })).toMatchObject({ ok: false });
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
