/**
 * The whole way from one stored timeline to another, with labs that run, cut off at each of its durable steps: the
 * store then holds the one run whole or the other, by its inputs, its chain hash and its members' files.
 */
import 'fake-indexeddb/auto';
import { afterEach, expect, test, vi } from 'vitest';
import { openDb } from '../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { backendFile } from '../../src/engine/server/disk.ts';
import { Member } from '../../src/engine/server/member.ts';
import { deleteStoredLab, readStoredLab } from '../../src/host/idb-store.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import { makeStored } from '../../src/host/make-stored.ts';
import { readStoredOpfs } from '../../src/host/opfs-look.ts';
import type { StoredLab } from '../../src/host/page-store.ts';
import type { LabOptions, LabPort } from '../../src/host/port.ts';
import { redo } from '../../src/host/redo.ts';
import { filesChecksum } from '../../src/host/stored-inputs.ts';
import { timeInProcess } from '../../src/host/time-in-process.ts';
import type { TimePort } from '../../src/host/time-port.ts';
import { pageProblem } from '../../src/sim/checkers/pages.ts';
import type { Action } from '../../src/sim/types.ts';
import { OpfsDouble } from './opfs-double.ts';

const { put, clear, add } = IDBObjectStore.prototype;
const asUsual = (): void => void Object.assign(IDBObjectStore.prototype, { put, clear, add });
afterEach(() => {
  asUsual();
  vi.unstubAllGlobals();
});

const optionsOf = (changes: Partial<LabOptions>): LabOptions => ({
  ...{ seed: 21, members: 3, storage: 'auto', layout: 'one', workspace: 'w' },
  ...{ lookOnly: false, preVote: true, startPaused: true, ...changes },
});

async function opened(options: LabOptions): Promise<LabPort> {
  const lab = openInProcess();
  const answer = await lab.open(options);
  if (!answer.ok) throw new Error(answer.message);
  return lab;
}

async function done(port: LabPort, action: Action): Promise<void> {
  void port.act(action);
  await port.run(400_000);
}
const written = (key: string): Action => ({ type: 'put', key, value: key.repeat(40) });

/** A run that is stored, and a branch of it in memory. */
interface Two {
  readonly root: LabPort;
  readonly time: TimePort;
  readonly branch: LabPort;
}

/** Whose run is stored: all that was done in it so far is there, and every part of it is sound. */
async function whole(stored: StoredLab | null, { root, branch }: Two): Promise<string> {
  if (stored === null) throw new Error('nothing is stored');
  const { record, images, inputs } = stored;
  for (const image of images) {
    const bytes = image.get(backendFile);
    expect(bytes && pageProblem(openDb(new MemoryPager(bytes)))).toBeNull();
  }
  // its inputs, done again from empty disks, come to its chain hashes, and to these very files
  const again = redo(record, inputs.boots, Member.boot);
  expect(again.differs).toBeNull();
  expect([filesChecksum(again.images), again.timeUs]).toEqual([filesChecksum(images), record.timeUs]);
  const interventions = inputs.boots.at(-1)?.interventions ?? [];
  const isNew = interventions.some(({ action }) => action.type === 'put' && action.key === 'mine');
  const run = await (isNew ? branch : root).runFile();
  expect(interventions).toEqual(run.interventions);
  return isNew ? 'new' : 'old';
}

async function two(options: LabOptions): Promise<Two> {
  const root = await opened(options);
  await done(root, written('early'));
  const { moment } = await root.state();
  await done(root, written('root'));
  const time = timeInProcess(root);
  const branched = await time.branch(0, moment, 'b');
  if (!branched.ok) throw new Error(branched.message);
  const branch = branched.port;
  await done(branch, { type: 'kill', member: 2 });
  await done(branch, written('mine'));
  return { root, time, branch };
}

async function close({ root, time, branch }: Two): Promise<void> {
  await branch.close();
  await time.close();
  await root.close();
}

