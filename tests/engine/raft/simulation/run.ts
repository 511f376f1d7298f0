/** One random run, from a seed to the end or to the first violation. */
import { verify } from '../../../../src/base/assert.ts';
import type { Defects } from '../../../../src/engine/defects.ts';
import { jointVoteResult, jointVoters } from '../../../../src/engine/raft/quorum/joint.ts';
import type { NodeId } from '../../../../src/engine/raft/types.ts';
import { nodeId, term } from '../../../../src/engine/raft/types.ts';
import { isUpToDate } from '../../../../src/engine/raft/vote.ts';
import { Invariants } from './invariants.ts';
import { Stage, stories } from './stories.ts';
import type { StoryName } from './stories.ts';
import type { Settled, SimNode } from './world.ts';
import { World } from './world.ts';

/** Runs are short: the first steps of a cluster are its richest. */
export const stepsPerRun = 2000;

export interface RunReport {
  readonly commits: number;
  readonly elections: number;
  readonly reads: number;
}

type Action = (world: World, node: SimNode) => SimNode | undefined | void;

/** Acts on the first node from a random one on that has such work, so that few steps do nothing. */
function having(
  world: World,
  start: SimNode,
  hasWork: (node: SimNode) => boolean,
  act: (node: SimNode) => void,
): SimNode {
  const { nodes } = world;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[(start.id - 1 + i) % nodes.length];
    if (!hasWork(node)) continue;
    act(node);
    return node;
  }
  return start;
}

const hasQueued =
  (queue: 'appendWork' | 'applyWork' | 'own') =>
  (node: SimNode): boolean =>
    node[queue].length > 0;

/** What happens at least this often keeps a cluster alive, and happens in every run. */
const usual = 50;

/** What may happen, and how often of a thousand. */
const actions = [
  [
    'deliverFirst',
    300,
    (world) => world.deliver(world.random.below(Math.max(1, Math.min(world.network.length, 8)))),
  ],
  ['deliver', 60, (world) => world.deliver(world.random.below(Math.max(1, world.network.length)))],
  [
    'ready',
    170,
    (world, node) =>
      having(
        world,
        node,
        ({ raw }) => raw.hasReady(),
        (each) => world.ready(each),
      ),
  ],
  [
    'append',
    90,
    (world, node) => having(world, node, hasQueued('appendWork'), (each) => world.appendWork(each)),
  ],
  [
    'apply',
    50,
    (world, node) => having(world, node, hasQueued('applyWork'), (each) => world.applyWork(each)),
  ],
  ['own', 90, (world, node) => having(world, node, hasQueued('own'), (each) => world.own(each))],
  ['tick', 60, (_, node) => node.raw.tick()],
  ['propose', 60, (world, node) => world.propose(node)],
  ['read', 20, (world, node) => world.readIndex(node)],
  ['changeConf', 8, (world, node) => world.proposeConfChange(node)],
  ['drop', 10, (world) => world.dropMessage()],
  ['compact', 8, (world, node) => world.compact(node)],
  ['crash', 6, (world, node) => world.crash(node)],
  ['cut', 6, (world) => world.cutOrHeal()],
  [
    'transfer',
    4,
    (world, node) => node.raw.transferLeader(nodeId(world.random.between(1, world.nodes.length))),
  ],
  [
    'unreachable',
    4,
    (world, node) => node.raw.reportUnreachable(nodeId(world.random.between(1, world.nodes.length))),
  ],
  [
    'snapshotReport',
    5,
    (world, node) =>
      node.raw.reportSnapshot(nodeId(world.random.between(1, world.nodes.length)), world.random.chance(1, 2)),
  ],
  ['forgetLeader', 2, (_, node) => node.raw.forgetLeader()],
  ['campaign', 2, (_, node) => node.raw.campaign()],
  ['readAgain', 0, (world) => world.readAgain()],
] as const satisfies readonly (readonly [string, number, Action])[];

type ActionName = (typeof actions)[number][0];

/** In place of what is usual. */
export interface RaftPlan extends Settled {
  /** What happens before the random steps, and in what world. */
  readonly story?: StoryName;
  /** How often of a thousand. */
  readonly mood?: Readonly<Partial<Record<ActionName, number>>>;
}

