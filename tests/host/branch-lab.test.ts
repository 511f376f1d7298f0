/** A lab that branches off another one's run: it goes on as that one did, until something else is done in it. */
import { beforeAll, expect, test } from 'vitest';
import { stream } from '../../src/base/prng.ts';
import { Member } from '../../src/engine/server/member.ts';
import type { Branch } from '../../src/host/branch-lab.ts';
import { labOfWorld } from '../../src/host/branch-lab.ts';
import type { Lab } from '../../src/host/lab.ts';
import type { LabMessage } from '../../src/host/lab-message.ts';
import type { Genesis } from '../../src/host/port.ts';
import { beginBoot, noInputs } from '../../src/host/stored-inputs.ts';
import { wallClock } from '../../src/host/wall-clock.ts';
import type { Passed } from '../../src/sim/keyframes.ts';
import { Past, unheard } from '../../src/sim/keyframes.ts';
import { replay } from '../../src/sim/run.ts';
import { faultKinds, swarmSchedule } from '../../src/sim/swarm.ts';
import type { Action } from '../../src/sim/types.ts';
import { clusterConfig, Lab as World } from '../sim/worlds.ts';

const limits = { bytes: 48 * 1024 * 1024, everyInputs: 400 };
const virtualUs = 5_000_000;
const seeds = [3, 8];

interface Parent {
  readonly world: World;
  readonly past: Past;
  readonly genesis: Genesis;
  readonly passed: readonly Passed[];
}

/** A run under faults drawn from the seed, with clients and a load; all that it passed. */
function parentOf(seed: number): Parent {
  const world = new World(Member.boot, { seed });
  const past = new Past(limits);
  const passed: Passed[] = [];
  const runTo = (us: number): void =>
    world.runUntil(() => {
      const { moment, nowUs: timeUs, chainHash, nextTimeUs } = world.cluster;
      past.record(world);
      passed.push({ moment, timeUs, chainHash });
      return nextTimeUs === null || nextTimeUs > us;
    });
  runTo(1_000_000);
  world.cluster.act({ type: 'load', kind: 'kubernetes', perSecond: 30 });
  const faults = swarmSchedule(seed, { members: 3, virtualUs, faults: faultKinds });
  for (const { atUs, action } of faults) {
    runTo(1_000_000 + atUs);
    if (action.type !== 'message') world.cluster.act(action);
  }
  runTo(1_000_000 + virtualUs);
  const inputs = beginBoot(noInputs, { boot: 1, timeUs: 0 }, []);
  const { images, trace: _, ...facts } = clusterConfig({ seed });
  return {
    world,
    past,
    passed,
    genesis: { settings: {}, ...facts, images, inputs, planted: [], origin: null },
  };
}

interface Branched {
  readonly lab: Lab;
  readonly told: LabMessage[];
  readonly passed: Passed[];
}

function branchOf({ past, genesis }: Parent, moment: number, changes: Partial<Branch> = {}): Branched {
  const told: LabMessage[] = [];
  const passed: Passed[] = [];
  const lab = labOfWorld(
    { clock: wallClock, locks: undefined, send: (message) => void told.push(message) },
    {
      world: past.seek(moment),
      genesis,
      checks: true,
      recorder: ({ cluster: { moment: at, nowUs: timeUs, chainHash } }) =>
        void passed.push({ moment: at, timeUs, chainHash }),
      ...changes,
    },
  );
  return { lab, told, passed };
}

const ok = { ok: true, outcome: { ok: true } };
const parents: Parent[] = [];
beforeAll(() => {
  for (const seed of seeds) parents.push(parentOf(seed));
});

/** Moments between which nobody did anything, each with the next one at which somebody did. */
function* quietMoments(parent: Parent, count: number): Iterable<{ from: number; to: number }> {
  const draws = stream(parent.genesis.seed, 'branches');
  const { moment: last, interventions } = parent.world.cluster;
  while (count > 0) {
    const { moment: from } = parent.past.seek(draws.below(last)).cluster;
    const to = Math.min(
      from + 700,
      last,
      ...interventions.map(({ moment }) => moment).filter((at) => at >= from),
    );
    if (to <= from) continue;
    count--;
    yield { from, to };
  }
}

test('a branch in which nothing is done has the hashes of its parent, from any moment on', async () => {
  for (const parent of parents) {
    const hashes = new Map(parent.passed.map(({ moment, chainHash }) => [moment, chainHash]));
    for (const { from, to } of quietMoments(parent, 8)) {
      const { lab, passed } = branchOf(parent, from);
      expect(lab.state()).toMatchObject({ moment: from, chainHash: hashes.get(from), playing: false });
      expect(await lab.compareStore()).toEqual([]);
      await lab.step('input', to - from);
      expect(passed.length).toBeGreaterThan(0);
      for (const { moment, chainHash } of passed.filter(({ moment: at }) => at <= to))
        expect([moment, chainHash]).toEqual([moment, hashes.get(moment)]);
      expect(lab.state()).toMatchObject({ stopped: null, violation: null });
      expect(await lab.compareStore()).toEqual([]);
      await lab.close();
    }
  }
});

/** Does a client's command, and runs until it has its answer. */
async function answered(lab: Lab, action: Action): Promise<unknown> {
  let result: unknown = null;
  void lab.act(action).then((settled) => {
    result = settled;
  });
  for (let i = 0; i < 20 && result === null; i++) await lab.run(500_000);
  return result;
}

test('what is done in a branch is its own: its run file, done again from the beginning, ends in its hash', async () => {
  for (const parent of parents) {
    const end = parent.world.cluster.chainHash;
    const draws = stream(parent.genesis.seed, 'deeds');
    for (let i = 0; i < 2; i++) {
      const { lab } = branchOf(parent, draws.below(parent.world.cluster.moment));
      const from = lab.state().moment;
      await lab.act({ type: 'healEverything' });
      await lab.run(3_000_000);
      expect(await answered(lab, { type: 'put', key: 'mine', value: 'kept' })).toMatchObject(ok);
      void lab.act({ type: 'powerCut', member: draws.between(1, 3) });
      await lab.run(500_000);
      expect(await answered(lab, { type: 'get', key: 'mine' })).toMatchObject({ outcome: { count: 1 } });
      expect(lab.state()).toMatchObject({ stopped: null, violation: null, storage: 'memory' });
      expect(lab.checks()).toMatchObject({ aside: { why: 'branch', moment: from } });
      expect(await lab.compareStore()).toEqual([]);
      const { interventions, moment, chainHash, startedFromStore } = await lab.runFile();
      const parentsOwn = parent.world.cluster.interventions.filter((one) => one.moment < from);
      expect(interventions.slice(0, parentsOwn.length)).toEqual(parentsOwn);
      expect(startedFromStore).toBe(false);
      const { trace: _, ...config } = clusterConfig({ seed: parent.genesis.seed });
      const again = replay({ ...config, trace: unheard }, interventions, Member.boot, moment);
      expect(again.cluster.chainHash).toBe(chainHash);
      await lab.close();
    }
    expect(parent.world.cluster.chainHash).toBe(end);
  }
});
