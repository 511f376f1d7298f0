/** Going back in a run of the engine itself: what is shown depends on the position alone. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import type { StepUnit } from '../../src/host/port.ts';
import { History, type Found, type Gap, type HistoryLimits } from '../../src/model/history.ts';
import type { Told } from '../../src/model/told.ts';
import { emptyView, foldView, type ViewState } from '../../src/model/view-state.ts';
import { liveRun } from './fixtures/real-run.ts';

let told: readonly Told[] = [];
beforeAll(async () => {
  told = await liveRun(openInProcess());
});

const units: readonly StepUnit[] = ['input', 'tick', 'message', 'raft', 'commit', 'page', 'command'];
/** What raft tells the views besides the nineteen actions of its state trace. */
const untraced: readonly string[] = [
  'raft.becomePreCandidate',
  'raft.leaderChanged',
  'raft.append',
  'raft.stable',
  'raft.compact',
  'raft.decideVote',
  'raft.resetElectionTimer',
  'raft.progress',
  'raft.readIndex',
  'raft.readAck',
  'raft.transferLeader',
];

/** @throws Error where it is not kept */
function stepOf(found: Found): number {
  if ('missing' in found) throw new Error(`step ${found.missing} is not kept`);
  return found.step;
}

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

const share = fc.nat({ max: 1000 }).map((thousandths) => thousandths / 1000);
const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 });

/** Where each step ends: where the next event is of another input. */
const ends = (): number[] =>
  told.flatMap(({ at }, i) => (told[i + 1]?.at.moment === at.moment ? [] : [i + 1]));
const endOf = (step: number): number => (step === 0 ? 0 : (ends()[step - 1] as number));

test('at any step the views are what a fold of all events from the start gives', () => {
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 1, max: 400 }),
      fc.array(share, { minLength: 1, maxLength: 6 }),
      (cut, frameEvents, wanted) => {
        const history = historyOf(cut, { frameEvents, frames: 5 });
        for (const one of wanted.map((part) => Math.round(part * history.stepCount)))
          expect(history.atStep(one)).toEqual(fromStart(endOf(one)));
      },
    ),
    { numRuns: 25 },
  );
});

test('a thousand steps back and forth, by any unit, come to equal views, and the present stays as it was', () => {
  const history = historyOf([37]);
  const { now, stepCount } = history;
  const seen = new Map<number, string>();
  const wish = fc.record({
    unit: fc.constantFrom(...units),
    direction: fc.constantFrom(-1 as const, 1 as const),
  });
  fc.assert(
    fc.property(share, fc.array(wish, { minLength: 100, maxLength: 100 }), (from, wishes) => {
      let at = Math.round(from * stepCount);
      for (const { unit, direction } of wishes) {
        at = stepOf(history.stepFrom(at, unit, direction));
        const view = JSON.stringify(history.atStep(at));
        expect(view).toBe(seen.get(at) ?? view);
        seen.set(at, view);
      }
    }),
    { numRuns: 10 },
  );
  for (const [step, view] of [...seen].slice(0, 20))
    expect(view).toBe(JSON.stringify(fromStart(endOf(step))));
  expect(history.atStep(stepCount)).toBe(now);
  expect(now).toEqual(fromStart(told.length));
});

/** The steps that hold a unit, looked for in the plain list of events. */
function stepsOf(unit: StepUnit): number[] {
  let committed = 0;
  const holds = ({ event }: Told): boolean => {
    const isNew = event.type === 'raft.commit' && event.index > committed;
    if (event.type === 'raft.commit') committed = Math.max(committed, event.index);
    switch (unit) {
      case 'input':
        return true;
      case 'tick':
        return event.type === 'sim.tick';
      case 'message':
        return event.type === 'sim.deliver';
      case 'raft':
        return event.type.startsWith('raft.') && !untraced.includes(event.type);
      case 'commit':
        return isNew;
      case 'page':
        return event.type === 'bolt.write' || event.type === 'bolt.writeMeta';
      case 'command':
        return event.type === 'sim.clientSend' || event.type === 'sim.clientDone';
      default:
        return unit satisfies never;
    }
  };
  const starts = [0, ...ends()];
  return ends().flatMap((end, i) => (told.slice(starts[i], end).filter(holds).length > 0 ? [i + 1] : []));
}