/** Each run has its own mood: some things happen not at all in it, others more often than usual. */
function drawMood({ random }: World, wanted: NonNullable<RaftPlan['mood']>): () => Action {
  const weights = actions.map(([name, weight]): number => {
    const share = weight >= usual || weight === 0 ? weight : weight * [0, 1, 1, 3][random.below(4)];
    return wanted[name] ?? share;
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return () => {
    let draw = random.below(total);
    const at = weights.findIndex((weight) => (draw -= weight) < 0);
    return actions[at][2];
  };
}

/**
 * What raft leaves to its application: news of snapshots that were lost (the next one is of the newest
 * state), and that a leader which has removed itself gives way.
 */
function tendLeader(world: World, node: SimNode): void {
  const { progress, config, state } = node.raw.status();
  if (state !== 'StateLeader') return;
  if (!config.voters.includes(node.id)) node.raw.transferLeader(config.voters[0]);
  const lost = progress.filter(({ state: sending }) => sending === 'snapshot');
  if (lost.length > 0) world.compact(node);
  for (const { id } of lost) node.raw.reportSnapshot(id, false);
}

/**
 * Lets a healed cluster work in order until it has a leader and has committed something new, or for
 * `rounds`.
 */
function settles(world: World, invariants: Invariants, rounds: number): boolean {
  world.heal();
  const before = invariants.commits;
  for (let round = 0; round < rounds; round++) {
    for (const node of world.nodes) {
      node.raw.tick();
      if (round % 20 === 0) tendLeader(world, node);
      if (round > 100 && node.raw.basicStatus().state === 'StateLeader') world.propose(node);
    }
    for (let turn = 0; turn < 6; turn++) {
      for (const node of world.nodes) {
        world.ready(node);
        while (node.appendWork.length > 0) world.appendWork(node);
        while (node.applyWork.length > 0) world.applyWork(node);
        while (node.own.length > 0) world.own(node);
        invariants.checkNode(node);
      }
      for (let left = world.network.length; left > 0; left--) world.deliver(0);
    }
    if (invariants.commits > before + 2) return true;
  }
  return false;
}

/**
 * A configuration takes effect when it is applied, not when it is appended. So a voter may apply its own
 * removal, with more in its log than the others have, while they have not heard that the removal is committed:
 * they need its vote and never get it. Upstream's README names this limit for clusters of two.
 */
function waitsForRemovedVoter({ nodes }: World): boolean {
  const states = nodes.map(({ raw }) => {
    const entries = raw.logEntries();
    const { config, lastIndex } = raw.status();
    return { config, last: { index: lastIndex, term: entries.at(-1)?.term ?? term(0) } };
  });
  const isVoter = (i: number): boolean => jointVoters(states[i].config).includes(nodes[i].id);
  const canWin = (i: number, removedVote: boolean): boolean => {
    const { config, last } = states[i];
    const votes = jointVoters(config).map((id): [NodeId, boolean] => {
      const grants = isUpToDate(last, states[id - 1].last) || (removedVote && !isVoter(id - 1));
      return [id, grants];
    });
    return isVoter(i) && jointVoteResult(config, new Map(votes)) === 'VoteWon';
  };
  return !nodes.some((_, i) => canWin(i, false)) && nodes.some((_, i) => canWin(i, true));
}

/**
 * Runs `steps` random steps, checks after each, then heals the network and expects progress.
 * @throws an error that names seed and step, and how to run it again
 */
export function runSimulation(
  seed: number,
  steps: number,
  defects: Partial<Defects> = {},
  { mood = {}, story: name, ...settled }: RaftPlan = {},
): RunReport {
  const invariants = new Invariants();
  const story = name === undefined ? null : stories[name];
  const world = new World(seed, invariants, defects, { ...story?.settled, ...settled });
  invariants.world = world;
  const draw = drawMood(world, mood);
  verify.on = true;
  let step = 0;
  try {
    story?.tell(new Stage(world, (node) => invariants.checkNode(node)));
    for (; step < steps; step++) {
      const node = world.nodes[world.random.below(world.nodes.length)];
      const touched = draw()(world, node) ?? node;
      invariants.checkNode(touched);
    }
    if (!settles(world, invariants, 1000) && !waitsForRemovedVoter(world))
      throw new Error('liveness: no progress after the network healed');
  } catch (error) {
    const planted = Object.keys(defects).map((name) => ` --defect ${name}`);
    const again = `npm run fuzz -- raft --seed ${seed} --steps ${steps}${planted.join('')}`;
    throw new Error(`seed ${seed}, step ${step}: ${String(error)}\nagain: ${again}`, { cause: error });
  } finally {
    verify.on = false;
  }
  return { commits: invariants.commits, elections: invariants.elections, reads: invariants.reads };
}
