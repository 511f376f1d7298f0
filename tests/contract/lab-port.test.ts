import 'fake-indexeddb/auto';
import { afterAll, expect, test } from 'vitest';
import { connectLab } from '../../src/host/connect.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import type { LabOptions, LabPort } from '../../src/host/port.ts';
import { faultyRun, labPortCases } from './lab-port.ts';
import { PortUnderTest } from './port-under-test.ts';
import { WorkerDouble } from './worker-double.ts';

Object.assign(globalThis, { Worker: WorkerDouble });
afterAll(() => WorkerDouble.endAll());

type Connect = () => LabPort;

/** Each layout's connection. Node's worker doubles run the real protocol over real ports. */
const layouts: readonly {
  readonly name: string;
  readonly layout: LabOptions['layout'];
  readonly connect: Connect;
}[] = [
  { name: 'in process', layout: 'one', connect: () => openInProcess() },
  {
    name: 'one worker',
    layout: 'one',
    connect: () => connectLab(async () => ({ kind: 'module', url: 'lab' })),
  },
  {
    name: 'a worker for each member',
    layout: 'workers',
    connect: () => connectLab(async () => ({ kind: 'module', url: 'lab' })),
  },
];

for (const { name, layout, connect } of layouts) {
  for (const [i, { title, run }] of labPortCases.entries()) {
    test(`${name}: ${title}`, async () => {
      const lab = new PortUnderTest(connect, layout);
      await run(lab, `${name.replaceAll(' ', '-')}-${i}`);
      expect((await lab.state()).layout).toBe(layout);
      await lab.port.close();
    });
  }
}

test('one seed and one list of actions end in one chain hash, in any layout and with any store', async () => {
  const ends = [];
  for (const { name, layout, connect } of layouts) {
    for (const stored of [false, true]) {
      const lab = new PortUnderTest(connect, layout);
      await lab.open({ seed: 21, workspace: `hash-${name.replaceAll(' ', '-')}`, stored });
      ends.push(await faultyRun(lab));
      expect(await lab.compareStore()).toEqual([]);
      await lab.port.close();
    }
  }
  expect(new Set(ends.map((end) => JSON.stringify(end))).size).toBe(1);
});

test('killing a member ends its worker, and restarting it begins another', async () => {
  const lab = new PortUnderTest(layouts[2].connect, 'workers');
  await lab.open({ seed: 3, workspace: 'kill', stored: false });
  const before = { running: WorkerDouble.running.size, ended: WorkerDouble.ended };
  await lab.actAndRun({ type: 'kill', member: 2 }, 0);
  expect(WorkerDouble.running.size).toBe(before.running - 1);
  expect(WorkerDouble.ended).toBe(before.ended + 1);
  await lab.actAndRun({ type: 'restart', member: 2 }, 100);
  expect(WorkerDouble.running.size).toBe(before.running);
  await lab.port.close();
});

test("a member's worker that breaks stops the run with the sentence; the run file still comes", async () => {
  const lab = new PortUnderTest(layouts[2].connect, 'workers');
  await lab.open({ seed: 4, workspace: 'break', stored: false });
  await lab.actAndRun({ type: 'put', key: 'a', value: 'b' }, 500);
  WorkerDouble.newest('m2').fail('out of memory');
  expect(await lab.port.run(1_000_000)).toMatchObject({ ok: false, code: 'stopped' });
  const { stopped } = await lab.state();
  expect(stopped).toMatchObject({
    kind: 'internal',
    message: 'DeathError: the worker of m2 failed: out of memory',
  });
  expect(await lab.port.runFile()).toMatchObject({ error: stopped?.message, moment: stopped?.moment });
  await lab.port.close();
});

test('calls to a lab whose worker died all settle, and the page writes the run file from what it saw', async () => {
  const lab = new PortUnderTest(layouts[2].connect, 'workers');
  await lab.open({ seed: 4, workspace: 'death', stored: false });
  const before = await lab.state();
  const pending = lab.port.act({ type: 'put', key: 'a', value: 'b' });
  await lab.port.step('input', 1);
  WorkerDouble.newest('lab').fail('gone');
  const message = "The lab's worker failed: gone.";
  expect(await pending).toEqual({ ok: false, code: 'internal', message });
  expect(await lab.port.run(1)).toEqual({ ok: false, code: 'internal', message });
  expect((await lab.state()).stopped).toMatchObject({ kind: 'internal', message });
  expect(await lab.port.compareStore()).toEqual([message]);
  const file = await lab.port.runFile();
  expect(file).toMatchObject({
    error: message,
    seed: 4,
    interventions: [{ moment: before.moment, action: { type: 'put' } }],
  });
});

test('where a worker starts no workers, all members live in the lab’s own, and the state says so', async () => {
  WorkerDouble.refused.add('m1');
  const lab = new PortUnderTest(layouts[2].connect, 'workers');
  expect((await lab.open({ seed: 4, workspace: 'nested', stored: false })).layout).toBe('one');
  WorkerDouble.refused.clear();
  await lab.port.close();
});

test('a lab that opens before its page is there tells the page everything, from its open on', async () => {
  const options: LabOptions = {
    seed: 4,
    workspace: 'early',
    members: 3,
    storage: 'memory',
    layout: 'workers',
    lookOnly: false,
    preVote: true,
    startPaused: true,
  };
  const port = connectLab(async () => ({ kind: 'module', url: 'lab' }), options);
  const told: number[] = [];
  port.subscribe(({ events }) => told.push(...events.map(({ at }) => at.moment)));
  while ((await port.state()).moment === 0);
  expect(told).toEqual([]);
  const opened = await port.open(options);
  expect(opened).toMatchObject({ ok: true, state: { seed: 4, playing: false } });
  expect(told[0]).toBe(1);
  await port.close();
});

test('a lab that cannot load says so in each answer', async () => {
  const port = connectLab(() =>
    Promise.reject(new Error('a part of the lab did not load (404): reload the page')),
  );
  const message = 'a part of the lab did not load (404): reload the page';
  expect(await port.act({ type: 'memberList' })).toEqual({ ok: false, code: 'internal', message });
  expect((await port.state()).stopped?.message).toBe(message);
});
