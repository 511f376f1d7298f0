/** The pictures without an engine: a recorded log of events draws what the live run drew. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import { Lab } from '../../src/model/lab.svelte.ts';
import { liveRun } from './fixtures/real-run.ts';
import { read, recordedPath, recordedPort, written } from './fixtures/recorded-port.ts';

async function replay(text: string, sizes: readonly number[]): Promise<Lab> {
  const lab = new Lab(recordedPort(read(text), sizes));
  const options = { seed: 11, members: 3, storage: 'memory', layout: 'one', workspace: 'recorded' } as const;
  await lab.open({ ...options, lookOnly: false, preVote: true });
  return lab;
}

test('a recorded log, read from a file in place of the engine, draws what the live run draws', async () => {
  const port = openInProcess();
  const live = new Lab(port);
  await liveRun(port);
  // The log is a golden: where the engine now tells otherwise, read the difference, then
  // run node tests/run.mjs tests/model/record-run.ts
  const lab = await replay(readFileSync(recordedPath, 'utf8'), [50, 1, 333]);
  expect(lab.playback.shown).toEqual(live.playback.shown);
  expect([lab.sentence, lab.hint, lab.leader]).toEqual([live.sentence, live.hint, live.leader]);
  live.playback.goTo(Number.POSITIVE_INFINITY);
  lab.playback.goTo(Number.POSITIVE_INFINITY);
  const { stepCount, marks } = live.playback.trail;
  expect(lab.playback.trail).toEqual({ firstStep: 0, stepCount, marks });
  for (let step = 0; step < stepCount; step += 11) {
    await live.goTo(step);
    await lab.goTo(step);
    expect(lab.playback.shown).toEqual(live.playback.shown);
    expect([step, lab.sentence, lab.shownUs, lab.shownMoment]).toEqual([
      step,
      live.sentence,
      live.shownUs,
      live.shownMoment,
    ]);
  }
});

test('a log without its kill draws another end', async () => {
  const told = read(readFileSync(recordedPath, 'utf8'));
  const whole = await replay(written(told), [100]);
  const without = await replay(written(told.filter(({ event }) => event.type !== 'sim.kill')), [100]);
  expect(whole.cluster.members.map(({ process }) => process)).toContain('down');
  expect(without.cluster).not.toEqual(whole.cluster);
});

test('in the past the lab stands still; where nobody does its run again it takes no command there, and says why', async () => {
  const lab = await replay(readFileSync(recordedPath, 'utf8'), [100]);
  const now = lab.playback.shown;
  await lab.move('input', -1);
  expect(lab.isPast).toBe(true);
  expect(lab.shownUs).toBe(lab.cluster.timeUs);
  expect(await lab.act({ type: 'kill', member: 1 })).toMatchObject({ ok: false, code: 'no timelines' });
  expect(lab.timelines.problem).toMatch(/can be looked at/);
  expect(await lab.inspect({ kind: 'pages', member: 1 })).toMatchObject({ ok: false, code: 'no timelines' });
  await lab.move('input', 1);
  expect(lab.isPast).toBe(false);
  expect(lab.playback.shown).toBe(now);
});
