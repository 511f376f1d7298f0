import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.ts';
import { Member } from '../../src/engine/server/member.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import type { LabBatch, LabOptions, LabPort } from '../../src/host/port.ts';
import type { LabEvent } from '../../src/sim/types.ts';
import { ManualClock, settled } from './manual-clock.ts';

let workspaces = 0;
const optionsOf = (changes: Partial<LabOptions> = {}): LabOptions => ({
  seed: 9,
  members: 3,
  storage: 'memory',
  layout: 'one',
  workspace: `lab${++workspaces}`,
  lookOnly: false,
  preVote: true,
  ...changes,
});

function watched(lab: LabPort) {
  const batches: LabBatch[] = [];
  lab.subscribe((batch) => batches.push(batch));
  const told = () => batches.flatMap(({ events }) => events);
  return { batches, told, of: (type: LabEvent['type']) => told().filter(({ event }) => event.type === type) };
}

test('the show goes on by itself, and slowly enough that a put is seen for about a second', async () => {
  const clock = new ManualClock();
  const lab = openInProcess({ clock });
  const { batches } = watched(lab);
  await lab.open(optionsOf());
  const opened = await lab.state();
  expect(opened).toMatchObject({ playing: true, pausedBecause: null });
  await clock.pass(2000);
  const idle = await lab.state();
  expect(idle.timeUs - opened.timeUs).toBeGreaterThan(150_000);
  expect(idle.timeUs - opened.timeUs).toBeLessThan(620_000);
  const asked = clock.nowMs();
  let answeredMs = 0;
  const acted = lab.act({ type: 'put', key: 'greeting', value: 'hello' });
  void acted.then(() => {
    answeredMs = clock.nowMs();
  });
  await clock.pass(4000);
  expect(await acted).toMatchObject({ ok: true, outcome: { ok: true } });
  expect(answeredMs - asked).toBeGreaterThan(500);
  expect(answeredMs - asked).toBeLessThan(2500);
  const times = batches.map(({ state }) => state.timeUs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  await lab.close();
});

test('paused, nothing happens; an action begins at once, and its end waits for the show', async () => {
  const clock = new ManualClock();
  const lab = openInProcess({ clock });
  await lab.open(optionsOf());
  await lab.pause();
  const paused = await lab.state();
  await clock.pass(5000);
  expect(await lab.state()).toEqual(paused);
  let answered = false;
  void lab.act({ type: 'put', key: 'a', value: 'b' }).then(() => {
    answered = true;
  });
  await settled();
  expect((await lab.state()).moment).toBeGreaterThan(paused.moment);
  await clock.pass(1000);
  expect(answered).toBe(false);
  await lab.play();
  await clock.pass(3000);
  expect(answered).toBe(true);
  const killed = lab.act({ type: 'kill', member: 1 });
  await lab.pause();
  expect(await killed).toMatchObject({ ok: true });
  await lab.close();
});

test('a lab that nobody attends stops after ten minutes and says so', async () => {
  const clock = new ManualClock();
  const lab = openInProcess({ clock });
  await lab.open(optionsOf({ members: 1 }));
  await clock.pass(100);
  clock.sleep(9 * 60_000);
  await clock.pass(100);
  expect((await lab.state()).pausedBecause).toBeNull();
  clock.sleep(60_000);
  await clock.pass(100);
  expect(await lab.state()).toMatchObject({ playing: false, pausedBecause: 'unattended', stopped: null });
  await lab.play();
  expect((await lab.state()).playing).toBe(true);
  await lab.close();
});

test('events come once each, in the order of their moments, to who subscribed late as well', async () => {
  const lab = openInProcess();
  await lab.open(optionsOf({ startPaused: true }));
  const { told } = watched(lab);
  await lab.run(500_000);
  const ids = told().map(({ at }) => at.moment * 1_000_000 + at.ordinal);
  expect(ids.length).toBeGreaterThan(200);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  expect(told().some(({ event }) => event.type === 'server.boot')).toBe(true);
  await lab.close();
});

test('a run file gives the same chain hash when its actions are done again at their moments', async () => {
  const options = optionsOf({ startPaused: true });
  const lab = openInProcess();
  await lab.open(options);
  void lab.act({ type: 'put', key: 'a', value: '1' });
  await lab.run(3000);
  await lab.act({ type: 'powerCut', member: 1 });
  await lab.run(1_500_000);
  await lab.act({ type: 'restart', member: 1 });
  await lab.run(1_000_000);
  const file = await lab.runFile();
  await lab.close();
  expect(file.interventions.map(({ action }) => action.type)).toEqual(['put', 'powerCut', 'restart']);

  const again = openInProcess();
  await again.open(options);
  for (const { moment, action } of file.interventions) {
    while ((await again.state()).moment < moment) await again.step('input', 1);
    void again.act(action);
    await settled();
  }
  while ((await again.state()).moment < file.moment) await again.step('input', 1);
  expect(await again.runFile()).toEqual(file);
  await again.close();
});

test('a broken invariant of ours stops the run with the moment, and the run file tells it', async () => {
  const lab = openInProcess({
    boot: (config, files, nowUs) => {
      const { member, output } = Member.boot(config, files, nowUs);
      const step: typeof member.step = (input, now) => {
        if (input.kind === 'request') throw new InvariantError('planted');
        return member.step(input, now);
      };
      return {
        output,
        member: Object.assign(Object.create(member) as Member, { step, pageRuns: () => member.pageRuns() }),
      };
    },
  });
  await lab.open(optionsOf({ startPaused: true }));
  const put = lab.act({ type: 'put', key: 'a', value: 'b' });
  expect(await lab.run(1_000_000)).toMatchObject({ ok: false, code: 'stopped' });
  expect(await put).toMatchObject({ ok: false, code: 'stopped' });
  const { stopped } = await lab.state();
  expect(stopped).toMatchObject({ kind: 'internal', message: 'InvariantError: planted' });
  expect(stopped?.moment).toBeGreaterThan(0);
  expect(await lab.runFile()).toMatchObject({
    error: 'InvariantError: planted',
    interventions: [{ action: { type: 'put' } }],
  });
  expect(await lab.act({ type: 'get', key: 'a' })).toMatchObject({ ok: false, code: 'stopped' });
});

test('a store that fails stops the member whose write it was, as a recorded input, and loses nothing acknowledged', async () => {
  const lab = openInProcess();
  const { of } = watched(lab);
  const options = optionsOf({ storage: 'auto', startPaused: true });
  await lab.open(options);
  const acknowledged = lab.act({ type: 'put', key: 'kept', value: 'yes' });
  await lab.run(1_000_000);
  expect(await acknowledged).toMatchObject({ ok: true, outcome: { ok: true } });
  const { add } = IDBObjectStore.prototype;
  let failures = 1;
  IDBObjectStore.prototype.add = function (this: IDBObjectStore, ...args: Parameters<typeof add>) {
    const request = add.apply(this, args);
    if (failures-- > 0) this.transaction.commit = () => this.transaction.abort();
    return request;
  };
  const put = lab.act({ type: 'put', key: 'more', value: 'x' });
  await lab.run(6_000_000);
  IDBObjectStore.prototype.add = add;
  expect((await put).ok).toBe(true);
  const failed = (await lab.runFile()).interventions.filter(({ action }) => action.type === 'storeFailed');
  expect(failed.length).toBeGreaterThan(0);
  expect(of('server.halt').map(({ at }) => at.member)).toEqual(
    failed.map(({ action }) => 'member' in action && action.member),
  );
  expect((await lab.state()).storageNotice).toContain('storage failed');
  expect(await lab.compareStore()).toEqual([]);
  for (const { at } of of('server.halt'))
    expect(await lab.act({ type: 'restart', member: at.member })).toMatchObject({ ok: true });
  await lab.run(4_000_000);
  const got = lab.act({ type: 'get', key: 'kept' });
  await lab.run(1_000_000);
  expect(await got).toMatchObject({ outcome: { ok: true, count: 1 } });
  expect(await lab.compareStore()).toEqual([]);
  await lab.close();
});

test('what events do not carry is answered on demand: pages, a page, the log', async () => {
  const lab = openInProcess();
  await lab.open(optionsOf({ startPaused: true }));
  const pages = await lab.inspect({ kind: 'pages', member: 2 });
  expect(pages).toMatchObject({ ok: true, answer: { kind: 'pages', pageSize: 4096 } });
  expect(await lab.inspect({ kind: 'page', member: 2, pgid: 0 })).toMatchObject({
    ok: true,
    answer: { page: { kind: 'meta' } },
  });
  const log = await lab.inspect({ kind: 'log', member: 2, from: 1, limit: 3 });
  expect(log).toMatchObject({
    ok: true,
    answer: { firstIndex: 1, entries: [{ index: 1 }, { index: 2 }, { index: 3 }] },
  });
  expect(await lab.inspect({ kind: 'page', member: 2, pgid: 99999 })).toMatchObject({
    ok: false,
    code: 'not there',
  });
  await lab.act({ type: 'kill', member: 2 });
  expect(await lab.inspect({ kind: 'pages', member: 2 })).toMatchObject({ ok: false, code: 'not there' });
  await lab.close();
});

test('options and steps that make no sense are refused with a sentence, and a closed lab says that it is closed', async () => {
  const lab = openInProcess();
  expect(await lab.open(optionsOf({ members: 10 }))).toMatchObject({ ok: false, code: 'bad options' });
  expect(await lab.open(optionsOf({ workspace: '../x' }))).toMatchObject({ ok: false, code: 'bad options' });
  expect(await lab.act({ type: 'put', key: 'a', value: 'b' })).toMatchObject({ ok: false, code: 'not open' });
  await lab.open(optionsOf({ startPaused: true }));
  expect(await lab.open(optionsOf())).toMatchObject({ ok: false, code: 'open already' });
  expect(await lab.step('input', 0)).toMatchObject({ ok: false, code: 'bad command' });
  expect(await lab.run(-1)).toMatchObject({ ok: false, code: 'bad command' });
  await lab.close();
  expect(await lab.run(1)).toMatchObject({ ok: false, code: 'not open' });
});

test('stored data are deleted with the lab, also where they could not be opened', async () => {
  const lab = openInProcess();
  const options = optionsOf({ storage: 'auto', startPaused: true });
  await lab.open(options);
  expect(await lab.deleteStored()).toEqual({ ok: true });
  expect(await lab.open(options)).toMatchObject({ ok: true, state: { boot: 1 } });
  await lab.close();
  const database = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open(`quorum-lab/${options.workspace}`);
    request.onsuccess = () => resolve(request.result);
  });
  database.transaction('meta', 'readwrite').objectStore('meta').put({ formatVersion: 9 }, 'lab');
  expect(await lab.open(options)).toMatchObject({ ok: false, code: 'store format' });
  expect(await lab.deleteStored()).toMatchObject({ ok: false, code: 'store blocked' });
  database.close();
  expect(await lab.deleteStored()).toEqual({ ok: true });
  expect(await lab.open(options)).toMatchObject({ ok: true, state: { boot: 1 } });
  await lab.close();
});
