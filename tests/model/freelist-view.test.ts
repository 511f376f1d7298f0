/** The freelist race as pictures: the article's numbers, and what each step must say of the lists it draws. */
import { expect, test } from 'vitest';
import { stream } from '../../src/base/prng.ts';
import { openRacesInProcess } from '../../src/host/freelist-role.ts';
import type { Race } from '../../src/host/freelist-port.ts';
import { FreelistShow } from '../../src/model/freelist.svelte.ts';
import {
  racePresets,
  timelineOf,
  viewRace,
  type RaceView,
  type SideView,
} from '../../src/model/freelist-view.ts';

async function raceOf(preset: (typeof racePresets)[number], seed = 7): Promise<Race> {
  const opened = await openRacesInProcess().openRace(preset, seed);
  if (!opened.ok) throw new Error(opened.message);
  return opened.race;
}

function viewsOf(race: Race): RaceView[] {
  const timeline = timelineOf(race);
  return timeline.moments.map((_, step) => viewRace(race, timeline, step));
}

test("the article's figure is drawn: 47 for three pages in both, then one span of six from 44", async () => {
  const views = viewsOf(await raceOf('article'));
  const allocated = views.findLast(({ operation }) => operation.kind === 'allocate');
  expect(allocated?.array).toMatchObject({ given: [47, 3], ids: [42, 44], work: { scanned: 5, probed: 0 } });
  expect(allocated?.hashmap).toMatchObject({
    given: [47, 3],
    spans: [
      [42, 1],
      [44, 1],
    ],
    work: { scanned: 1, probed: 1 },
  });
  const last = views.at(-1);
  expect(last?.hashmap).toMatchObject({
    freemaps: [
      [1, [42]],
      [6, [44]],
    ],
    forwardMap: [
      [42, [1]],
      [44, [6]],
    ],
    backwardMap: [
      [42, [1]],
      [49, [6]],
    ],
    merge: { start: 44, counts: [1, 2, 3] },
  });
  expect(last?.array.ids).toEqual([42, 44, 45, 46, 47, 48, 49]);
});

test('the scan moves one entry a step, and the counters with it', async () => {
  const views = viewsOf(await raceOf('article')).filter(({ operation }) => operation.kind === 'allocate');
  expect(views.map(({ array }) => array.looking?.at ?? null)).toEqual([null, 42, 44, 47, 48, 49, null, null]);
  expect(views.map(({ array }) => array.work.scanned)).toEqual([0, 1, 2, 3, 4, 5, 5, 5]);
  expect(views.map(({ hashmap }) => hashmap.isDone)).toEqual([
    false,
    false,
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

function spansFrom(view: SideView): Record<number, number> {
  return Object.fromEntries(view.forwardMap.map(([start, [size]]) => [start, size]));
}

test('after each operation the drawn lists are the lists: free ids, spans, all three maps and the work', async () => {
  for (const preset of racePresets) {
    const race = await raceOf(preset);
    const timeline = timelineOf(race);
    let work = { array: 0, hashmap: 0 };
    race.operations.forEach((operation, i) => {
      const step = timeline.moments.findLastIndex((moment) => moment.operation === i);
      const view = viewRace(race, timeline, step);
      if (operation.kind === 'init') work = { array: 0, hashmap: 0 };
      for (const name of ['array', 'hashmap'] as const) {
        const told = race.sides[name][i];
        work[name] += told.work.scanned + told.work.probed;
        expect(view[name].work.scanned + view[name].work.probed).toBe(work[name]);
        expect(view[name].spans).toEqual(told.free.starts.map((start, k) => [start, told.free.counts[k]]));
      }
      const { hashmap } = view;
      expect(spansFrom(hashmap)).toEqual(Object.fromEntries(hashmap.spans));
      expect(hashmap.backwardMap).toEqual(
        hashmap.spans.map(([start, count]) => [start + count - 1, [count]]),
      );
      const bySize = hashmap.freemaps.flatMap(([size, starts]) => starts.map((start) => [start, size]));
      expect(bySize.sort((a, b) => a[0] - b[0])).toEqual(hashmap.spans);
    });
  }
});

test('a step shows the same picture from wherever it is reached', async () => {
  const show = new FreelistShow(openRacesInProcess(), 7);
  await show.open('interleaved', false);
  const prng = stream(3, 'jumps');
  const first = Array.from({ length: show.lastStep + 1 }, (_, step) => {
    show.seek(step);
    return JSON.stringify(show.view);
  });
  for (let i = 0; i < 60; i++) {
    show.seek(prng.below(show.lastStep + 1));
    expect(JSON.stringify(show.view)).toBe(first[show.step]);
    if (show.step === 0) continue;
    show.back();
    show.next();
    expect(JSON.stringify(show.view)).toBe(first[show.step]);
  }
});

test('an event that is changed changes the picture', async () => {
  const race = await raceOf('article');
  const changed = structuredClone(race) as { -readonly [Key in keyof Race]: Race[Key] };
  const event = changed.sides.hashmap
    .flatMap(({ events }) => events)
    .find(({ type }) => type === 'freelist.addSpan');
  Object.assign(event ?? {}, { count: 5 });
  expect(viewsOf(changed).at(-1)).not.toEqual(viewsOf(race).at(-1));
});

test('playing takes its steps by the clock, stands still at the end, and begins anew from there', async () => {
  const show = new FreelistShow(openRacesInProcess(), 7);
  await show.open('article', true);
  show.frame(1000);
  expect(show.step).toBe(0);
  show.frame(1000 + 520);
  expect(show.step).toBe(1);
  show.seek(show.lastStep);
  expect(show.playing).toBe(false);
  show.togglePlay();
  expect([show.step, show.playing]).toEqual([0, true]);
});
