/** Messages in space and time, of a run of the engine itself: each is where the events say it was. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import { emptyCluster, foldCluster } from '../../src/model/cluster-view.ts';
import { History } from '../../src/model/history.ts';
import { emptyLanes, foldLanes, stretchesKept } from '../../src/model/lanes.ts';
import { namedTimes } from '../../src/model/layout/time-axis.ts';
import { drawable, filtered, groupOf, lookBackUs, signs, spacetimeOf } from '../../src/model/spacetime.ts';
import type { Flight, Happening } from '../../src/model/spacetime.ts';
import type { Told } from '../../src/model/told.ts';
import { emptyView } from '../../src/model/view-state.ts';
import { liveRun } from './fixtures/real-run.ts';

let told: readonly Told[] = [];
beforeAll(async () => {
  told = await liveRun(openInProcess());
});

test('at every event a lane says what the cluster says of its member', () => {
  let cluster = emptyCluster(3);
  let lanes = emptyLanes(3);
  for (const one of told) {
    cluster = foldCluster(cluster, [one]);
    lanes = foldLanes(lanes, [one]);
    for (const { id, process, role } of cluster.members) {
      expect(lanes[id - 1]?.at(-1)).toMatchObject(process === 'up' ? { process, role } : { process });
    }
  }
  expect(lanes).toEqual(foldLanes(emptyLanes(3), told));
  expect(lanes.every((lane) => lane.length > 1 && lane.length <= stretchesKept)).toBe(true);
  expect(
    lanes.every((lane) => lane.every(({ fromUs }, i) => i === 0 || fromUs > (lane[i - 1]?.fromUs ?? 0))),
  ).toBe(true);
});

test('a window holds each message that was under way in it, with the end that it really had', () => {
  const lastUs = told.at(-1)?.at.timeUs ?? 0;
  const lanes = foldLanes(emptyLanes(3), told);
  fc.assert(
    fc.property(fc.nat({ max: lastUs }), fc.integer({ min: 1000, max: 3_000_000 }), (toUs, spanUs) => {
      const fromUs = Math.max(0, toUs - spanUs);
      const known = told.filter(({ at }) => at.timeUs <= toUs);
      const { messages } = foldCluster(emptyCluster(3), known);
      const events = known.filter(({ at }) => at.timeUs >= fromUs - lookBackUs);
      const { flights, bands } = spacetimeOf({ fromUs, toUs }, events, lanes, messages);
      const ids = new Set(flights.map(({ id }) => id));
      for (const { at, event } of known) {
        if (event.type === 'sim.deliver' && at.timeUs >= fromUs) {
          const flight = flights.find(({ id }) => id === event.message);
          expect(flight).toMatchObject({ end: 'arrived', endsAtUs: at.timeUs, endMoment: at.moment });
        }
        if (event.type === 'sim.drop' && at.timeUs >= fromUs) expect(ids.has(event.message)).toBe(true);
      }
      for (const { id, lost } of messages) if (lost === null) expect(ids.has(id)).toBe(true);
      for (const lane of bands) {
        if (toUs === fromUs) continue;
        expect([lane[0]?.fromUs, lane.at(-1)?.toUs]).toEqual([fromUs, toUs]);
      }
    }),
    { numRuns: 40 },
  );
});

test('the events of a window and the step of an input are found as a search from the start finds them', () => {
  const history = new History(emptyView(3), () => null);
  history.append(told);
  fc.assert(
    fc.property(fc.nat({ max: history.stepCount }), fc.nat({ max: 4_000_000 }), (step, fromUs) => {
      const moment = history.momentAt(step);
      const expected = told.filter(({ at }) => at.timeUs >= fromUs && at.moment <= moment);
      expect(history.between(fromUs, step)).toEqual(expected);
      if (step > 0) expect(history.stepUpTo(moment)).toEqual({ step });
    }),
    { numRuns: 100 },
  );
});

const flight = (id: number, messageType: string): Flight => ({
  ...{ id, messageType, group: groupOf(messageType), from: 1, to: 2, sentAtUs: id, endsAtUs: id + 1 },
  ...{ end: 'arrived', because: '', term: 1, index: id, entryCount: 0, sizeBytes: 9, reject: false },
  ...{ sentMoment: 1, endMoment: 2 },
});

test('where too many flights would be drawn heartbeats give way before votes, and the newest stay', () => {
  const many = Array.from({ length: 30 }, (_, i) => flight(i, i % 3 === 0 ? 'MsgVote' : 'MsgHeartbeat'));
  expect(drawable(many, 30)).toEqual(many);
  expect(drawable(many, 10).map(({ messageType }) => messageType)).toEqual(Array(10).fill('MsgVote'));
  expect(drawable(many, 4).map(({ id }) => id)).toEqual([18, 21, 24, 27]);
});

test('where too many signs stand on a lane syncs and commits give way, before what changes a member', () => {
  const told = { at: { moment: 1, ordinal: 0, member: 1, timeUs: 0 }, event: { type: 'sim.tick' } };
  const sign = (kind: Happening['kind'], timeUs: number): Happening =>
    ({ key: `${timeUs}`, kind, member: 1, timeUs, told }) as unknown as Happening;
  const kinds: readonly Happening['kind'][] = ['sync', 'commit', 'lead', 'sync', 'end'];
  const many = kinds.map(sign);
  expect(signs(many, 5)).toEqual(many);
  expect(signs(many, 3).map(({ kind }) => kind)).toEqual(['commit', 'lead', 'end']);
  expect(signs(many, 2).map(({ kind }) => kind)).toEqual(['lead', 'end']);
  expect(signs(many, 1).map(({ kind }) => kind)).toEqual(['lead']);
  expect(signs([...many, sign('lead', 9)], 1).map(({ timeUs }) => timeUs)).toEqual([9]);
});

test('types, folded members and a part of the words leave flights out', () => {
  const all = [flight(1, 'MsgVote'), { ...flight(2, 'MsgApp'), to: 3 }, flight(3, 'MsgApp')];
  const words = ({ messageType, to }: Flight): string => `${messageType} m${to}`;
  const ids = (hidden: 'vote'[], collapsed: number[], text: string): number[] =>
    filtered(all, { hidden: new Set(hidden), collapsed: new Set(collapsed), text }, words).map(
      ({ id }) => id,
    );
  expect(ids([], [], '')).toEqual([1, 2, 3]);
  expect(ids(['vote'], [], '')).toEqual([2, 3]);
  expect(ids([], [3], '')).toEqual([1, 3]);
  expect(ids([], [], ' msgAPP M3')).toEqual([2]);
});

test('named times are round, inside the window, and apart', () => {
  fc.assert(
    fc.property(fc.nat(1e9), fc.integer({ min: 1, max: 1e8 }), (fromUs, spanUs) => {
      const axis = { fromUs, toUs: fromUs + spanUs, left: 0, right: 800 };
      const times = namedTimes(axis);
      expect(times.every((time) => time >= fromUs && time <= fromUs + spanUs)).toBe(true);
      expect(times.length).toBeLessThanOrEqual(11);
      for (let i = 1; i < times.length; i++) {
        expect((((times[i] as number) - (times[i - 1] as number)) * 800) / spanUs).toBeGreaterThanOrEqual(83);
      }
    }),
  );
});
