/**
 * What every lab does, wherever it runs: one list of cases, each a story told through few calls, so that Node drives
 * a lab in its own thread and a browser test one in workers. A case throws where the lab does not keep its contract.
 */
import type { ActResult, LabState, Result } from '../../src/host/port.ts';
import type { Action, ClientOutcome, LabEvent } from '../../src/sim/types.ts';
import type { Envelope } from '../../src/engine/events.ts';

export interface LabUnderTest {
  /** Opens a lab of three members with this seed, paused. `stored` false: in memory. */
  open(how: {
    readonly seed: number;
    readonly workspace: string;
    readonly stored: boolean;
  }): Promise<LabState>;
  /** Ends the page (or its like) without a word and opens the same lab again. */
  reload(): Promise<LabState>;
  /** Begins an action, runs so much virtual time, and answers what the action has come to; null: not finished yet. */
  actAndRun(action: Action, virtualMs: number): Promise<Result<ActResult> | null>;
  run(virtualMs: number): Promise<void>;
  step(unit: 'input' | 'message' | 'commit', count: number): Promise<Result<{ moment: number }>>;
  state(): Promise<LabState>;
  compareStore(): Promise<readonly string[]>;
  /** The events of one type since the lab was opened. */
  events(type: LabEvent['type']): Promise<readonly { readonly at: Envelope; readonly event: LabEvent }[]>;
}

export interface LabCase {
  readonly title: string;
  /** @param workspace a name that no other case uses */
  run(lab: LabUnderTest, workspace: string): Promise<void>;
}

