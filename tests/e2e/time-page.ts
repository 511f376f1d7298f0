/** A page with a lab and its past, and nothing else: for looking at the time worker itself. */
import { stream } from '../../src/base/prng.ts';
import { connectLab } from '../../src/host/connect.ts';
import { connectTime } from '../../src/host/connect-time.ts';
import type { LabState } from '../../src/host/port.ts';
import type { TimePort, Told } from '../../src/host/time-port.ts';
import type { Action } from '../../src/sim/types.ts';

/** What went otherwise than it should, in words; and how much was looked at. */
export interface Looked {
  readonly wrong: readonly string[];
  readonly count: number;
}

export interface TimePage {
  open(embedded: boolean): Promise<void>;
  /** Begins an action, and runs so many virtual milliseconds. */
  act(action: Action, virtualMs: number): Promise<void>;
  seeks(count: number): Promise<Looked>;
  windows(count: number): Promise<Looked>;
  /** Long and short questions at once: in which order they are answered. */
  answered(): Promise<readonly string[]>;
  state(): Promise<LabState>;
  readonly time: TimePort;
}

declare global {
  interface Window {
    timePage: TimePage;
  }
}

const told: Told[] = [];
const hashes = new Map<number, string>();
let newest = 0;

const lab = connectLab();
lab.subscribe(({ events, place }) => {
  told.push(...events);
  if (place === null) return;
  hashes.set(place.moment, place.chainHash);
  newest = place.moment;
});
let time: TimePort;

const draws = stream(1, 'looks');

async function seek(): Promise<string | null> {
  const moments = [...hashes.keys()];
  const moment = moments[draws.below(moments.length)] as number;
  const sought = await time.seek(0, moment);
  if (!sought.ok) return sought.message;
  const isSame = sought.moment === moment && sought.chainHash === hashes.get(moment);
  return isSame && sought.proven !== false ? null : `another hash at moment ${moment}`;
}

async function stretch(): Promise<string | null> {
  const from = draws.below(newest);
  const to = from + draws.below(500);
  const window = await time.window(0, from, to, 100_000);
  if (!window.ok) return window.message;
  const expected = told.filter(({ at }) => at.moment > from && at.moment <= to);
  const text = (events: readonly Told[]): string =>
    JSON.stringify(events, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return text(window.events) === text(expected) ? null : `other events from ${from} to ${to}`;
}

async function looked(count: number, look: () => Promise<string | null>): Promise<Looked> {
  const wrong: string[] = [];
  for (let i = 0; i < count; i++) {
    const why = await look();
    if (why !== null) wrong.push(why);
  }
  return { wrong, count };
}

window.timePage = {
  get time() {
    return time;
  },
  open: async (embedded) => {
    time = connectTime(lab, { embedded });
    const opened = await lab.open({
      ...{ seed: 9, members: 3, storage: 'memory', layout: 'workers', workspace: 'time' },
      ...{ lookOnly: false, preVote: true, startPaused: true },
    });
    if (!opened.ok) throw new Error(opened.message);
  },
  act: async (action, virtualMs) => {
    void lab.act(action);
    await lab.run(virtualMs * 1000);
    await lab.state();
  },
  state: () => lab.state(),
  seeks: (count) => looked(count, seek),
  windows: (count) => looked(count, stretch),
  answered: async () => {
    const order: string[] = [];
    const note = async (name: string, asked: Promise<unknown>): Promise<void> => {
      await asked;
      order.push(name);
    };
    await Promise.all([
      note('all that was told', time.window(0, 0, newest, 100_000)),
      note('timelines', time.timelines()),
      note('state', lab.state()),
    ]);
    return order;
  },
};
