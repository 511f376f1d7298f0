import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LabEvent } from '../../src/sim/types.ts';
import type { TracedEvent } from '../../src/host/trace-codec.ts';
import { TraceDecoder, TraceEncoder } from '../../src/host/trace-codec.ts';
import type { FieldKind } from '../../src/host/trace-table.ts';
import { eventTable } from '../../src/host/trace-table.ts';

const safe = fc.maxSafeNat();
const valueOf: Record<FieldKind, fc.Arbitrary<unknown>> = {
  u32: fc.nat({ max: 0xffffffff }),
  i32: fc.integer(),
  f64: safe,
  bool: fc.boolean(),
  text: fc.string({ unit: 'grapheme' }),
  numbers: fc.array(safe),
  texts: fc.array(fc.string()),
};

const at = fc.record({
  moment: safe,
  ordinal: fc.nat({ max: 70000 }),
  timeUs: safe,
  member: fc.nat({ max: 9 }),
});

function eventOf(type: string): fc.Arbitrary<LabEvent> {
  const fields = eventTable[type as keyof typeof eventTable] as Record<string, FieldKind>;
  const values = Object.fromEntries(Object.entries(fields).map(([name, kind]) => [name, valueOf[kind]]));
  return fc.record({ type: fc.constant(type), ...values }) as unknown as fc.Arbitrary<LabEvent>;
}

for (const type of Object.keys(eventTable)) {
  test(`${type} comes back from the packed form as it went in`, () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(at, eventOf(type)), { maxLength: 5 }), (events) => {
        const encoder = new TraceEncoder(1);
        for (const [envelope, event] of events) encoder.add(envelope, event);
        const chunk = encoder.take();
        const decoded = chunk === null ? [] : new TraceDecoder().decode(structuredClone(chunk));
        expect(decoded).toEqual(events.map(([envelope, event]): TracedEvent => ({ at: envelope, event })));
      }),
      { numRuns: 25 },
    );
  });
}

const envelope = { moment: 1, ordinal: 0, timeUs: 5, member: 0 };
const cut = (segment: string): LabEvent => ({ type: 'wal.cut', segment });

test('a string travels once, and sources keep tables of their own', () => {
  const decoder = new TraceDecoder();
  const first = new TraceEncoder(1);
  const second = new TraceEncoder(2);
  first.add(envelope, cut('a'));
  second.add(envelope, cut('b'));
  const chunks = [first.take(), second.take()];
  first.add(envelope, cut('a'));
  second.add(envelope, cut('c'));
  const later = [first.take(), second.take()];
  expect(later.map((chunk) => chunk?.strings)).toEqual([[], ['c']]);
  const events = [...chunks, ...later].flatMap((chunk) => (chunk === null ? [] : decoder.decode(chunk)));
  expect(events.map(({ event }) => event)).toEqual([cut('a'), cut('b'), cut('a'), cut('c')]);
});

test('a source that starts anew (a member after a restart) and a full table both forget old strings', () => {
  const decoder = new TraceDecoder();
  let encoder = new TraceEncoder(1);
  const seen: string[] = [];
  const send = (text: string) => {
    encoder.add(envelope, cut(text));
    const chunk = encoder.take();
    if (chunk !== null)
      seen.push(...decoder.decode(chunk).map(({ event }) => (event as { segment: string }).segment));
    return chunk;
  };
  send('old');
  encoder = new TraceEncoder(1);
  send('new');
  const resets = Array.from({ length: 9000 }, (_, i) => send(`key-${i}`)).filter(
    (chunk) => chunk?.reset,
  ).length;
  expect(resets).toBe(1);
  expect(seen).toEqual(['old', 'new', ...Array.from({ length: 9000 }, (_, i) => `key-${i}`)]);
});

test('a number that its row has no room for is refused, not cut', () => {
  const event: LabEvent = { type: 'sim.cut', from: 2 ** 32, to: 1 };
  expect(() => new TraceEncoder(0).add(envelope, event)).toThrow('sim.cut.from is not a u32');
});
