/** Runs as files and links: done again they come to the same hash, and whatever else comes is refused. */
import { beforeAll, expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import type { LabOptions, LabPort, RunFile } from '../../src/host/port.ts';
import { linkOf, readLink } from '../../src/host/run-link.ts';
import { fuzzLinks } from '../fuzz/links.ts';
import { readRun, readRunText, runLimits, type Run } from '../../src/host/run-schema.ts';

const options: LabOptions = {
  ...{ seed: 5, members: 3, storage: 'memory', layout: 'one', workspace: 'runs', lookOnly: false },
  ...{ preVote: true, startPaused: true },
  settings: { quotaBytes: 2_000_000, heartbeatMs: 50, electionMs: 700, freelist: 'map', snapshotCount: 40 },
};

async function withLab<Value>(given: LabOptions, work: (lab: LabPort) => Promise<Value>): Promise<Value> {
  const lab = openInProcess();
  const opened = await lab.open(given);
  if (!opened.ok) throw new Error(opened.message);
  const value = await work(lab);
  await lab.close();
  return value;
}

let file: RunFile;

/** A run with puts, a death, a cut and a load. */
beforeAll(async () => {
  file = await withLab(options, async (lab) => {
    void lab.act({ type: 'put', key: '__proto__', value: 'constructor' });
    await lab.run(300_000);
    void lab.act({ type: 'kill', member: 1 });
    void lab.act({ type: 'load', kind: 'kubernetes', perSecond: 40 });
    await lab.run(2_000_000);
    void lab.act({ type: 'restart', member: 1 });
    void lab.act({ type: 'cut', from: 2, to: 3 });
    await lab.run(1_500_000);
    return lab.runFile();
  });
}, 60_000);

async function asRun(file: unknown): Promise<Run> {
  const read = await readRun(file);
  if (!read.ok) throw new Error(read.message);
  return read.run;
}

test('the moment that a run was looked at goes along; one past its end is refused', async () => {
  const shown = Math.floor(file.moment / 2);
  const link = await linkOf(await asRun({ ...file, shown }));
  if (!link.ok) throw new Error(link.message);
  expect(await readLink(`#${link.fragment}`)).toMatchObject({
    ok: true,
    run: { shown, moment: file.moment },
  });
  for (const bad of [file.moment + 1, -1, 1.5, '7', null])
    expect(await readRun({ ...file, shown: bad })).toMatchObject({ ok: false, code: 'bad run' });
});

test('a run comes back from its link, and done again ends at the same moment with the same hash', async () => {
  const link = await linkOf(await asRun(file));
  if (!link.ok) throw new Error(link.message);
  expect(link.fragment.length).toBeLessThan(600);
  const read = await readLink(`#${link.fragment}`);
  expect(read).toEqual({ ok: true, run: await asRun(file) });

  const { run } = read as { run: Run };
  const again = await withLab({ ...options, seed: 99, run }, async (lab) => {
    const state = await lab.state();
    const more = await lab.runFile();
    return { state, more };
  });
  expect(again.state).toMatchObject({
    seed: 5,
    playing: false,
    moment: file.moment,
    chainHash: file.chainHash,
  });
  expect(again.state.replayed).toMatchObject({ actions: 5, moment: file.moment, proven: true });
  expect(again.more).toEqual(file);
});

test('a run that comes out otherwise says so, and one without a hash claims nothing', async () => {
  const run = await asRun(file);
  const proof = (chainHash: string | null) =>
    withLab({ ...options, run: { ...run, chainHash } }, async (lab) => (await lab.state()).replayed?.proven);
  expect(await proof('00000000000000aa')).toBe(false);
  expect(await proof(null)).toBe(null);
});

test('what is no run of this lab is refused with what is wrong', async () => {
  const because = async (changes: object): Promise<string> => {
    const read = await readRun({ ...file, ...changes });
    return read.ok ? '' : read.message;
  };
  expect(await because({})).toBe('');
  expect(await because({ format: 'zip' })).toContain('is not a run of this lab');
  expect(await because({ version: 2 })).toContain('another version');
  expect(await because({ boot: 2 })).toContain('files that it does not hold');
  expect(await because({ members: 10 })).toContain('members');
  expect(await because({ settings: undefined })).toBe('');
  expect(await because({ settings: { quotaBytes: 1.5 } })).toContain('settings.quotaBytes');
  expect(await because({ settings: { turbo: true } })).toContain('settings');
  expect(await because({ settings: { heartbeatMs: 400 } })).toContain('--election-timeout[1000ms] should be');
  expect(await because({ moment: runLimits.moment + 1 })).toContain('moment');
  expect(await because({ interventions: [{ moment: 3, action: { type: 'explode' } }] })).toContain(
    'Action 1',
  );
  const put = { type: 'put', key: 'a', value: 'b' };
  const turned = [9, 3].map((moment) => ({ moment, action: put }));
  expect(await because({ interventions: turned })).toContain('out of order');
});

test('no link or file, however it was damaged, does more than be refused', async () => {
  const { failures, read, refused } = await fuzzLinks(1, 2000);
  expect(failures).toEqual([]);
  expect(read).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(1000);
});

test('names that reach behind an object are names, and change nothing', async () => {
  const text = JSON.stringify(file).replace('{', '{"__proto__":{"seed":9},"constructor":{"seed":9},');
  expect(await readRunText(text)).toEqual({ ok: true, run: await asRun(file) });
  expect(({} as { seed?: number }).seed).toBeUndefined();
});

test('a link that unfolds to very much is refused before it does', async () => {
  const zeros = new Blob([new Uint8Array(4 * 1024 * 1024)]).stream();
  const packed = await new Response(zeros.pipeThrough(new CompressionStream('deflate-raw'))).arrayBuffer();
  const text = Buffer.from(packed).toString('base64url');
  expect(await readLink(`#run=${text.slice(0, 8000)}`)).toMatchObject({ ok: false, code: 'bad run' });
  expect(await readLink(`#run=${text}`)).toMatchObject({ ok: false, code: 'bad run' });
});
