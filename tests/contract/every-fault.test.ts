/** One run with every fault has one chain hash, step by step, in Node, in a worker and with a worker for each member. */
import 'fake-indexeddb/auto';
import { afterAll, expect, test } from 'vitest';
import { Member } from '../../src/engine/server/member.ts';
import { connectLab } from '../../src/host/connect.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import type { LabPort, RunFile } from '../../src/host/port.ts';
import { replay } from '../../src/sim/run.ts';
import { clusterConfig } from '../sim/worlds.ts';
import {
  everyFault,
  everyFaultName,
  everyFaultSeed,
  faultSteps,
  missingFaults,
  namesOf,
  type StepEnd,
} from './every-fault.ts';
import { PortUnderTest } from './port-under-test.ts';
import { WorkerDouble } from './worker-double.ts';

Object.assign(globalThis, { Worker: WorkerDouble });
afterAll(() => WorkerDouble.endAll());

interface Ended {
  readonly ends: readonly StepEnd[];
  readonly file: RunFile;
}

async function ended(lab: PortUnderTest, workspace: string, stored: boolean): Promise<Ended> {
  const ends = await everyFault(lab, { workspace, stored });
  expect(await lab.compareStore()).toEqual([]);
  const file = await lab.port.runFile();
  await lab.port.close();
  return { ends, file };
}

/** One run takes seconds of work; the machine may have more to do. */
const patienceMs = 600_000;

let reference: Promise<Ended> | null = null;
const inNode = (): Promise<Ended> =>
  (reference ??= ended(new PortUnderTest(() => openInProcess(), 'one'), 'node', false));
const workers = (): LabPort => connectLab(async () => ({ kind: 'module', url: 'lab' }));

test(
  'every fault that can be asked for is in the run, and takes effect',
  async () => {
    const { ends, file } = await inNode();
    const actions = file.interventions.map(({ action }) => action);
    expect(missingFaults(actions)).toEqual([]);
    expect(ends).toHaveLength(faultSteps.length);
    const taken = new Set(
      ends.flatMap(({ result }, i) => (result.includes('refused') ? [] : namesOf(actions[i]))),
    );
    // etcd keeps no list of free pages in its file
    expect(everyFaultName().filter((name) => !taken.has(name))).toEqual(['bitRot.zone=freelist']);
    for (const name of new Set(actions.flatMap(namesOf)))
      if (everyFaultName().includes(name))
        expect(missingFaults(actions.filter((action) => !namesOf(action).includes(name)))).toContain(name);
  },
  patienceMs,
);

test(
  'each of the faults happens: the run, done again, ends in its hash with every counter above zero',
  async () => {
    const { file } = await inNode();
    const { cluster } = replay(
      clusterConfig({ seed: everyFaultSeed }),
      file.interventions,
      Member.boot,
      file.moment,
    );
    expect(cluster.chainHash).toBe(file.chainHash);
    const never = Object.entries(cluster.reach).filter(([, count]) => count === 0);
    expect(never).toEqual([]);
  },
  patienceMs,
);

test(
  'one worker ends each step where Node does',
  async () => {
    const { ends } = await ended(new PortUnderTest(workers, 'one'), 'one', false);
    expect(ends).toEqual((await inNode()).ends);
  },
  patienceMs,
);

test(
  'a worker for each member, with a store, ends each step where Node does',
  async () => {
    const { ends } = await ended(new PortUnderTest(workers, 'workers'), 'workers', true);
    expect(ends).toEqual((await inNode()).ends);
  },
  patienceMs,
);
