/** Another timeline becomes the stored one: what is stored then is its run, whole, and a reload goes on with it. */
import 'fake-indexeddb/auto';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { connectLab } from '../../src/host/connect.ts';
import { connectTime } from '../../src/host/connect-time.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import { makeStored } from '../../src/host/make-stored.ts';
import type { LabOptions, LabPort } from '../../src/host/port.ts';
import { readRun } from '../../src/host/run-schema.ts';
import { timeInProcess } from '../../src/host/time-in-process.ts';
import type { TimePort } from '../../src/host/time-port.ts';
import type { Action } from '../../src/sim/types.ts';
import { WorkerDouble } from '../contract/worker-double.ts';
import { OpfsDouble } from './opfs-double.ts';

Object.assign(globalThis, { Worker: WorkerDouble });
afterAll(() => WorkerDouble.endAll());
afterEach(() => vi.unstubAllGlobals());

let workspaces = 0;
const optionsOf = (changes: Partial<LabOptions> = {}): LabOptions => ({
  ...{ seed: 9, members: 3, storage: 'auto', layout: 'one', workspace: `stored${++workspaces}` },
  ...{ lookOnly: false, preVote: true, startPaused: true, ...changes },
});

const script = async () => ({ kind: 'module', url: 'lab' }) as const;
interface Way {
  readonly name: string;
  readonly lab: () => LabPort;
  readonly time: (root: LabPort) => TimePort;
  readonly options: Partial<LabOptions>;
}
const inThread = { lab: () => openInProcess(), time: (root: LabPort) => timeInProcess(root) };
const inWorkers = {
  lab: () => connectLab(script),
  time: (root: LabPort) => connectTime(root, { embedded: false }, script),
};
const ways: readonly Way[] = [
  { name: 'in this thread, in the database', ...inThread, options: {} },
  { name: 'in this thread, in files', ...inThread, options: { storage: 'opfs' } },
  { name: 'in workers, in the database', ...inWorkers, options: { layout: 'workers', checks: true } },
  { name: 'in workers, in files', ...inWorkers, options: { storage: 'opfs' } },
];

async function opened(port: LabPort, options: LabOptions): Promise<LabPort> {
  const answer = await port.open(options);
  if (!answer.ok) throw new Error(answer.message);
  return port;
}

/** Does an action, and runs so much virtual time. */
async function done(port: LabPort, action: Action, ms = 1500) {
  const acting = port.act(action);
  await port.run(ms * 1000);
  return acting;
}
const put = (key: string) => ({ type: 'put', key, value: 'x'.repeat(50) }) as const;
async function has(port: LabPort, key: string): Promise<boolean> {
  const got = await done(port, { type: 'get', key }, 6000);
  const outcome = got.ok ? got.outcome : null;
  if (outcome?.ok !== true || outcome.type !== 'get') throw new Error(`get ${key} failed`);
  return outcome.count === 1;
}

/** A branch behind a moment. */
async function branched(time: TimePort, moment: number): Promise<LabPort> {
  const branch = await time.branch(0, moment, 'another way');
  if (!branch.ok) throw new Error(branch.message);
  return branch.port;
}

/** Does a lab's run again from its file, in memory. */
async function again(port: LabPort) {
  const read = await readRun(JSON.parse(JSON.stringify(await port.runFile())));
  if (!read.ok) throw new Error(read.message);
  const lab = await opened(openInProcess(), optionsOf({ run: read.run }));
  const { chainHash, moment, replayed } = await lab.state();
  const keys = [await has(lab, 'before'), await has(lab, 'root'), await has(lab, 'mine')];
  await lab.close();
  return { chainHash, moment, proven: replayed?.proven, keys };
}