test('by each unit a step goes to the next or the last input that holds one; nothing else is passed over', () => {
  const history = historyOf([3, 50]);
  const { stepCount } = history;
  expect(stepCount).toBe(new Set(told.map(({ at }) => at.moment)).size);
  expect(history.atStep(0)).toEqual(emptyView(3));
  for (const unit of units) {
    const wanted = [...new Set([0, ...stepsOf(unit), stepCount])];
    expect(wanted.length, unit).toBeGreaterThan(4);
    for (const [direction, all] of [
      [1, wanted],
      [-1, wanted.toReversed()],
    ] as const) {
      const gone = [all[0] as number];
      while (gone.length < all.length)
        gone.push(stepOf(history.stepFrom(gone.at(-1) as number, unit, direction)));
      expect(gone).toEqual(all);
    }
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
  const commits = history.now.cluster.members.map(({ commitIndex }) => commitIndex);
  expect(of('commit').length).toBeLessThanOrEqual(Math.max(...commits));
  expect(history.markFrom(kill.step, -1)?.step).toBeLessThan(kill.step);
  expect(history.markFrom(history.stepCount, 1)).toBeNull();
});

test('of a long run the oldest events go and the marks stay; what is kept is shown as before', () => {
  const whole = historyOf([64]);
  const history = historyOf([64], { events: 200, frameEvents: 32, frames: 4 });
  expect(history.firstStep).toBeGreaterThan(0);
  expect(history.stepCount).toBe(whole.stepCount);
  expect(history.marks).toEqual(whole.marks);
  expect(history.eventsSince(-1).length).toBeLessThanOrEqual(400 + 64);
  for (let step = history.firstStep; step <= history.stepCount; step += 7)
    expect(history.atStep(step)).toEqual(whole.atStep(step));
  expect(history.atStep(0)).toEqual(whole.atStep(history.firstStep));
  expect(history.markFrom(history.firstStep, -1)).toBeNull();
});

test('of very many commits every second mark goes, again and again, and the newest stays', () => {
  const marks = (history: History) => history.marks.filter(({ kind }) => kind === 'commit');
  const [whole, history] = [marks(historyOf([64])), marks(historyOf([64], { commitMarks: 2 }))];
  expect(whole.length).toBeGreaterThan(5);
  expect(history.length).toBeLessThanOrEqual(4);
  expect(whole).toEqual(expect.arrayContaining(history));
  expect(history.at(-1)).toEqual(whole.at(-1));
});

/** What a time port would answer: whole moments of the run, as many as fit. */
function fetched({ from, toMoment, limit }: Gap): { events: readonly Told[]; toMoment: number } {
  const events = told.filter(({ at }) => at.moment > from.moment && at.moment <= toMoment);
  const next = events[limit];
  if (next === undefined) return { events, toMoment };
  const cut = Math.max(next.at.moment, (events[0] as Told).at.moment + 1);
  return { events: events.filter(({ at }) => at.moment < cut), toMoment: cut - 1 };
}

/** Looks from a step on as far as it goes, fetches there, and looks on from there. */
function nextStep(history: History, step: number, unit: StepUnit, direction: -1 | 1): number {
  let from = step;
  return reach(history, () => {
    const found = history.stepFrom(from, unit, direction);
    if ('missing' in found) from = found.missing - direction;
    return found;
  });
}

/** Fetches what is missing, until something is found. */
function reach(history: History, look: () => Found): number {
  for (;;) {
    const found = look();
    if ('step' in found) return found.step;
    bring(history, found.missing);
  }
}

function bring(history: History, step: number): void {
  for (let gap = history.gapBefore(step); gap !== null; gap = history.gapBefore(step)) {
    const { events, toMoment } = fetched(gap);
    expect(history.admit(gap, events, toMoment)).toBe(true);
  }
}

const short = { events: 200, frameEvents: 32, frames: 8, fetchedEvents: 150, fetched: 3 };

test('a history that fetches what it let go shows and finds what one shows that forgot nothing', () => {
  const whole = historyOf([64]);
  const history = historyOf([64], short);
  history.canFetch = true;
  expect([history.firstStep, history.stepCount]).toEqual([0, whole.stepCount]);
  const wish = fc.record({
    from: share,
    unit: fc.constantFrom(...units),
    direction: fc.constantFrom(-1 as const, 1 as const),
  });
  fc.assert(
    fc.property(wish, ({ from, unit, direction }) => {
      const step = Math.round(from * whole.stepCount);
      bring(history, step);
      expect(history.atStep(step)).toEqual(whole.atStep(step));
      expect(history.momentAt(step)).toBe(whole.momentAt(step));
      const next = nextStep(history, step, unit, direction);
      expect(next).toBe(stepOf(whole.stepFrom(step, unit, direction)));
      bring(history, next);
      expect(history.atStep(next)).toEqual(whole.atStep(next));
      const moment = whole.momentAt(next) + 1;
      expect(reach(history, () => history.stepUpTo(moment))).toBe(stepOf(whole.stepUpTo(moment)));
      expect(history.size.events).toBeLessThanOrEqual(400 + 64 + 3 * 150);
    }),
    { numRuns: 120 },
  );
});

test('what is fetched and is not what the run has told is refused', () => {
  const history = historyOf([64], { ...short, frames: 100 });
  history.canFetch = true;
  const gap = history.gapBefore(40) as Gap;
  const { events, toMoment } = fetched(gap);
  expect(history.admit(gap, [], toMoment)).toBe(false);
  expect(history.admit(gap, events.slice(1), toMoment)).toBe(false);
  expect(history.has(40)).toBe(false);
  expect(history.admit(gap, events, toMoment)).toBe(true);
});

test('a branch goes on from a copy of the past, which stays as it was', () => {
  const whole = historyOf([64]);
  const history = historyOf([64], short);
  history.canFetch = true;
  for (const part of [0.1, 0.5, 0.97]) {
    const step = Math.round(part * whole.stepCount);
    bring(history, step);
    const branch = history.branchAt(step);
    expect([branch.stepCount, branch.now]).toEqual([step, whole.atStep(step)]);
    expect(branch.marks).toEqual(whole.marks.filter((mark) => mark.step <= step));
    branch.append(told.slice(endOf(step)));
    expect([branch.stepCount, branch.marks]).toEqual([whole.stepCount, whole.marks]);
    expect(branch.now).toEqual(whole.now);
    bring(branch, 7);
    expect(branch.atStep(7)).toEqual(whole.atStep(7));
  }
  expect([history.stepCount, history.now]).toEqual([whole.stepCount, whole.now]);
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
