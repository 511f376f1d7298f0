/** Labs that were reloaded, given away: their runs begin with what earlier boots stored, or with files. */
import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { beforeAll, expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import type { LabOptions, LabPort, RunFile } from '../../src/host/port.ts';
import { linkOf, readLink } from '../../src/host/run-link.ts';
import { readRun, readRunText, type Run } from '../../src/host/run-schema.ts';
import { packImages, unpackImages } from '../../src/host/run-images.ts';
import { fromLetters, toLetters } from '../../src/host/squeeze.ts';
import { plain } from '../contract/page-store.ts';

const options = (workspace: string, changes: Partial<LabOptions> = {}): LabOptions => ({
  ...{ seed: 5, members: 3, storage: 'auto', layout: 'one', workspace, lookOnly: false, preVote: true },
  ...{ startPaused: true, ...changes },
});

async function withLab<Value>(given: LabOptions, work: (lab: LabPort) => Promise<Value>): Promise<Value> {
  const lab = openInProcess();
  const opened = await lab.open(given);
  if (!opened.ok) throw new Error(opened.message);
  const value = await work(lab);
  await lab.close();
  return value;
}

async function asRun(file: unknown): Promise<Run> {
  const read = await readRun(file);
  if (!read.ok) throw new Error(read.message);
  return read.run;
}

/** Does a run again. @returns where it came to, and its own file */
const again = (run: Run) =>
  withLab(options('none', { seed: 99, run }), async (lab) => ({
    state: await lab.state(),
    file: await lab.runFile(),
  }));

const put = (key: string) => ({ type: 'put', key, value: 'x'.repeat(40) });

/** Three boots of one stored lab: a cut, a death, a load, puts. @returns the third's run */
async function threeBoots(workspace: string): Promise<RunFile> {
  await withLab(options(workspace), async (lab) => {
    void lab.act(put('a'));
    await lab.run(200_000);
    void lab.act({ type: 'cut', from: 1, to: 2 });
    void lab.act({ type: 'kill', member: 3 });
    await lab.run(1_500_000);
  });
  await withLab(options(workspace), async (lab) => {
    void lab.act({ type: 'load', kind: 'kubernetes', perSecond: 30 });
    await lab.run(2_000_000);
  });
  return withLab(options(workspace), async (lab) => {
    void lab.act(put('b'));
    await lab.run(700_000);
    return lab.runFile();
  });
}

let file: RunFile;
beforeAll(async () => {
  file = await threeBoots('three');
}, 60_000);

test('a lab that was reloaded twice is a run of three boots, done again to the same hash', async () => {
  expect(file).toMatchObject({ boot: 3, startedFromStore: false });
  expect(file.images).toBeUndefined();
  expect(file.earlier?.map(({ boot, interventions }) => [boot, interventions.length])).toEqual([
    [1, 3],
    [2, 1],
  ]);
  const done = await again(await asRun(JSON.parse(JSON.stringify(file))));
  expect(done.state).toMatchObject({ boot: 3, moment: file.moment, chainHash: file.chainHash, seed: 5 });
  expect(done.state.replayed).toMatchObject({ actions: 5, moment: file.moment, proven: true });
  expect(done.file).toEqual(file);
});

test('its link brings it back as well', async () => {
  const link = await linkOf(await asRun(file));
  if (!link.ok) throw new Error(link.message);
  expect(link.fragment.length).toBeLessThan(1200);
  expect(await readLink(`#${link.fragment}`)).toEqual({ ok: true, run: await asRun(file) });
});

test('who only looks at a stored lab has the same past to give away', async () => {
  const { run, chainHash } = await withLab(options('three', { lookOnly: true }), async (lab) => {
    void lab.act(put('c'));
    await lab.run(300_000);
    return { run: await lab.runFile(), chainHash: (await lab.state()).chainHash };
  });
  expect(run).toMatchObject({ boot: 4, startedFromStore: false, chainHash });
  expect((await again(await asRun(run))).state.replayed?.proven).toBe(true);
});

test('boots that come out otherwise are told, whatever the last hash says', async () => {
  const run = await asRun(file);
  const [first, second] = run.earlier;
  const proof = async (earlier: Run['earlier'], changes: Partial<Run> = {}) =>
    (await again({ ...run, ...changes, earlier })).state.replayed?.proven;
  const noted = { ...first, end: { ...first.end, chainHash: '00000000000000aa' } };
  expect(await proof([noted, second])).toBe(false);
  expect(await proof([noted, second], { chainHash: null })).toBe(false);
  expect(await proof([first, { ...second, files: 7 }])).toBe(false);
  const less = first.end.stored.map((spans) => spans.map((at, i) => (i === 1 ? at - 1 : at)));
  expect(await proof([{ ...first, end: { ...first.end, stored: less } }, second])).toBe(false);
  expect(await proof([first, second], { chainHash: null })).toBeNull();
});

/** The format of stores before there were inputs. */
async function makeOld(workspace: string): Promise<void> {
  const database = await openDB(`quorum-lab/${workspace}`);
  await database.put('meta', { ...(await database.get('meta', 'lab')), formatVersion: 1 }, 'lab');
  await database.delete('meta', 'inputs');
  database.close();
}

test('a store of the first format opens; its run is saved with the files that it began with', async () => {
  await threeBoots('old');
  await makeOld('old');
  const { run, disks } = await withLab(options('old'), async (lab) => {
    void lab.act(put('d'));
    await lab.run(500_000);
    const genesis = await lab.genesis();
    return { run: await lab.runFile(), disks: genesis.ok ? genesis.genesis.images : [] };
  });
  expect(run).toMatchObject({ boot: 4, startedFromStore: true });
  expect(run.earlier).toBeUndefined();
  expect(run.startUs).toBeGreaterThan(3_000_000);
  const read = await readRunText(JSON.stringify(run));
  if (!read.ok) throw new Error(read.message);
  expect(read.run.images?.map(plain)).toEqual(disks.map(plain));
  const done = await again(read.run);
  expect(done.state).toMatchObject({ boot: 4, chainHash: run.chainHash, replayed: { proven: true } });
  expect(done.file).toEqual(run);
  expect(await linkOf(read.run)).toMatchObject({ ok: false, message: expect.stringContaining('save it') });
  // the store is of the new format now, and its boots are known from here on
  const fifth = await withLab(options('old'), (lab) => lab.runFile());
  expect(fifth).toMatchObject({ boot: 5, startedFromStore: true });
}, 60_000);

test('a run with boots or files that no lab wrote is refused with what is wrong', async () => {
  const because = async (changes: object): Promise<string> => {
    const read = await readRun({ ...file, ...changes });
    return read.ok ? '' : read.message;
  };
  const [first, second] = file.earlier ?? [];
  const images = (await packImages([new Map([['db', new Uint8Array(9)]])])) as string;
  const whole = { startedFromStore: true, earlier: undefined, startUs: 4 };
  expect(await because({})).toBe('');
  expect(await because({ earlier: undefined })).toContain('files that it does not hold');
  expect(await because({ earlier: [second] })).toContain('Boot 2 is out of order');
  expect(await because({ earlier: [first, first] })).toContain('Boot 1 is out of order');
  expect(await because({ earlier: [first, { ...second, boot: 3 }] })).toContain('Boot 3 is out of order');
  expect(await because({ earlier: 7 })).toContain('is no list of at most 1000 boots');
  const long = { ...first, end: { ...first.end, moment: 20_000_000 } };
  expect(await because({ earlier: [long, second] })).toContain('longer than a run may be');
  const stored = [[5, 3]];
  expect(await because({ earlier: [{ ...first, end: { ...first.end, stored } }] })).toContain('stored');
  const action = { type: 'explode' };
  expect(await because({ earlier: [{ ...first, interventions: [{ moment: 1, action }] }] })).toContain(
    'Boot 1: Action 1',
  );
  expect(await because({ images })).toContain('two beginnings');
  expect(await because({ ...whole, images })).toBe('');
  expect(await because({ ...whole, images, earlier: file.earlier })).toContain('two beginnings');
  expect(await because({ ...whole })).toContain('files that it does not hold');
  expect(await because({ ...whole, images: `${images}!` })).toContain('their text is damaged');
  expect(await because({ ...whole, images: images.slice(0, -9) })).toContain('The files that it began with');
  expect(await because({ ...whole, images: '' })).toContain('The files that it began with');
});

test('files of a run come back byte for byte; more than a run file may hold are left out', async () => {
  const noise = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i * 2654435761) >>> 13);
  const images = [new Map([['wal/1', noise]]), new Map(), new Map([['a', new Uint8Array(0)]])];
  const letters = (await packImages(images)) as string;
  const read = await unpackImages(letters, 3);
  expect(read.ok && read.images.map(plain)).toEqual(images.map(plain));
  expect(await packImages([new Map([['db', new Uint8Array(65 * 1024 * 1024)]])])).toBeNull();
  for (const length of [0, 1, 2, 3, 24_575, 24_576, 24_577, 60_001])
    expect(await fromLetters(await toLetters(noise.subarray(0, length)))).toEqual(noise.slice(0, length));
});
