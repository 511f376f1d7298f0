/** A page with a stored lab and a branch of its run, and nothing else: for making the branch the stored one. */
import { connectLab } from '../../src/host/connect.ts';
import { connectTime } from '../../src/host/connect-time.ts';
import { makeStored } from '../../src/host/make-stored.ts';
import type { LabOptions, LabPort, LabState } from '../../src/host/port.ts';
import { readRun } from '../../src/host/run-schema.ts';
import type { Action } from '../../src/sim/types.ts';

type Where = Pick<LabOptions, 'workspace' | 'storage'>;

/** Two runs that differ, by their actions. */
export interface TwoRuns {
  readonly old: string;
  readonly new: string;
}

/** A lab that was opened again. */
export interface Reopened {
  readonly state: LabState;
  /** The actions of the boot before. */
  readonly actions: string;
  /** Whether its run, done again from empty disks, has its chain hash, and begins with the stored files. */
  readonly proven: boolean | null | undefined;
  /** Where its store differs from its disks. */
  readonly differences: readonly string[];
  /** What the keys of the two runs hold. */
  readonly keys: { readonly root: boolean; readonly mine: boolean };
}

export interface BranchPage {
  /** Opens a stored lab and a branch of its run, in memory; both have come further since. */
  open(where: Where): Promise<TwoRuns>;
  /** Makes the branch the stored one, after so long. @returns wall ms that it took, or why not */
  swap(afterMs: number): Promise<number | string>;
  /** Opens what is stored, and goes on with it. */
  reopen(where: Where): Promise<Reopened>;
  /** Both labs go on, and agree with their stores. */
  goOn(): Promise<{ readonly storages: readonly string[]; readonly differences: readonly string[] }>;
}

declare global {
  interface Window {
    branchPage: BranchPage;
  }
}

const optionsOf = (where: Where, changes: Partial<LabOptions> = {}): LabOptions => ({
  ...{ seed: 11, members: 3, layout: 'workers', lookOnly: false, preVote: true, startPaused: true },
  ...{ ...where, ...changes },
});

async function opened(options: LabOptions): Promise<LabPort> {
  const port = connectLab();
  const answer = await port.open(options);
  if (!answer.ok) throw new Error(answer.message);
  return port;
}

async function done(port: LabPort, action: Action, virtualMs = 600) {
  const acting = port.act(action);
  await port.run(virtualMs * 1000);
  return acting;
}

const put = (key: string): Action => ({ type: 'put', key, value: key.repeat(300) });
async function has(port: LabPort, key: string): Promise<boolean> {
  const got = await done(port, { type: 'get', key }, 6000);
  const outcome = got.ok ? got.outcome : null;
  if (outcome?.ok !== true || outcome.type !== 'get') throw new Error(`get ${key} failed`);
  return outcome.count === 1;
}

const actionsOf = async (port: LabPort): Promise<string> =>
  JSON.stringify((await port.runFile()).interventions);

let root: LabPort;
let branch: LabPort;

async function open(where: Where): Promise<TwoRuns> {
  root = await opened(optionsOf(where));
  await done(root, put('early'));
  const { moment } = await root.state();
  await done(root, put('root'));
  const branched = await connectTime(root, { embedded: false }).branch(0, moment, 'another way');
  if (!branched.ok) throw new Error(branched.message);
  branch = branched.port;
  await done(branch, { type: 'load', kind: 'kubernetes', perSecond: 50 });
  await done(branch, { type: 'kill', member: 2 });
  await done(branch, put('mine'));
  return { old: await actionsOf(root), new: await actionsOf(branch) };
}

async function proven(port: LabPort, where: Where): Promise<boolean | null | undefined> {
  const read = await readRun(JSON.parse(JSON.stringify(await port.runFile())));
  if (!read.ok) throw new Error(read.message);
  const again = await opened(optionsOf(where, { storage: 'memory', run: read.run }));
  const { replayed } = await again.state();
  await again.close();
  return replayed?.proven;
}

async function reopen(where: Where): Promise<Reopened> {
  const port = await opened(optionsOf(where));
  const state = await port.state();
  const { earlier } = await port.runFile();
  const keys = { root: await has(port, 'root'), mine: await has(port, 'mine') };
  return {
    state,
    actions: JSON.stringify(earlier?.at(-1)?.interventions ?? []),
    proven: await proven(port, where),
    differences: await port.compareStore(),
    keys,
  };
}

window.branchPage = {
  open,
  swap: async (afterMs) => {
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const from = performance.now();
    const made = await makeStored(root, branch);
    return made.ok ? performance.now() - from : made.message;
  },
  reopen,
  goOn: async () => {
    await done(root, put('in memory'));
    await done(branch, put('stored'));
    const states = [await root.state(), await branch.state()];
    const differences = [...(await root.compareStore()), ...(await branch.compareStore())];
    return { storages: states.map(({ storage }) => storage), differences };
  },
};
