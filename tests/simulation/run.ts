/** One seed: faults and clients for a while, then all is healed and must work again, under all checkers. */
import { stream } from '../../src/base/prng.ts';
import { Member } from '../../src/engine/server/member.ts';
import { Cluster } from '../../src/sim/cluster.ts';
import { isClientAction } from '../../src/sim/actions.ts';
import { Judge, inspect } from '../../src/sim/checkers/judge.ts';
import { liveness } from '../../src/sim/checkers/liveness.ts';
import { Members } from '../../src/sim/run.ts';
import { swarmSchedule } from '../../src/sim/swarm.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import { isBeyondRaft } from '../../src/sim/swarm-faults.ts';
import { Damages, isDone } from './damages.ts';
import { Operator, withCalm } from './operator.ts';
import { Workload } from './workload.ts';
import type { Changes, Site } from './operator.ts';
import type { Defects } from '../../src/engine/defects.ts';
import type { Inspected, Property, Violation } from '../../src/sim/checkers/checker.ts';
import type { FaultReach } from '../../src/sim/reach.ts';
import type { MemberStatus } from '../../src/sim/process.ts';
import type { Boot } from '../../src/sim/run.ts';
import type { FaultKind } from '../../src/sim/swarm-faults.ts';
import type { ScheduledAction } from '../../src/sim/swarm.ts';
import type { Action, ClientAction, ClientOutcome, ClusterConfig, LabTrace } from '../../src/sim/types.ts';
import type { RequestKind } from './workload.ts';

export interface RunPlan {
  readonly seed: number;
  readonly members: number;
  readonly virtualUs: number;
  readonly faults: readonly FaultKind[];
  readonly perSecond: number;
  readonly defects: Partial<Defects>;
  /** In place of what the seed draws: a smaller run, or one that is made for something. */
  readonly schedule?: readonly ScheduledAction[];
  readonly requests?: readonly RequestKind[];
  readonly config?: Partial<ClusterConfig>;
  readonly boot?: Boot;
  /** Whether members come and go, too; absent: in a third of the seeds that draw their faults. */
  readonly changes?: boolean;
  /** The properties whose violation ends the run; absent or null: each. The others' are noted. */
  readonly heeds?: readonly Property[] | null;
}

export interface RunResult {
  readonly violation: Violation | null;
  readonly virtualUs: number;
  readonly moments: number;
  readonly chainHash: string;
  readonly reach: Readonly<FaultReach>;
  readonly schedule: readonly ScheduledAction[];
  /** Null where no members came and went. */
  readonly changes: Readonly<Changes> | null;
  /** Members whose files were beyond use, and that were replaced. */
  readonly replaced: number;
  /** See `Damages.overwritten`. */
  readonly overwritten: number;
  readonly judge: Judge;
}

const second = 1_000_000;
/** Everything is looked at so often. */
const wholeUs = 10 * second;
/** How long a fault waits for a message that it can meet: a heartbeat's time and more. */
const patienceUs = 300_000;
/** An operator looks after the cluster so often. */
const firstTurnUs = 2 * second;
const turnUs = 300_000;
const tidyTurns = 40;

/** The seed decides the world too: some lose messages, some reorder them, some take snapshots all the time. */
export function configOf({ seed, members, defects, config }: RunPlan): ClusterConfig {
  const draws = stream(seed, 'simulation');
  const isLossy = draws.chance(1, 3);
  const isUnordered = draws.chance(1, 4);
  const loss = { of: isLossy ? 1 : 0, outOf: 40 };
  const network = { ...defaultWorld.network, loss, ordered: !isUnordered };
  const takesSnapshots = draws.chance(1, 2);
  const snapshotCount = draws.between(10, 80);
  return {
    seed,
    memberCount: members,
    images: Array.from({ length: members }, () => new Map<string, Uint8Array>()),
    boot: 1,
    startUs: 0,
    trace: { on: false, emit: () => {} },
    preVote: draws.chance(2, 3),
    world: { ...defaultWorld, network },
    ...(takesSnapshots && {
      snapshots: { snapshotCount, snapshotCatchUpEntries: draws.below(10), walSegmentBytes: 8192 },
    }),
    ...config,
    defects: { ...config?.defects, ...defects },
  };
}

