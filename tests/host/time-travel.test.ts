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
import { findFile } from '../parity/xray/files.ts';

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
  /** How far it has come. */
  moment = 0;
  readonly root: LabPort;
  readonly time: TimePort;

  constructor(root: LabPort, connect: (root: LabPort) => TimePort) {
    this.root = root;
    root.subscribe((batch) => this.#hear(batch));
    this.time = connect(root);
  }

  #hear({ events, place }: LabBatch): void {
    this.told.push(...events);
    if (place === null) return;
    this.hashes.set(place.moment, place.chainHash);
    this.moment = place.moment;
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
  [500, { type: 'healEverything' }],
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
    const { moment } = await lab.root.state();
    for (const member of [1, 2, 3])
      for (const query of [
        { kind: 'raft', member },
        { kind: 'pages', member },
        { kind: 'log', member, from: 1, limit: 10 },
      ] as const) {
        const now = await lab.root.inspect(query);
        expect(now.ok).toBe(true);
        expect(await lab.time.inspect(0, moment, query)).toEqual(now);
      }
    await lab.close();
  });

test('a window takes as many whole moments as so many events allow, and one in any case', async () => {
  const lab = new Watched(openInProcess(), timeInProcess);
  await lab.open(optionsOf());
  await lab.do([[10, { type: 'put', key: 'a', value: 'b' }]]);
  const all: Told[] = [];
  const end = lab.moment;
  for (let at = 0; at < end;) {
    const window = await lab.time.window(0, at, end, 25);
    if (!window.ok) throw new Error(window.message);
    const { events, toMoment } = window;
    expect(events).toEqual(lab.between(at, toMoment));
    const next = lab.between(toMoment, lab.told.find((told) => told.at.moment > toMoment)?.at.moment ?? end);
    const isFull = events.length <= 25 && (toMoment === end || events.length + next.length > 25);
    expect(isFull || new Set(events.map((told) => told.at.moment)).size === 1).toBe(true);
    all.push(...events);
    at = toMoment;
  }
  expect(all).toEqual(lab.told);
  const beyond = await lab.time.window(0, end - 5, end + 1000, 9999);
  expect(beyond).toMatchObject({ ok: true, toMoment: end });
  const late = timeInProcess(lab.root);
  expect(await late.seek(0, end)).toMatchObject({ ok: true, moment: end, proven: true });
  await late.close();
  await lab.close();
});

const image = () => ({ name: 'a.db', data: findFile('tests/testdata/xray', 'a-small.snapshot.db').bytes });
const begins: readonly (readonly [string, (workspace: string) => Partial<LabOptions>])[] = [
  ['stored data', (workspace) => ({ storage: 'auto', workspace })],
  ['a database file', () => ({ image: image() })],
  ['planted bugs', () => ({ planted: ['truncateAlways'], checks: true })],
  ['settings of its own', () => ({ settings: { freelist: 'map' }, preVote: false })],
];

test.each(begins)('a lab that began with %s is followed from its own beginning', async (name, changes) => {
  const options = optionsOf(changes(`begun ${name}`.replaceAll(' ', '-')));
  if (options.storage === 'auto' && options.image === undefined) {
    const before = new Watched(openInProcess(), timeInProcess);
    await before.open(options);
    await before.do([[20, { type: 'put', key: 'kept', value: 'before' }]]);
    await before.close();
  }
  const lab = new Watched(openInProcess(), timeInProcess);
  const { boot } = await lab.open(options);
  expect(boot).toBe(options.storage === 'auto' ? 2 : 1);
  await lab.do([
    [20, { type: 'load', kind: 'hotKey', perSecond: 30 }],
    [400, { type: 'restart', member: 1 }],
  ]);
  await isFoundAgain(lab, 2);
  const first = await lab.time.seek(0, 0);
  expect(first).toMatchObject({ ok: true, moment: 0, proven: true });
  await lab.close();
});

test('a run that is another one when it is done again is told of with its moment, whatever is asked', async () => {
  const real = openInProcess();
  const lab = new Watched(
    {
      ...real,
      genesis: async () => {
        const begun = await real.genesis();
        return begun.ok ? { ...begun, genesis: { ...begun.genesis, seed: 10 } } : begun;
      },
    },
    timeInProcess,
  );
  await lab.open(optionsOf());
  expect((await lab.time.memory()).problem).toBe(null);
  const sentence = /^The run done again is another one: its chain hash is \w+ at moment \d+, the run's was/;
  const wrong = { ok: false, code: 'internal', message: expect.stringMatching(sentence) as string };
  expect(await lab.time.seek(0, 5)).toEqual(wrong);
  expect(await lab.time.window(0, 0, 5, 100)).toEqual(wrong);
  expect(await lab.time.inspect(0, 1, { kind: 'raft', member: 1 })).toEqual(wrong);
  expect((await lab.time.memory()).problem).toMatch(sentence);
  await lab.close();
});

