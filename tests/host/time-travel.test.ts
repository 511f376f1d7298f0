/** The past of a lab's run: each moment is found again as it was, and what is told of it is what the lab told. */
import 'fake-indexeddb/auto';
import { afterAll, expect, test } from 'vitest';
import { stream } from '../../src/base/prng.ts';
import { connectLab } from '../../src/host/connect.ts';
import { connectTime } from '../../src/host/connect-time.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import type { LabBatch, LabOptions, LabPort, LabState } from '../../src/host/port.ts';
import { timeInProcess } from '../../src/host/time-in-process.ts';
import type { TimePort, Told } from '../../src/host/time-port.ts';
import type { Action } from '../../src/sim/types.ts';
import { WorkerDouble } from '../contract/worker-double.ts';

Object.assign(globalThis, { Worker: WorkerDouble });
afterAll(() => WorkerDouble.endAll());

let workspaces = 0;
const optionsOf = (changes: Partial<LabOptions> = {}): LabOptions => ({
  seed: 9,
  members: 3,
  storage: 'memory',
  layout: 'one',
  workspace: `past${++workspaces}`,
  lookOnly: false,
  preVote: true,
  startPaused: true,
  ...changes,
});

/** A lab, its past, and all that the lab told. */
class Watched {
  readonly told: Told[] = [];
  readonly hashes = new Map<number, string>();
  readonly root: LabPort;
  readonly time: TimePort;

  constructor(root: LabPort, connect: (root: LabPort) => TimePort) {
    this.root = root;
    root.subscribe((batch) => this.#hear(batch));
    this.time = connect(root);
  }

  #hear({ events, place }: LabBatch): void {
    this.told.push(...events);
    if (place !== null) this.hashes.set(place.moment, place.chainHash);
  }

  async open(options: LabOptions): Promise<LabState> {
    const opened = await this.root.open(options);
    if (!opened.ok) throw new Error(opened.message);
    return opened.state;
  }

  /** Begins actions, each after so many virtual milliseconds. */
  async do(steps: readonly (readonly [number, Action])[]): Promise<void> {
    for (const [ms, action] of steps) {
      await this.root.run(ms * 1000);
      void this.root.act(action);
    }
    await this.root.run(1_000_000);
    // what is on its way to the page arrives before this answer
    await this.root.state();
  }

  between(from: number, to: number): Told[] {
    return this.told.filter(({ at }) => at.moment > from && at.moment <= to);
  }

  get moment(): number {
    return this.told.at(-1)?.at.moment ?? 0;
  }

  async close(): Promise<void> {
    await this.time.close();
    await this.root.close();
  }
}

const faults: readonly (readonly [number, Action])[] = [
  [100, { type: 'load', kind: 'kubernetes', perSecond: 40 }],
  [700, { type: 'kill', member: 2 }],
  [600, { type: 'link', from: 1, to: 3, lossPerMille: 200, extraDelayUs: 5000 }],
  [500, { type: 'start', member: 2 }],
  [600, { type: 'powerCut', member: 1 }],
  [400, { type: 'start', member: 1 }],
  [500, { type: 'healAll' }],
  [0, { type: 'put', key: 'end', value: 'of the run' }],
];

/** Windows at random, asked for page by page as well, and seeks at random. */
async function isFoundAgain(lab: Watched, seed: number): Promise<void> {
  const draws = stream(seed, 'windows');
  for (let i = 0; i < 6; i++) {
    const from = draws.below(lab.moment);
    const to = from + draws.below(400);
    const window = await lab.time.window(0, from, to, 100_000);
    if (!window.ok) throw new Error(window.message);
    expect(window.events).toEqual(lab.between(from, to));
    expect(window.toMoment).toBe(Math.min(to, lab.moment));
    const sought = await lab.time.seek(0, draws.below(lab.moment));
    if (!sought.ok) throw new Error(sought.message);
    expect(sought.proven).toBe(true);
    expect(lab.hashes.get(sought.moment) ?? sought.chainHash).toBe(sought.chainHash);
  }
}

const ways: readonly {
  readonly name: string;
  readonly layout: LabOptions['layout'];
  readonly make: () => Watched;
}[] = [
  { name: 'in this thread', layout: 'one', make: () => new Watched(openInProcess(), timeInProcess) },
  {
    name: 'in workers',
    layout: 'workers',
    make: () => {
      const script = async () => ({ kind: 'module', url: 'lab' }) as const;
      return new Watched(connectLab(script), (root) => connectTime(root, { embedded: true }, script));
    },
  },
];

for (const { name, layout, make } of ways)
  test(`${name}: any stretch of a run with faults is told again as the lab told it`, async () => {
    const lab = make();
    await lab.open(optionsOf({ layout, checks: true }));
    await lab.do(faults);
    await isFoundAgain(lab, 1);
    await lab.close();
  });

test('what is no moment, too late, no timeline, no question or no name is refused by its code', async () => {
  const lab = new Watched(openInProcess(), timeInProcess);
  expect(await lab.time.seek(0, 0)).toMatchObject({ ok: false, code: 'not open' });
  const { members } = await lab.open(optionsOf());
  const moment = (await lab.root.state()).moment;
  expect(await lab.time.timelines()).toMatchObject([{ id: 0, parent: null, name: '', moment }]);
  for (const wrong of [-1, 0.5, Number.NaN, Infinity, '7', null, undefined, {}] as unknown as number[]) {
    expect(await lab.time.seek(0, wrong)).toMatchObject({ ok: false, code: 'bad moment' });
    expect(await lab.time.window(0, 0, wrong, 10)).toMatchObject({ ok: false, code: 'bad moment' });
    expect(await lab.time.seek(wrong, 0)).toMatchObject({ code: 'no timeline' });
    expect(await lab.time.window(0, 0, 9, wrong)).toMatchObject({ ok: false, code: 'bad limit' });
  }
  expect(await lab.time.seek(0, moment + 1)).toMatchObject({ ok: false, code: 'too late' });
  expect(await lab.time.window(0, moment + 1, moment + 2, 5)).toMatchObject({ code: 'too late' });
  expect(await lab.time.compare(0, 5)).toMatchObject({ ok: false, code: 'no timeline' });
  const questions = [null, 'raft', { kind: 'raft' }, { kind: 'all', member: 1 }, { kind: 'page', member: 1 }];
  for (const query of questions as never[])
    expect(await lab.time.inspect(0, 9, query)).toMatchObject({ ok: false, code: 'bad query' });
  const absent = await lab.time.inspect(0, 9, { kind: 'raft', member: members + 1 });
  expect(absent).toMatchObject({ ok: false, code: 'not there' });
  for (const name of ['', '  ', 'n'.repeat(201), 7 as unknown as string])
    expect(await lab.time.rename(0, name)).toMatchObject({ ok: false, code: 'bad name' });
  expect(await lab.time.rename(0, ' the first ')).toEqual({ ok: true });
  expect(await lab.time.timelines()).toMatchObject([{ name: 'the first' }]);
  await lab.time.close();
  expect(await lab.time.seek(0, 0)).toMatchObject({ ok: false, code: 'closed' });
  await lab.root.close();
});