/** A reload goes on with what is there. */
async function goesOn(options: LabOptions): Promise<void> {
  const reloaded = await opened(options);
  expect(await reloaded.state()).toMatchObject({ lossNotice: null, storageNotice: null });
  await done(reloaded, written('after'));
  expect(await reloaded.compareStore()).toEqual([]);
  await reloaded.close();
}

test('in files: killed at any step, it holds the one run whole or the other, and a reload goes on with it', async () => {
  const options = optionsOf({ storage: 'opfs' });
  const found = new Map<string, number>();
  let disk = new OpfsDouble();
  vi.stubGlobal('navigator', { storage: { getDirectory: () => disk.root() } });
  let labs: Two | null = null;
  for (let death = 1, isDone = false; !isDone; death++) {
    disk = new OpfsDouble();
    // the labs outlive their store: most rounds only give them another one
    const adopted = await labs?.root.adopt({ workspace: 'w', storage: 'opfs' });
    if (adopted?.ok !== true) {
      labs = await two(options);
    }
    const { root, branch } = labs as Two;
    // something that is in the log alone
    await done(root, written('later'));
    disk.diesAt = disk.steps + death;
    const made = await makeStored(root, branch);
    isDone = disk.steps < disk.diesAt;
    disk.cut(() => (death % 2 === 0 ? 'kept' : 'lost'));
    const what = await whole(await readStoredOpfs('w', disk.root), labs as Two);
    if (made.ok) expect(what).toBe('new');
    found.set(what, (found.get(what) ?? 0) + 1);
    if (death % 5 === 0 || made.ok) await goesOn(options);
    if (made.ok || (await root.state()).storage !== 'memory') labs = null;
  }
  expect([...found.keys()]).toEqual(['old', 'new']);
  expect(found.get('old')).toBeGreaterThan(15);
}, 240_000);

/** The transaction of the request with this number ends with it, as with its page. @returns how many there were */
function endsAt(fatal: number): () => number {
  let count = 0;
  const ending = <Args extends unknown[], Value>(request: (...args: Args) => Value) =>
    function (this: IDBObjectStore, ...args: Args): Value {
      const made = request.apply(this, args);
      if (++count === fatal) this.transaction.abort();
      return made;
    };
  const methods = { put: ending(put), clear: ending(clear), add: ending(add) };
  Object.assign(IDBObjectStore.prototype, methods);
  return () => count;
}

test('in the database: ended at any request, it holds the old run whole; its lab takes its store back', async () => {
  const options = optionsOf({ workspace: 'ended' });
  const labs = await two(options);
  const { root, branch } = labs;
  let requests = 0;
  for (let fatal = 1, isDone = false; !isDone; fatal++) {
    await done(root, written('later'));
    if (fatal % 2 === 0) {
      // the page ends there: nobody takes anything back
      const released = await root.release();
      const count = endsAt(fatal);
      const adopted = released.ok ? await branch.adopt(released.where) : released;
      requests = count();
      asUsual();
      isDone = requests < fatal;
      expect([adopted.ok, await whole(await readStoredLab({ workspace: 'ended' }), labs)]).toEqual([
        isDone,
        isDone ? 'new' : 'old',
      ]);
      if (released.ok && !isDone) expect(await root.adopt(released.where)).toEqual({ ok: true });
    } else {
      const count = endsAt(fatal);
      const made = await makeStored(root, branch);
      requests = count();
      asUsual();
      isDone = made.ok;
      expect((await root.state()).storage).toBe(isDone ? 'memory' : 'indexeddb');
      expect((await branch.state()).storage).toBe(isDone ? 'indexeddb' : 'memory');
      expect(await whole(await readStoredLab({ workspace: 'ended' }), labs)).toBe(isDone ? 'new' : 'old');
    }
    expect([await root.compareStore(), await branch.compareStore()]).toEqual([[], []]);
  }
  expect(requests).toBeGreaterThan(15);
  await close(labs);
  await goesOn(options);
  await deleteStoredLab({ workspace: 'ended' });
}, 240_000);
