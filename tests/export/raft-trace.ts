/** Runs whose state trace can be judged by etcd-io/raft's TLA+ specification: one line of JSON an action. */
import { emptyBytes } from '../../src/base/bytes.ts';
import { stream } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { TracingEvent } from '../../src/engine/raft/state-trace.ts';
import { MemoryStorage } from '../../src/engine/raft/storage.ts';
import type { ConfChangeSingle, ConfChangeTransition } from '../../src/engine/raft/types.ts';
import { nodeId } from '../../src/engine/raft/types.ts';
import { Member } from '../../src/engine/server/member.ts';
import type { StateTraced } from '../../src/engine/server/raft.ts';
import type { MemberConfig } from '../../src/engine/server/types.ts';
import type { Action } from '../../src/sim/types.ts';
import { Cluster } from '../engine/raft/cluster.ts';
import { Lab } from '../sim/worlds.ts';

/** Gets each action with its time in microseconds. */
type Tell = (event: TracingEvent, timeUs: number) => void;

/**
 * The specification's scripts sort lines by the text of their times: so each is later than the one before, and all
 * have ten digits before the point.
 */
const startUs = 1e15;

const scenarios = { puts, failover, partition, reconfigure };
export type Scenario = keyof typeof scenarios;
export const scenarioNames = Object.keys(scenarios) as Scenario[];

/** @returns the lines, in the order of the actions, in the envelope that the reader of traces expects */
export function raftTrace(scenario: Scenario, seed: number): string[] {
  const lines: string[] = [];
  let lastUs = startUs;
  scenarios[scenario](seed, (event, timeUs) => {
    lastUs = Math.max(lastUs + 1, startUs + timeUs);
    const caller = 'raft/state-trace.ts';
    lines.push(
      JSON.stringify({ level: 'debug', ts: lastUs / 1e6, caller, msg: 'trace', tag: 'trace', event }),
    );
  });
  return lines;
}

/** A lab whose members tell their trace; time is the lab's. */
class TracedLab {
  readonly #lab: Lab;
  /** Who last became leader. */
  leader = 1;

  constructor(seed: number, tell: Tell) {
    const traceEvent = (event: TracingEvent): void => {
      if (event.name === 'BecomeLeader') this.leader = Number(event.nid);
      tell(event, this.#lab.cluster.nowUs);
    };
    this.#lab = new Lab(
      (config, files, nowUs) => {
        const traced: MemberConfig & StateTraced = { ...config, stateTrace: { traceEvent } };
        return Member.boot(traced, files, nowUs);
      },
      { seed },
    );
    this.runFor(3);
  }

  runFor(seconds: number): void {
    this.#lab.runFor(seconds * 1_000_000);
  }

  act(action: Action): void {
    this.#lab.cluster.act(action);
  }

  put(count: number): void {
    for (let i = 0; i < count; i++) this.#lab.do({ type: 'put', key: `key-${i}`, value: 'x' });
  }
}

/** Three members elect a leader and take writes. */
function puts(seed: number, tell: Tell): void {
  new TracedLab(seed, tell).put(20);
}

/** The leader's process is killed; the others go on, and it comes back. */
function failover(seed: number, tell: Tell): void {
  const lab = new TracedLab(seed, tell);
  lab.put(5);
  const member = lab.leader;
  lab.act({ type: 'kill', member });
  lab.runFor(5);
  lab.put(5);
  lab.act({ type: 'restart', member });
  lab.runFor(3);
  lab.put(5);
}

/** The leader is cut off, deposed, and catches up after the links have healed. */
function partition(seed: number, tell: Tell): void {
  const lab = new TracedLab(seed, tell);
  lab.put(5);
  lab.act({ type: 'isolate', member: lab.leader });
  lab.runFor(6);
  lab.put(5);
  lab.act({ type: 'healAll' });
  lab.runFor(3);
  lab.put(5);
}

/**
 * Raft alone, for what etcd's members do not ask of it: a learner comes, is sent a snapshot, and is promoted; a
 * voter is replaced through a joint configuration; leadership is handed over. Some messages are lost.
 */
function reconfigure(seed: number, tell: Tell): void {
  const traceEvent = (event: TracingEvent): void => tell(event, 0);
  const storages = Array.from({ length: 5 }, () => new MemoryStorage());
  const cluster = new Cluster(storages, { stateTrace: { traceEvent } });
  const founders = [1, 2, 3].map((id) => ({ id: nodeId(id), context: emptyBytes }));
  for (const { id } of founders) cluster.node(id).bootstrap(founders);
  cluster.run();
  cluster.elect(1);
  const random = stream(seed, 'export');
  cluster.passes = () => !random.chance(1, 30);
  const change = (transition: ConfChangeTransition, changes: readonly ConfChangeSingle[]): void => {
    cluster.node(1).proposeConfChange({ transition, changes, context: emptyBytes });
    settle(cluster);
    // The newcomer is in it now, and what it would need from the log is gone.
    compact(cluster);
    settle(cluster);
  };
  for (let i = 0; i < 5; i++) cluster.node(1).propose(encodeUtf8(`data-${i}`));
  settle(cluster);
  change('ConfChangeTransitionAuto', [{ type: 'ConfChangeAddLearnerNode', nodeId: nodeId(4) }]);
  change('ConfChangeTransitionAuto', [{ type: 'ConfChangeAddNode', nodeId: nodeId(4) }]);
  change('ConfChangeTransitionJointExplicit', [
    { type: 'ConfChangeAddNode', nodeId: nodeId(5) },
    { type: 'ConfChangeRemoveNode', nodeId: nodeId(2) },
  ]);
  change('ConfChangeTransitionAuto', []);
  cluster.node(1).transferLeader(nodeId(3));
  settle(cluster);
  cluster.node(3).propose(encodeUtf8('after'));
  settle(cluster);
}

/** Heartbeats make good what was lost; who awaits a snapshot gets another one. */
function settle(cluster: Cluster): void {
  for (let round = 0; round < 8; round++) {
    cluster.run();
    for (const node of cluster.nodes) {
      const { state, progress } = node.status();
      if (state !== 'StateLeader') continue;
      for (const peer of progress) if (peer.state === 'snapshot') node.reportSnapshot(peer.id, false);
      node.tick();
    }
  }
  cluster.run();
}

/** Node 1's log begins behind what is applied: who lacks more needs a snapshot. */
function compact(cluster: Cluster): void {
  const { applied, config } = cluster.node(1).status();
  if (applied <= cluster.storages[0].snapshot().index) return;
  cluster.storages[0].createSnapshot(applied, config, emptyBytes);
  cluster.storages[0].compact(applied);
}
