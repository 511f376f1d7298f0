/** Going back in a run of the engine itself: what is shown depends on the position alone. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import { History, type HistoryLimits } from '../../src/model/history.ts';
import type { Told } from '../../src/model/told.ts';
import { emptyView, foldView, type ViewState } from '../../src/model/view-state.ts';
import { liveRun } from './fixtures/real-run.ts';

let told: readonly Told[] = [];
beforeAll(async () => {
  told = await liveRun(openInProcess());
});

const words = ({ event }: Told): string => event.type;

/** The run as a history that took it in batches of these sizes, in turn. */
function historyOf(sizes: readonly number[], limits: Partial<HistoryLimits> = {}): History {
  const history = new History(emptyView(3), words, limits);
  for (let from = 0, i = 0; from < told.length; i++) {
    const size = sizes[i % sizes.length] as number;
    history.append(told.slice(from, from + size));
    from += size;
  }
  return history;
}

/** The slow and obvious way: each event from the start, one by one. */
const fromStart = (position: number): ViewState =>
  told.slice(0, position).reduce((view, one) => foldView(view, [one]), emptyView(3));

const position = fc.nat({ max: 1000 }).map((share) => Math.round((share / 1000) * told.length));
const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 });

test('at any position the views are what a fold of all events from the start gives', () => {
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 1, max: 400 }),
      fc.array(position, { minLength: 1, maxLength: 6 }),
      (cut, keyframeEvents, wanted) => {
        const history = historyOf(cut, { keyframeEvents, keyframes: 5 });
        for (const one of wanted) expect(history.at(one)).toEqual(fromStart(one));
      },
    ),
    { numRuns: 25 },
  );
});

test('two hundred jumps come back to equal views, and the present stays as it was', () => {
  const history = historyOf([37]);
  const { now } = history;
  const seen = new Map<number, string>();
  fc.assert(
    fc.property(position, (wanted) => {
      const view = JSON.stringify(history.at(wanted));
      expect(view).toBe(seen.get(wanted) ?? view);
      seen.set(wanted, view);
    }),
    { numRuns: 200 },
  );
  expect(history.at(told.length)).toBe(now);
  expect(now).toEqual(fromStart(told.length));
});

test('one step is all that one input brought about; so many back and forth end where they began', () => {
  const history = historyOf([3, 50]);
  expect(history.stepCount).toBe(new Set(told.map(({ at }) => at.moment)).size);
  expect(history.atStep(0)).toEqual(emptyView(3));
  for (const unit of ['input', 'message', 'commit'] as const) {
    let at = history.stepCount;
    for (let i = 0; i < 9; i++) at = history.stepFrom(at, unit, -1);
    expect(at).toBeLessThan(history.stepCount);
    for (let i = 0; i < 9; i++) at = history.stepFrom(at, unit, 1);
    expect(at).toBe(history.stepCount);
  }
});

test('elections, the kill and each first commit are marked, at the steps that hold them', () => {
  const history = historyOf([100]);
  const of = (kind: string) => history.marks.filter((mark) => mark.kind === kind);
  expect(of('election')).toHaveLength(told.filter(({ event }) => event.type === 'raft.becomeLeader').length);
  expect(of('fault').map(({ sentence }) => sentence)).toEqual(['sim.kill']);
  const [kill] = of('fault');
  const downAt = (step: number) =>
    history.atStep(step).cluster.members.filter((one) => one.process === 'down');
  expect([downAt(kill.step - 1).length, downAt(kill.step).length]).toEqual([0, 1]);
  expect(history.sentenceAt(kill.step)).toBe('sim.kill');
  const commits = history.at(told.length).cluster.members.map(({ commitIndex }) => commitIndex);
  expect(of('commit').length).toBeLessThanOrEqual(Math.max(...commits));
  expect(history.markFrom(kill.step, -1)?.step).toBeLessThan(kill.step);
  expect(history.markFrom(history.stepCount, 1)).toBeNull();
});

test('of a long run the oldest events go and the marks stay; what is kept is shown as before', () => {
  const whole = historyOf([64]);
  const history = historyOf([64], { events: 200, keyframeEvents: 32, keyframes: 4 });
  expect(history.firstStep).toBeGreaterThan(0);
  expect(history.stepCount).toBe(whole.stepCount);
  expect(history.marks).toEqual(whole.marks);
  expect(history.eventsSince(-1).length).toBeLessThanOrEqual(400 + 64);
  for (let step = history.firstStep; step <= history.stepCount; step += 7)
    expect(history.atStep(step)).toEqual(whole.atStep(step));
  expect(history.atStep(0)).toEqual(whole.atStep(history.firstStep));
  expect(history.markFrom(history.firstStep, -1)).toBeNull();
});

test('of very many commits only the newest keep their marks', () => {
  const history = historyOf([64], { commitMarks: 1 });
  const commits = history.marks.filter(({ kind }) => kind === 'commit');
  expect(commits.length).toBeLessThanOrEqual(2);
  expect(commits.at(-1)).toEqual(historyOf([64]).marks.findLast(({ kind }) => kind === 'commit'));
});

/** Events that pictures are made of; one of them told otherwise is another picture. */
const drawn: readonly Told['event']['type'][] = [
  'raft.becomeLeader',
  'raft.becomePreCandidate',
  'server.apply',
  'sim.send',
  'sim.deliver',
  'sim.kill',
  'sim.clientSend',
  'bolt.writeMeta',
];

/** What is drawn, without the clock, which every event moves. */
const picture = ({ cluster, ...rest }: ViewState): string =>
  JSON.stringify({ ...rest, members: cluster.members, messages: cluster.messages, legs: cluster.legs });

/** The same event, told falsely: of another member, another message, other words. */
function falsely({ at, event }: Told): Told {
  if (event.type === 'sim.send') return { at, event: { ...event, to: event.from } };
  if (event.type === 'sim.deliver') return { at, event: { ...event, message: event.message + 1 } };
  if (event.type === 'sim.clientSend') return { at, event: { ...event, label: `${event.label}!` } };
  return { at: { ...at, member: (at.member % 3) + 1 }, event };
}

test('an event that is left out, or told falsely, changes the picture', () => {
  const places = told.flatMap(({ event }, at) => (drawn.includes(event.type) ? [at] : []));
  fc.assert(
    fc.property(fc.constantFrom(...places), (at) => {
      const before = fromStart(at);
      const one = told[at] as Told;
      const own = picture(foldView(before, [one]));
      expect(picture(before)).not.toBe(own);
      expect(picture(foldView(before, [falsely(one)]))).not.toBe(own);
    }),
    { numRuns: 120 },
  );
});
