/**
 * The built site with a recorded log of events in place of the engine: the same pictures, element for element; and
 * a log that tells one event falsely draws another picture.
 */
import type { Page } from '@playwright/test';
import { build } from 'vite';
import { fileURLToPath } from 'node:url';
import { engineDefine } from '../../engine-fingerprint.mjs';
import { stream } from '../../src/base/prng.ts';
import type { Action } from '../../src/sim/types.ts';
import { act, actAndRun, expect, leader, openLab, ready, run, state, test, type SeenEvent } from './lab.ts';
import type { RecordedRun } from './recorded/recorded.worker.ts';

/** What is looked at: evenly spaced over the run. */
const lookCount = 14;

let script = '';
test.beforeAll(async () => {
  const entry = fileURLToPath(new URL('recorded/recorded.worker.ts', import.meta.url));
  const lib = { entry, formats: ['iife' as const], name: 'recorded', fileName: 'recorded' };
  const built = await build({
    configFile: false,
    define: engineDefine,
    logLevel: 'error',
    build: { write: false, lib },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) =>
    'output' in one ? one.output : [],
  );
  script = outputs.flatMap((one) => (one.type === 'chunk' ? [one.code] : [])).join('\n');
});

/** From now on the page's lab is this run. */
async function replaceEngine(page: Page, recorded: RecordedRun): Promise<void> {
  const body = `self.recordedRun = ${JSON.stringify(recorded)};\n${script}`;
  await page.unroute('**/lab.worker*.js');
  await page.route('**/lab.worker*.js', (route) => route.fulfill({ contentType: 'text/javascript', body }));
}

const scrubber = (page: Page) => page.getByRole('slider', { name: 'Moment of the run' });

/** The whole page as markup, but for the sentence that is just being spoken. */
const markup = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const copy = document.querySelector('#app')?.cloneNode(true) as Element;
    for (const spoken of copy.querySelectorAll('[data-spoken]')) spoken.textContent = '';
    return copy.innerHTML;
  });

/** The page at a step of a run of so many, once what is measured from its layout is drawn as well. */
async function pictureAt(page: Page, step: number, stepCount: number): Promise<string> {
  await expect(scrubber(page)).toHaveAttribute('max', String(stepCount));
  await scrubber(page).fill(String(step));
  await expect(scrubber(page)).toHaveValue(String(step));
  await page.evaluate(async () => {
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  });
  return markup(page);
}

/** Where two pages begin to differ, with what stands there; empty where they do not. */
function differenceOf(one: string, other: string): string {
  if (one === other) return '';
  const at = [...one].findIndex((letter, i) => letter !== other[i]);
  const from = Math.max(0, at - 80);
  return `${one.slice(from, at + 80)} <> ${other.slice(from, at + 80)}`;
}

const lookedAt = (last: number): readonly number[] =>
  Array.from({ length: lookCount }, (_, i) => Math.floor((last * i) / lookCount));

/** A run of an engine with something in it for each picture; where it ended, and what was drawn on the way. */
async function liveRun(page: Page, query: string) {
  await openLab(page, query);
  const then = async (action: Action, ms: number): Promise<void> => void (await actAndRun(page, action, ms));
  await then({ type: 'leaseGrant', ttl: 2, id: 'abc' }, 300);
  await then({ type: 'put', key: 'service/web', value: 'x', lease: 'abc' }, 300);
  await then({ type: 'slowDisk', member: 2, factor: 10 }, 0);
  await then({ type: 'link', from: 1, to: 2, extraDelayUs: 50_000, lossPerMille: 100 }, 200);
  await then({ type: 'put', key: 'greeting', value: 'hello' }, 500);
  await act(page, { type: 'kill', member: (await leader(page)) ?? 1 });
  await run(page, 6000);
  await act(page, { type: 'cut', from: 1, to: 3 });
  await run(page, 200);
  const events: readonly SeenEvent[] = await page.evaluate(() => [...window.quorumLab.events(-1)]);
  const recorded: RecordedRun = { events, state: await state(page) };
  const moments = [...new Set(events.map(({ at }) => at.moment))];
  const steps = lookedAt(moments.length);
  const pictures: string[] = [];
  for (const step of steps) pictures.push(await pictureAt(page, step, moments.length));
  return { recorded, moments, steps, pictures };
}

/** Events that a picture is made of. */
const drawn: ReadonlySet<string> = new Set([
  'raft.becomeLeader',
  'server.apply',
  'sim.send',
  'sim.deliver',
  'sim.kill',
  'sim.slowDisk',
  'sim.link',
  'lease.grant',
  'bolt.writeMeta',
]);

/** The same event, told falsely: of another member, another message, another number. */
function falsely({ at, event }: SeenEvent): SeenEvent {
  if (event.type === 'sim.send') return { at, event: { ...event, to: event.from } };
  if (event.type === 'sim.deliver') return { at, event: { ...event, message: event.message + 1000 } };
  if (event.type === 'sim.link') return { at, event: { ...event, extraDelayUs: event.extraDelayUs + 7000 } };
  return { at: { ...at, member: (at.member % 3) + 1 }, event };
}

for (const view of ['cluster', 'leases']) {
  const query = `?view=${view}&seed=11&storage=memory&layout=one&autoplay=0`;
  test(`${view}: without the engine a recorded log draws the same page; told falsely, another one`, async ({
    page,
  }) => {
    const { recorded, moments, steps, pictures } = await liveRun(page, query);
    expect(new Set(pictures).size).toBe(pictures.length);

    await replaceEngine(page, recorded);
    await page.goto(`./${query}`);
    await ready(page);
    for (const [i, step] of steps.entries())
      expect([
        step,
        differenceOf(pictures[i] as string, await pictureAt(page, step, moments.length)),
      ]).toEqual([step, '']);

    const draws = stream(3, 'false', view);
    const places = recorded.events.flatMap(({ event }, i) => (drawn.has(event.type) ? [i] : []));
    const lies = Array.from({ length: 5 }, () => places[draws.below(places.length)] as number).map(
      (place) => {
        const told = recorded.events[place] as SeenEvent;
        return { place, told, step: moments.indexOf(told.at.moment) + 1 };
      },
    );
    const own: string[] = [];
    for (const { step } of lies) own.push(await pictureAt(page, step, moments.length));
    for (const [i, { place, told, step }] of lies.entries()) {
      await replaceEngine(page, { ...recorded, events: recorded.events.with(place, falsely(told)) });
      await page.goto(`./${query}`);
      await ready(page);
      const difference = differenceOf(own[i] as string, await pictureAt(page, step, moments.length));
      expect([told.event.type, difference]).not.toEqual([told.event.type, '']);
    }
  });
}
