/** Steps whose events a page has let go: the run is done again beside it, and shows what it showed then. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import type { LabPort, StepUnit } from '../../src/host/port.ts';
import { timeInProcess } from '../../src/host/time-in-process.ts';
import type { TimePort } from '../../src/host/time-port.ts';
import { Playback } from '../../src/model/playback.svelte.ts';
import { liveRun } from './fixtures/real-run.ts';

const units: readonly StepUnit[] = ['input', 'tick', 'message', 'raft', 'commit', 'page', 'command'];
/** A page that keeps next to nothing. */
const forgetful = { events: 150, frameEvents: 40, frames: 6, fetchedEvents: 200, fetched: 2 };

interface Pages {
  readonly port: LabPort;
  readonly time: TimePort;
  /** Forgets, and fetches what it forgot. */
  readonly page: Playback;
  /** Forgets nothing. */
  readonly whole: Playback;
}

async function pages(): Promise<Pages> {
  const port = openInProcess();
  const [page, whole] = [new Playback(forgetful), new Playback()];
  for (const playback of [page, whole]) playback.reset(3);
  port.subscribe(({ events }) => {
    page.append(events);
    whole.append(events);
  });
  const time = timeInProcess(port);
  await liveRun(port);
  page.fetchBy((from, to, limit) => time.window(0, from, to, limit));
  return { port, time, page, whole };
}

const seen = ({ shown, cursor, moment, sentence }: Playback): unknown => ({
  shown,
  cursor,
  moment,
  sentence,
});

test('by any unit, from anywhere, the far past shows and tells what a page shows that forgot nothing', async () => {
  const { port, time, page, whole } = await pages();
  expect(page.trail.firstStep).toBe(0);
  const { stepCount } = page.trail;
  const wish = fc.record({
    to: fc.option(fc.nat({ max: stepCount }), { freq: 3 }),
    unit: fc.constantFrom(...units),
    direction: fc.constantFrom(-1 as const, 1 as const),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(wish, { minLength: 10, maxLength: 10 }), async (wishes) => {
      for (const playback of [page, whole]) await playback.goTo(0);
      for (const { to, unit, direction } of wishes) {
        for (const playback of [page, whole])
          await (to === null ? playback.move(unit, direction) : playback.goTo(to));
        expect(page.isFetching).toBe(false);
        expect(seen(page)).toEqual(seen(whole));
      }
    }),
    { numRuns: 12 },
  );
  expect(page.problem).toBe('');
  expect(page.size.events).toBeLessThan(1000);
  await time.close();
  await port.close();
});

test('a step that is not kept shows one nearby at once and says so; of many wishes the last is fulfilled', async () => {
  const { port, time, page, whole } = await pages();
  const arrived = page.goTo(60);
  expect([page.cursor, page.isFetching]).toEqual([60, true]);
  expect(page.sentence).toBe('this step is being done again');
  for (const step of [90, 120, 30]) void page.goTo(step);
  await page.goTo(45);
  await arrived;
  await whole.goTo(45);
  expect(seen(page)).toEqual(seen(whole));
  void page.goTo(70);
  page.toNow();
  whole.toNow();
  await page.arrived();
  expect([page.isPast, page.isFetching, page.shown]).toEqual([false, false, whole.shown]);
  await time.close();
  await port.close();
});

test('where nobody can do the run again the beginning is gone, with the reason, and what is kept is shown', async () => {
  const { port, time, page } = await pages();
  await page.goTo(20);
  await time.close();
  await page.goTo(80);
  expect(page.problem).toBe('The past of this run was closed.');
  expect(page.trail.firstStep).toBeGreaterThan(80);
  expect([page.cursor, page.isFetching]).toEqual([page.trail.firstStep, false]);
  await page.move('input', 1);
  expect(page.cursor).toBe(page.trail.firstStep + 1);
  await port.close();
});

test('a branch begins with the pictures of the past and goes on with its own', async () => {
  const { port, time, page, whole } = await pages();
  await whole.goTo(100);
  const branch = await page.branchAt(whole.moment);
  expect(branch?.shown).toEqual(whole.shown);
  expect(branch?.trail).toEqual({
    firstStep: 0,
    stepCount: 100,
    marks: whole.trail.marks.filter(({ step }) => step <= 100),
  });
  branch?.fetchBy((from, to, limit) => time.window(0, from, to, limit));
  await branch?.goTo(12);
  await whole.goTo(12);
  expect(branch?.shown).toEqual(whole.shown);
  await time.close();
  await port.close();
});