function hasChanges({ seed, changes, schedule, faults, members }: RunPlan): boolean {
  if (changes !== undefined) return changes;
  const isDrawn = schedule === undefined && faults.length > 0 && members >= 3;
  return isDrawn && stream(seed, 'operator', 'on').chance(1, 3);
}

/** A voter that nobody starts is added where an operator finds it, and takes it out again. */
function attended(plan: RunPlan, schedule: readonly ScheduledAction[]): readonly ScheduledAction[] {
  if (hasChanges(plan)) return schedule;
  return schedule.filter(({ kind }) => kind !== 'addUnstartedVoter');
}

export class Run {
  readonly judge: Judge;
  readonly cluster: Cluster;
  readonly #plan: RunPlan;
  readonly #members: Members;
  readonly #world: Inspected;
  readonly #workload: Workload;
  readonly #schedule: readonly ScheduledAction[];
  readonly #outcomes = new Map<number, ClientOutcome>();
  readonly #operator: Operator | null;
  readonly #damages: Damages;
  /** Which member each host's process is, in hex. */
  readonly #ids = new Map<number, string>();
  #nextWholeUs = wholeUs;
  #turnUs = firstTurnUs;

  constructor(plan: RunPlan) {
    const { seed, members, faults, virtualUs } = plan;
    this.#plan = plan;
    const beyond = faults.some(isBeyondRaft);
    const drawn = attended(
      plan,
      plan.schedule ?? swarmSchedule(seed, { members, faults, virtualUs, beyond }),
    );
    this.#damages = new Damages(drawn);
    this.judge = new Judge(plan.heeds ?? null, null, { damage: this.#damages.isExpected });
    this.cluster = new Cluster({ ...configOf(plan), trace: this.#trace() });
    this.#members = new Members(plan.boot ?? Member.boot);
    this.#world = inspect(this.cluster, (member) => this.#members.get(member));
    // by a clock that is wrong nobody can say how long a lease should live
    const hasClocks = drawn.some(({ action }) => action.type.startsWith('clock'));
    this.#workload = new Workload(seed, members, plan.requests ?? null, !hasClocks);
    const isDrawn = plan.schedule === undefined;
    this.#schedule = hasChanges(plan) && isDrawn ? withCalm(drawn, virtualUs) : drawn;
    const draws = stream(seed, 'operator');
    const isDamaged = this.#damages.isExpected;
    this.#operator = hasChanges(plan) ? new Operator(this.#site(), draws, members, isDamaged) : null;
  }

  /** What all clients ask and hear is judged, also those of loads. */
  #trace(): LabTrace {
    const { judge } = this;
    return {
      on: true,
      brief: true,
      emit: (at, event) => {
        if (event.type === 'server.boot') this.#ids.set(at.member, event.memberId);
        this.#damages.hear(at.member, event);
        judge.checkers.emit(at, event);
      },
      asked: (id, action, timeUs) => judge.begin(id, action, timeUs),
      answered: (id, outcome, timeUs) => {
        const action = judge.end(id, outcome, timeUs);
        if (action !== null) this.#workload.heard(action, outcome);
      },
    };
  }

  #site(): Site {
    return {
      act: (action) => this.cluster.act(action),
      outcomeOf: (id) => this.#outcomes.get(id),
      runsOn: (host) => {
        const { cluster } = this;
        const isUp = cluster.members.includes(host) && cluster.memberStatus(host) === 'up';
        return isUp ? (this.#ids.get(host) ?? null) : null;
      },
    };
  }

  run(): RunResult {
    this.#faults();
    if (!this.#isOver) this.#heal();
    if (!this.#isOver) this.#disturb();
    if (!this.#isOver) this.judge.checkers.whole(this.#world);
    const { moment: moments, chainHash, reach, nowUs: virtualUs } = this.cluster;
    const { violation } = this.judge.checkers;
    const changes = this.#operator?.changes ?? null;
    const { judge } = this;
    const { replaced, overwritten } = this.#damages;
    const schedule = this.#schedule;
    const damages = { replaced, overwritten };
    return { violation, virtualUs, moments, chainHash, reach, schedule, changes, ...damages, judge };
  }

  get #isOver(): boolean {
    return this.judge.checkers.violation !== null;
  }

  #faults(): void {
    const { virtualUs, perSecond } = this.#plan;
    const times = this.#workload.times(virtualUs, perSecond);
    let [fault, request] = [0, 0];
    while (!this.#isOver && (fault < this.#schedule.length || request < times.length)) {
      const faultAt = this.#schedule[fault]?.atUs ?? Infinity;
      const requestAt = times[request] ?? Infinity;
      const nextUs = Math.min(faultAt, requestAt);
      while (this.#operator !== null && this.#turnUs < nextUs && !this.#isOver) this.#operatorTurn();
      this.#runTo(nextUs);
      if (this.#isOver) return;
      if (faultAt <= requestAt) this.#do(this.#schedule[fault++].action);
      else {
        this.cluster.act(this.#workload.next());
        request++;
      }
    }
    this.#runTo(virtualUs);
  }

  /** A message is named by its rank among those under way; where none is, the next one will be soon. */
  #do(action: Action): void {
    if (action.type !== 'message') return void this.cluster.act(action);
    const isHeld = action.do === 'deliver';
    const untilUs = this.cluster.nowUs + patienceUs;
    for (let next = this.cluster.nextTimeUs; !isHeld && next !== null && next < untilUs && !this.#isOver;) {
      if (this.cluster.messagesUnderWay(false).length > 0) break;
      this.#runTo(next);
      next = this.cluster.nextTimeUs;
    }
    const messages = this.cluster.messagesUnderWay(isHeld);
    if (messages.length === 0) return;
    this.cluster.act({ ...action, message: messages[(action.message - 1) % messages.length] });
  }

  #operatorTurn(): void {
    this.#runTo(this.#turnUs);
    if (!this.#isOver) this.#operator?.turn(this.cluster.nowUs);
    this.#turnUs += turnUs;
  }

  /** Runs up to a time, whole plans at a time; looks at everything now and then. */
  #runTo(endUs: number): void {
    const { cluster, judge } = this;
    while (!this.#isOver) {
      const next = cluster.nextTimeUs;
      if (next === null || next > endUs) break;
      const plan = cluster.plan();
      if (plan === null) break;
      cluster.merge(plan, this.#members.perform(plan));
      const started = plan.lifecycle?.kind === 'start' ? [plan.lifecycle.config.nodeId] : [];
      judge.checkers.after(this.#world, [...started, ...plan.steps.map(({ member }) => member)]);
    }
    cluster.takeStoreCommits();
    for (const { id, outcome } of cluster.takeOutcomes())
      if (outcome !== null) this.#outcomes.set(id, outcome);
    if (this.#isOver || endUs < this.#nextWholeUs) return;
    this.#nextWholeUs = endUs + wholeUs;
    judge.checkers.whole(this.#world);
  }

  /** Every fault ends; then a write commits and all members are level, each within its time. */
  #heal(): void {
    const { cluster, judge } = this;
    cluster.act({ type: 'healEverything' });
    this.#runFor(2000);
    this.#start(['down', 'halted']);
    const fromUs = cluster.nowUs;
    judge.leases.calm(fromUs);
    this.#mustWrite(fromUs + liveness.writeUs);
    const tidyUs = this.#tidy() + this.#replaceDamaged();
    this.#mustLevel(fromUs + tidyUs + liveness.levelUs);
  }

  #start(statuses: readonly MemberStatus[]): void {
    const { cluster } = this;
    for (const member of cluster.members)
      if (statuses.includes(cluster.memberStatus(member))) cluster.act({ type: 'start', member });
  }

  /** Who cannot be started for what is in its files is replaced. @returns how long that took */
  #replaceDamaged(): number {
    const { cluster } = this;
    const { nowUs } = cluster;
    const halted = this.#operator === null && !this.#isOver ? this.#damages.halted(cluster) : [];
    const replacements = halted.map((member) => this.#damages.replace(cluster, member));
    for (const { evidence } of replacements)
      if (evidence !== null) this.judge.checkers.report(this.judge.liveness, evidence);
    this.#mustDoAll(replacements.flatMap(({ out }) => out));
    this.#mustDoAll(replacements.flatMap(({ anew }) => anew));
    return cluster.nowUs - nowUs;
  }

  #mustDoAll(actions: readonly Action[]): void {
    for (const action of actions) {
      if (this.#isOver) return;
      if (isClientAction(action)) this.#mustDo(action);
      else this.cluster.act(action);
    }
  }

  /** The cluster may refuse it at first: its members must have heard each other for a while. */
  #mustDo(action: ClientAction): void {
    const untilUs = this.cluster.nowUs + liveness.writeUs;
    while (!this.#isOver) {
      const id = this.cluster.act(action);
      this.#runFor(second);
      const outcome = this.#outcomes.get(id);
      if (outcome?.ok === true || (outcome?.ok === false && isDone(action, outcome.message))) return;
      if (this.cluster.nowUs <= untilUs) continue;
      const why = outcome?.ok === false ? outcome.message : 'no answer';
      this.judge.checkers.report(this.judge.liveness, `${action.type} fails: ${why}`);
    }
  }

  /** Members that an operator has to take out are. @returns how long that took */
  #tidy(): number {
    const { nowUs } = this.cluster;
    for (let i = 0; i < tidyTurns && this.#operator !== null && !this.#isOver; i++) {
      if (this.#operator.tidy()) return this.cluster.nowUs - nowUs;
      this.#runFor(second);
    }
    if (this.#operator !== null && !this.#isOver)
      this.judge.checkers.report(
        this.judge.liveness,
        `the members cannot be put in order: ${this.#behind()}`,
      );
    return this.cluster.nowUs - nowUs;
  }

  /** Those that are in the cluster. */
  get #inside(): readonly number[] {
    return this.#operator?.hosts ?? this.cluster.members;
  }

  #mustWrite(untilUs: number): void {
    for (let i = 0; !this.#isOver; i++) {
      const id = this.cluster.act({ type: 'put', key: 'alive', value: `${i}` });
      this.#runFor(second);
      if (this.#outcomes.get(id)?.ok === true) return;
      if (this.cluster.nowUs <= untilUs) continue;
      const last = this.#outcomes.get(id);
      const why = last?.ok === false ? last.message : 'no answer';
      return this.judge.checkers.report(
        this.judge.liveness,
        `no write commits ${liveness.writeUs} us after healing: ${why}`,
      );
    }
  }

  #mustLevel(untilUs: number): void {
    while (!this.#isOver) {
      this.#runFor(second);
      const behind = this.#behind();
      if (behind === null || this.#isOver) return;
      if (this.cluster.nowUs <= untilUs) continue;
      return this.judge.checkers.report(
        this.judge.liveness,
        `${liveness.levelUs} us after healing ${behind}`,
      );
    }
  }

  #behind(): string | null {
    const members = this.#inside;
    const down = members.find((member) => this.cluster.memberStatus(member) !== 'up');
    if (down !== undefined) return `m${down} is ${this.cluster.memberStatus(down)}`;
    return this.judge.liveness.behind({ ...this.#world, nowUs: this.cluster.nowUs, members });
  }

  /** A follower that hears nothing from its leader must not depose it: PreVote and the leader's lease see to it. */
  #disturb(): void {
    const { leader } = this.judge.liveness;
    const { preVote, world } = configOf(this.#plan);
    if (!preVote || this.#plan.members < 3 || (world?.network.loss.of ?? 0) > 0) return;
    // without the one that is cut off there must be a majority of voters; of the members one may be a learner
    if (this.#inside.length < (this.#operator === null ? 3 : 4)) return;
    this.#runFor(3 * second);
    const to = this.#inside.find((member) => member !== leader) ?? leader;
    this.judge.liveness.expectStable(true);
    this.cluster.act({ type: 'cut', from: leader, to });
    this.#runFor(4 * second);
    this.cluster.act({ type: 'heal', from: leader, to });
    this.#runFor(2 * second);
    this.judge.liveness.expectStable(false);
  }

  #runFor(virtualUs: number): void {
    this.#runTo(this.cluster.nowUs + virtualUs);
  }
}

export const runSeed = (plan: RunPlan): RunResult => new Run(plan).run();
