import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pace } from '../../src/host/pace.ts';
import type { LabEvent } from '../../src/sim/types.ts';

const send = (messageType: string, sentAt: number, deliverAt: number, entryCount = 0): LabEvent => ({
  type: 'sim.send',
  message: 1,
  from: 1,
  to: 2,
  messageType,
  sentAt,
  deliverAt,
  sizeBytes: 9,
  term: 1,
  index: 1,
  entryCount,
  reject: false,
});

/** Virtual time that `ms` of wall time in frames of 16 show. */
function shownIn(pace: Pace, ms: number): number {
  const from = pace.frontierUs;
  for (let at = 0; at < ms; at += 16) pace.advance(16);
  return pace.frontierUs - from;
}

test('idle, a second shows about 0.3 virtual seconds', () => {
  const shown = shownIn(new Pace(0), 1000);
  expect(shown).toBeGreaterThan(250_000);
  expect(shown).toBeLessThan(310_000);
});

test('a message of the log is seen to travel: the show slows down at once, and goes back to where it was sent', () => {
  const pace = new Pace(0);
  pace.advance(16);
  expect(pace.frontierUs).toBeGreaterThan(4000);
  pace.observe(1000, send('MsgApp', 1000, 2600, 1));
  expect(pace.frontierUs).toBe(1000);
  expect(pace.speed).toBe(10_000);
  const flightMs = 160;
  expect(shownIn(pace, flightMs)).toBeCloseTo(1600, -2);
});

test('heartbeats slow the show less than the log does, and what has arrived does not slow it', () => {
  const beats = new Pace(0);
  beats.observe(0, send('MsgHeartbeat', 0, 1600));
  expect(beats.speed).toBe(20_000);
  const notice = new Pace(0);
  notice.observe(0, send('MsgApp', 0, 1600));
  expect(notice.speed).toBe(20_000);
  const late = new Pace(0);
  late.observe(0, { type: 'sim.diskSync', file: 'db', request: 1, doneAt: 0 });
  expect(late.speed).toBe(300_000);
});

test('after the last arrival the show speeds up step by step', () => {
  const pace = new Pace(0);
  pace.observe(0, {
    type: 'sim.clientSend',
    request: 1,
    to: 1,
    method: 'x',
    label: '',
    sentAt: 0,
    deliverAt: 500,
  });
  shownIn(pace, 64);
  const speeds = Array.from({ length: 30 }, () => {
    pace.advance(16);
    return pace.speed;
  });
  expect(speeds).toEqual([...speeds].sort((a, b) => a - b));
  expect(new Set(speeds).size).toBeGreaterThan(10);
  expect(speeds[speeds.length - 1]).toBe(300_000);
});

test('under load the show goes on steadily; once it is over, single messages slow it down again', () => {
  const pace = new Pace(0);
  const request = (timeUs: number): LabEvent => ({
    type: 'sim.clientSend',
    request: 1,
    to: 1,
    method: 'x',
    label: '',
    sentAt: timeUs,
    deliverAt: timeUs + 700,
  });
  // fifty a virtual second
  const playUntil = (endUs: number, stepUs: number): number => {
    let wallMs = 0;
    for (let nextUs = pace.frontierUs; pace.frontierUs < endUs; wallMs += 16) {
      while (nextUs <= pace.frontierUs) {
        pace.observe(nextUs, request(nextUs));
        pace.observe(nextUs, send('MsgApp', nextUs, nextUs + stepUs, 1));
        nextUs += stepUs;
      }
      pace.advance(16);
    }
    return wallMs;
  };
  playUntil(1_000_000, 20_000);
  expect(pace.speed).toBe(50_000);
  const from = pace.frontierUs;
  const wallMs = playUntil(2_000_000, 20_000);
  expect(((pace.frontierUs - from) * 1000) / wallMs).toBeCloseTo(50_000, -3);
  while (pace.frontierUs < 3_500_000) pace.advance(16);
  expect(pace.speed).toBe(300_000);
  const late = pace.frontierUs;
  pace.observe(late, send('MsgApp', late, late + 1600, 1));
  expect(pace.speed).toBe(10_000);
});

test('the frontier never goes back but to the time of an event, and the factor multiplies it', () => {
  const steps = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 5000 }), fc.boolean()),
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 8 }), (list, factor) => {
      const pace = new Pace(0);
      pace.setFactor(factor);
      let eventUs = 0;
      for (const [elapsedMs, flightUs, isEvent] of list) {
        const before = pace.frontierUs;
        pace.advance(elapsedMs);
        expect(pace.frontierUs).toBeGreaterThanOrEqual(before);
        expect(pace.frontierUs - before).toBeLessThanOrEqual(Math.ceil(300 * elapsedMs * factor));
        if (!isEvent) continue;
        eventUs = Math.min(pace.frontierUs, eventUs + flightUs);
        pace.observe(eventUs, send('MsgApp', eventUs, eventUs + flightUs, 1));
        expect(pace.frontierUs).toBeGreaterThanOrEqual(eventUs);
      }
    }),
  );
});