for (const { name, lab, time: connect, options: changes } of ways)
  test(`${name}: a branch takes the place of the run that it left, which goes on in memory`, async () => {
    const disk = new OpfsDouble();
    vi.stubGlobal('navigator', { storage: { getDirectory: disk.root } });
    const kind = changes.storage === 'opfs' ? 'opfs' : 'indexeddb';
    const options = optionsOf(changes);
    // an earlier boot, so that the history has two
    const first = await opened(openInProcess(), { ...options, layout: 'one' });
    await done(first, put('before'));
    await first.close();
    const root = await opened(lab(), options);
    await done(root, put('early'));
    const { moment: fork } = await root.state();
    await done(root, put('root'));
    const time = connect(root);
    const branch = await branched(time, fork);
    void branch.act({ type: 'kill', member: 2 });
    await done(branch, put('mine'));
    expect(await makeStored(root, branch)).toEqual({ ok: true });
    expect(await root.state()).toMatchObject({ storage: 'memory', stopped: null, storedCommits: 0, boot: 2 });
    expect(await branch.state()).toMatchObject({
      storage: kind,
      storageNotice: null,
      stopped: null,
      boot: 2,
    });
    expect([await root.compareStore(), await branch.compareStore()]).toEqual([[], []]);
    expect(await root.deleteStored()).toMatchObject({ ok: false, code: 'not stored' });
    await done(root, put('in memory'));
    await done(branch, { type: 'start', member: 2 });
    await done(branch, { type: 'powerCut', member: 1 });
    await done(branch, put('later'), 6000);
    expect([await root.compareStore(), await branch.compareStore()]).toEqual([[], []]);
    const branchRun = await again(branch);
    const { chainHash, moment, storedUs } = await branch.state();
    expect(branchRun).toEqual({ chainHash, moment, proven: true, keys: [true, false, true] });
    expect(storedUs).toBeGreaterThan(0);
    const { interventions } = await branch.runFile();
    await branch.close();
    await time.close();
    await root.close();

    const reloaded = await opened(openInProcess(), { ...options, layout: 'one' });
    expect(await reloaded.state()).toMatchObject({ storage: kind, boot: 4, lossNotice: null });
    const { earlier, startedFromStore } = await reloaded.runFile();
    expect(startedFromStore).toBe(false);
    expect(earlier?.map(({ boot, end }) => [boot, end.moment > 0])).toEqual([
      [1, true],
      [2, true],
    ]);
    expect(earlier?.[1].interventions).toEqual(interventions);
    expect([await has(reloaded, 'mine'), await has(reloaded, 'later'), await has(reloaded, 'root')]).toEqual([
      true,
      true,
      false,
    ]);
    const now = await reloaded.state();
    expect(await again(reloaded)).toEqual({
      ...{ chainHash: now.chainHash, moment: now.moment, proven: true, keys: [true, false, true] },
    });
    await reloaded.close();
  }, 120_000);

/** What another tab does with the store between the end of the one lab there and the begin of the other. */
async function elsewhere(what: 'opened' | 'renewed', options: LabOptions): Promise<void> {
  const other = await opened(openInProcess(), { ...options, layout: 'one' });
  await done(other, put('theirs'));
  if (what === 'opened') return other.close();
  await other.deleteStored();
  const anew = await opened(openInProcess(), { ...options, layout: 'one' });
  await done(anew, put('theirs'));
  await anew.close();
}

for (const storage of ['auto', 'opfs'] as const)
  for (const what of ['opened', 'renewed'] as const)
    test(`${storage}: what another tab ${what} in the middle of the hand-over stays, and both runs go on`, async () => {
      const disk = new OpfsDouble();
      vi.stubGlobal('navigator', { storage: { getDirectory: disk.root } });
      const options = optionsOf({ storage });
      const root = await opened(openInProcess(), options);
      await done(root, put('early'));
      const time = timeInProcess(root);
      const branch = await branched(time, (await root.state()).moment);
      await done(branch, put('mine'));
      const adopt: LabPort['adopt'] = async (where) => {
        await elsewhere(what, options);
        return branch.adopt(where);
      };
      const made = await makeStored(root, { ...branch, adopt });
      expect(made).toMatchObject({ ok: false, code: 'store changed' });
      expect(made.ok ? '' : made.message).toContain('goes on in memory');
      for (const port of [root, branch]) {
        expect(await port.state()).toMatchObject({ storage: 'memory', stopped: null });
        expect(await has(port, 'early')).toBe(true);
        await port.close();
      }
      await time.close();
      const reloaded = await opened(openInProcess(), options);
      expect([await has(reloaded, 'theirs'), await has(reloaded, 'mine')]).toEqual([true, false]);
      await reloaded.close();
    });
