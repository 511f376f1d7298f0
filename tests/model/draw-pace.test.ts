/** How often pictures are drawn, in frames whose times are given. */
import { expect, test } from 'vitest';
import { DrawPace } from '../../src/model/draw-pace.ts';

/** Which of the frames at these times are drawn. */
function drawnOf(times: readonly number[], isSteady: boolean): readonly number[] {
  const pace = new DrawPace();
  return times.filter((nowMs) => pace.isDue(nowMs, isSteady));
}

const every = (gapMs: number, untilMs: number): number[] =>
  Array.from({ length: Math.floor(untilMs / gapMs) }, (_, i) => i * gapMs);

test('while drawing is cheap, each frame is drawn', () => {
  expect(drawnOf(every(16, 320), true)).toEqual(every(16, 320));
});

test('a dear drawing is followed by a rest in which others work, and never by a long one', () => {
  expect(drawnOf([0, 60, 76, 92, 108, 124, 140, 156], true)).toEqual([0, 124, 140, 156]);
  expect(drawnOf([0, 400, 600], true)).toEqual([0, 400, 600]);
});

test('a run at full speed is drawn a few times a second', () => {
  expect(drawnOf(every(20, 1_000), false)).toEqual([0, 260, 520, 780]);
});