test('the time worker starts when it is asked or the run is long; one that died is named, and another starts', async () => {
  const names = (): string[] => [...WorkerDouble.running].map((worker) => worker.name);
  const lab = ways[1].make();
  await lab.open(optionsOf({ layout: 'one' }));
  await lab.do([]);
  expect(await lab.time.timelines()).toHaveLength(1);
  expect(await lab.time.memory()).toMatchObject({ bytes: 0, limit: 48 * 1024 * 1024 });
  expect(names()).not.toContain('time');
  const first = await lab.time.seek(0, 200);
  expect(first).toMatchObject({ ok: true, proven: true });
  expect(names()).toContain('time');
  const { port } = await branched(lab.time, 0, 200, 'ends with its worker');
  const pending = [lab.time.seek(0, 250), port.run(1_000_000)];
  WorkerDouble.newest('time').fail('out of memory');
  const message = 'The time worker failed: out of memory.';
  const died = { ok: false, code: 'internal', message };
  expect(await Promise.all(pending)).toEqual([died, died]);
  expect(names()).not.toContain('time');
  expect((await lab.time.memory()).problem).toBe(message);
  expect((await port.state()).stopped).toMatchObject({ kind: 'internal', message });
  const again = await lab.time.seek(0, 200);
  expect(again.ok && first.ok && again.chainHash === first.chainHash).toBe(true);
  expect(await lab.time.timelines()).toHaveLength(1);
  await lab.close();
  expect(names()).not.toContain('time');
});

/** A branch of a lab, and all that it told. */
async function branched(time: TimePort, parent: number, moment: number, name: string) {
  const opened = await time.branch(parent, moment, name);
  if (!opened.ok) throw new Error(opened.message);
  const { timeline, port } = opened;
  const told: Told[] = [];
  port.subscribe(({ events }) => told.push(...events));
  return { ...timeline, port, told };
}

for (const { name, make } of ways)
  test(`${name}: branches go their own way, the run stays as it was, and where they part is found`, async () => {
    const lab = make();
    await lab.open(optionsOf());
    await lab.do(faults.slice(0, 3));
    const end = (await lab.root.state()).chainHash;
    const half = Math.floor(lab.moment / 2);

    const idle = await branched(lab.time, 0, half, 'nothing else');
    expect(idle).toMatchObject({ parent: 0, name: 'nothing else' });
    expect(await lab.time.compare(0, idle.id)).toEqual({ ok: true, difference: null });
    await idle.port.run(200_000);
    expect(await lab.time.compare(0, idle.id)).toEqual({ ok: true, difference: null });
    expect(await idle.port.state()).toMatchObject({ storage: 'memory', seed: 9 });

    const other = await branched(lab.time, 0, half, 'm3 killed');
    void other.port.act({ type: 'kill', member: 3 });
    await other.port.run(600_000);
    const { moment, chainHash } = await other.port.state();
    const difference = {
      moment: other.fromMoment + 1,
      a: lab.told.find(({ at }) => at.moment === other.fromMoment + 1) ?? null,
      b: { at: { moment: other.fromMoment + 1, member: 3 }, event: { type: 'sim.kill' } },
    };
    expect(await lab.time.compare(0, other.id)).toMatchObject({ ok: true, difference });
    expect(await lab.time.seek(other.id, moment)).toMatchObject({ ok: true, chainHash, proven: true });
    const sought = await lab.time.seek(other.id, half - 100);
    expect(sought).toMatchObject({ proven: true });
    if (sought.ok) expect(await lab.time.seek(0, half - 100)).toMatchObject({ chainHash: sought.chainHash });
    const window = await lab.time.window(other.id, half - 50, moment, 100_000);
    const before = lab.between(half - 50, other.fromMoment);
    expect(window).toMatchObject({ ok: true, toMoment: moment });
    expect(window.ok && window.events).toEqual([...before, ...other.told]);

    const deeper = await branched(lab.time, other.id, moment, 'deeper');
    void deeper.port.act({ type: 'start', member: 3 });
    await deeper.port.run(300_000);
    expect(await lab.time.compare(deeper.id, idle.id)).toMatchObject({
      difference: { moment: difference.moment },
    });
    expect(await lab.time.compare(other.id, deeper.id)).toEqual({ ok: true, difference: null });
    expect((await lab.time.timelines()).map(({ id, parent }) => [id, parent])).toEqual([
      [0, null],
      [1, 0],
      [2, 0],
      [3, 2],
    ]);

    expect(await lab.time.end(0)).toMatchObject({ ok: false, code: 'the root' });
    expect(await lab.time.end(other.id)).toMatchObject({ ok: false, code: 'has branches' });
    expect(await lab.time.end(deeper.id)).toEqual({ ok: true });
    expect(await lab.time.end(other.id)).toEqual({ ok: true });
    expect(await lab.time.seek(other.id, half)).toMatchObject({ ok: false, code: 'no timeline' });
    expect(await other.port.run(1)).toMatchObject({ ok: false, code: 'not open' });
    expect((await lab.root.state()).chainHash).toBe(end);
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