function check(holds: boolean, what: string, seen?: unknown): asserts holds {
  const shown = JSON.stringify(seen, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  if (!holds) throw new Error(seen === undefined ? what : `${what}: ${shown}`);
}

async function outcomeOf(lab: LabUnderTest, action: Action, virtualMs = 6000): Promise<ClientOutcome> {
  const result = await lab.actAndRun(action, virtualMs);
  check(result !== null && result.ok, `${action.type} is answered`, result);
  check(result.outcome !== null, `${action.type} has an outcome`);
  return result.outcome;
}

async function put(lab: LabUnderTest, key: string, value: string): Promise<void> {
  const outcome = await outcomeOf(lab, { type: 'put', key, value });
  check(outcome.ok && outcome.type === 'put', `put ${key} is acknowledged`, outcome);
}

async function valueOf(lab: LabUnderTest, key: string): Promise<string | null> {
  const outcome = await outcomeOf(lab, { type: 'get', key });
  check(outcome.ok && outcome.type === 'get', `get ${key} succeeds`, outcome);
  // A browser test's bridge turns bytes into plain objects.
  const [kv] = outcome.kvs;
  return kv === undefined ? null : String.fromCharCode(...Object.values(kv.value));
}

async function fault(lab: LabUnderTest, action: Action, virtualMs = 0): Promise<void> {
  const result = await lab.actAndRun(action, virtualMs);
  check(result?.ok === true, `${action.type} takes effect`, result);
}

/** The member that was elected last. */
async function leaderOf(lab: LabUnderTest): Promise<number> {
  const elections = await lab.events('raft.becomeLeader');
  const last = elections[elections.length - 1];
  check(last !== undefined, 'a leader was elected');
  return last.at.member;
}

const others = (member: number): number[] => [1, 2, 3].filter((other) => other !== member);

async function storeIsEqual(lab: LabUnderTest): Promise<void> {
  const found = await lab.compareStore();
  check(found.length === 0, 'the store equals the disks', found);
}

/**
 * A run with a kill, a power cut, a partition and writes between them. Its end is the same for one seed in any
 * layout, with any store: moment and chain hash say so.
 */
export async function faultyRun(lab: LabUnderTest): Promise<Pick<LabState, 'moment' | 'chainHash'>> {
  const leader = await leaderOf(lab);
  const [second, third] = others(leader);
  await put(lab, 'greeting', 'hello');
  await fault(lab, { type: 'kill', member: leader }, 3000);
  await put(lab, 'greeting', 'hello again');
  await lab.actAndRun({ type: 'put', key: 'torn', value: 'x'.repeat(3000) }, 3);
  await fault(lab, { type: 'powerCut', member: second }, 100);
  await fault(lab, { type: 'restart', member: leader }, 100);
  await fault(lab, { type: 'restart', member: second }, 3000);
  await fault(lab, { type: 'isolate', member: third }, 2000);
  const value = await outcomeOf(lab, {
    type: 'put',
    key: 'other',
    value: 'x',
    endpoints: [`m${leader}`, `m${second}`],
  });
  check(value.ok, 'the majority goes on', value);
  await fault(lab, { type: 'healAll' }, 2000);
  const { moment, chainHash } = await lab.state();
  return { moment, chainHash };
}

export const labPortCases: readonly LabCase[] = [
  {
    title: 'opens with a leader elected, paused, and shows the same first picture for a seed',
    async run(lab, workspace) {
      const first = await lab.open({ seed: 11, workspace, stored: false });
      check(!first.playing && first.moment > 0 && first.timeUs > 0, 'the lab is open and paused', first);
      const leader = await leaderOf(lab);
      const again = await lab.reload();
      check(again.chainHash === first.chainHash && again.moment === first.moment, 'the runs are equal', [
        first,
        again,
      ]);
      check((await leaderOf(lab)) === leader, 'the leader is the same');
    },
  },
  {
    title: 'answers put, get, del, member list and endpoint status, and bad commands with a code',
    async run(lab, workspace) {
      await lab.open({ seed: 12, workspace, stored: false });
      await put(lab, 'a', '1');
      check((await valueOf(lab, 'a')) === '1', 'the value is read back');
      const deleted = await outcomeOf(lab, { type: 'del', key: 'a' });
      check(deleted.ok && deleted.type === 'del' && deleted.deleted === 1, 'one key is deleted', deleted);
      check((await valueOf(lab, 'a')) === null, 'the key is gone');
      const list = await outcomeOf(lab, { type: 'memberList' });
      check(
        list.ok && list.type === 'memberList' && list.members.length === 3,
        'three members are listed',
        list,
      );
      const status = await outcomeOf(lab, { type: 'endpointStatus', endpoints: ['m1', 'm2', 'm3'] });
      check(status.ok && status.type === 'endpointStatus', 'the endpoints answer', status);
      check(
        status.endpoints.every((endpoint) => endpoint.status !== null),
        'each has a status',
        status,
      );
      const bad = await lab.actAndRun({ type: 'put', key: 'a' } as Action, 0);
      check(
        bad?.ok === false && bad.code === 'bad command' && bad.message.includes('value'),
        'it says what is wrong',
        bad,
      );
      const none = await lab.actAndRun({ type: 'restart', member: 9 }, 0);
      check(none?.ok === false, 'there is no ninth member', none);
    },
  },
  {
    title: 'steps by inputs, messages and commits',
    async run(lab, workspace) {
      const before = await lab.open({ seed: 13, workspace, stored: false });
      check((await lab.step('input', 1)).ok, 'an input comes');
      check((await lab.state()).moment > before.moment, 'the moment has moved');
      const delivered = (await lab.events('sim.deliver')).length;
      check((await lab.step('message', 2)).ok, 'messages come');
      check((await lab.events('sim.deliver')).length >= delivered + 2, 'they were delivered');
      const started = await lab.actAndRun({ type: 'put', key: 'a', value: 'b' }, 0);
      check(started === null, 'the put is on its way', started);
      check((await lab.step('commit', 1)).ok, 'the put commits');
    },
  },
  {
    title: 'a new leader takes over from a killed one, and every acknowledged write is still there',
    async run(lab, workspace) {
      await lab.open({ seed: 14, workspace, stored: true });
      await put(lab, 'greeting', 'hello');
      const leader = await leaderOf(lab);
      await fault(lab, { type: 'kill', member: leader }, 4000);
      check((await leaderOf(lab)) !== leader, 'another member leads');
      check((await valueOf(lab, 'greeting')) === 'hello', 'the value is still there');
      await storeIsEqual(lab);
      const twice = await lab.actAndRun({ type: 'kill', member: leader }, 0);
      check(twice?.ok === false && twice.code === 'refused', 'a dead process cannot be killed', twice);
      await fault(lab, { type: 'restart', member: leader }, 2000);
      await put(lab, 'greeting', 'again');
      await storeIsEqual(lab);
    },
  },
  {
    title: 'after a power cut of all members the cluster comes back with every acknowledged write',
    async run(lab, workspace) {
      await lab.open({ seed: 15, workspace, stored: true });
      await put(lab, 'kept', 'yes');
      for (const member of [1, 2, 3]) await fault(lab, { type: 'powerCut', member });
      await storeIsEqual(lab);
      for (const member of [1, 2, 3]) await fault(lab, { type: 'restart', member });
      await lab.run(4000);
      check((await valueOf(lab, 'kept')) === 'yes', 'the value is still there');
      await storeIsEqual(lab);
    },
  },
  {
    title: 'a reload at any moment is a power cut of all: the lab goes on, with every acknowledged write',
    async run(lab, workspace) {
      const first = await lab.open({ seed: 16, workspace, stored: true });
      check(
        first.storage === 'indexeddb' && first.boot === 1,
        'the lab is stored, for the first time',
        first,
      );
      await put(lab, 'kept', 'yes');
      // in the middle of a write
      check(
        (await lab.actAndRun({ type: 'put', key: 'late', value: 'z'.repeat(9000) }, 3)) === null,
        'it is under way',
      );
      const again = await lab.reload();
      check(
        again.boot === 2 && again.storage === 'indexeddb' && again.seed === 16,
        'it is the second boot',
        again,
      );
      check(again.timeUs > first.timeUs, 'the clock goes on', [first.timeUs, again.timeUs]);
      check((await valueOf(lab, 'kept')) === 'yes', 'the value is still there');
      await storeIsEqual(lab);
    },
  },
  {
    title: 'a partitioned leader cannot commit, and its entry is replaced after healing',
    async run(lab, workspace) {
      await lab.open({ seed: 17, workspace, stored: false });
      const leader = await leaderOf(lab);
      await fault(lab, { type: 'isolate', member: leader });
      const lost = await outcomeOf(
        lab,
        { type: 'put', key: 'k', value: 'lost', endpoints: [`m${leader}`] },
        8000,
      );
      check(!lost.ok, 'a write without a quorum fails', lost);
      const outcome = await outcomeOf(lab, {
        type: 'put',
        key: 'k',
        value: 'won',
        endpoints: others(leader).map((member) => `m${member}`),
      });
      check(outcome.ok, 'the majority goes on', outcome);
      await fault(lab, { type: 'healAll' }, 3000);
      check((await valueOf(lab, 'k')) === 'won', 'the old leader has the new value');
      const replaced = (await lab.events('raft.append')).filter(
        ({ at, event }) => at.member === leader && event.type === 'raft.append' && event.truncated > 0,
      );
      check(replaced.length > 0, 'entries of the old leader were replaced');
    },
  },
  {
    title: 'a slow disk, a bad link and a load each take effect and end',
    async run(lab, workspace) {
      await lab.open({ seed: 18, workspace, stored: false });
      const leader = await leaderOf(lab);
      const [second, third] = others(leader);
      const link = { type: 'link', from: leader, to: second } as const;
      await fault(lab, { ...link, extraDelayUs: 0, lossPerMille: 1000 });
      await fault(lab, { type: 'slowDisk', member: third, factor: 10 });
      // the member that the leader does not reach would not learn that its put was committed
      const written = await outcomeOf(lab, { type: 'put', key: 'k', value: 'v', endpoints: [`m${leader}`] });
      check(written.ok, 'a majority goes on', written);
      const dropped = await lab.events('sim.drop');
      check(
        dropped.some(({ event }) => event.type === 'sim.drop' && event.because === 'loss'),
        'the link loses',
      );
      await fault(lab, { type: 'load', kind: 'hotKey', perSecond: 30 }, 1500);
      const [report] = await lab.events('sim.load');
      check(report?.event.type === 'sim.load' && report.event.issued === 30, 'the load is told of', report);
      await fault(lab, { type: 'load', kind: 'none', perSecond: 0 }, 2000);
      await fault(lab, { type: 'healAll' });
      await fault(lab, { type: 'slowDisk', member: third, factor: 1 }, 500);
      check((await valueOf(lab, 'k')) === 'v', 'the value is there');
      const gone = await lab.actAndRun({ type: 'message', message: 1, do: 'drop' }, 0);
      check(gone?.ok === false && gone.code === 'refused', 'a message that arrived cannot be dropped', gone);
      const bad = await lab.actAndRun({ ...link, extraDelayUs: 0, lossPerMille: 1001 }, 0);
      check(bad?.ok === false && bad.code === 'bad command', 'no link loses more than all', bad);
    },
  },
];
