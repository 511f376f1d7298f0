/** The cluster: members, network, disks and clients on one clock, in two halves, `plan` and `merge`. */
import { assert, fail } from '../base/assert.ts';
import { sharedByForks } from '../base/fork.ts';
import { memberProblem } from './actions.ts';
import { chainText, firstChain, inputKind } from './chain-hash.ts';
import { fatesProblem, previewCut } from './cut-preview.ts';
import { Draft, dispatch } from './dispatch.ts';
import { doAction, kill, powerCut, stopped } from './faults.ts';
import { hasFiles } from './lost-files.ts';
import { tellNotes } from './disk-fault-actions.ts';
import { linkStarted } from './links.ts';
import { memberConfig, takeFlags } from './launch.ts';
import { applyOutput } from './outputs.ts';
import { nextEpoch } from './process.ts';
import { mustLoad } from './starts.ts';
import { World } from './world.ts';
import type { ChainState } from './chain-hash.ts';
import type { CutPreview } from './cut-preview.ts';
import type { PendingInput } from './dispatch.ts';
import type { LoadTotals } from './load.ts';
import type { ChosenFates } from './power-cut.ts';
import type { MemberStatus, WorldEvent } from './process.ts';
import type { Queued } from './queue.ts';
import type { FaultReach } from './reach.ts';
import type { FinishedAction } from './world.ts';
import type { NodeId } from '../engine/raft/types.ts';
import type { DiskImage, MemberOutput, PeerConfig } from '../engine/server/types.ts';
import type {
  Action,
  ClusterConfig,
  Intervention,
  LabTrace,
  MemberResult,
  NumberedInput,
  Plan,
  StoreCommit,
  StoreGate,
} from './types.ts';

/** Ends of a process without a command, as the chain hash knows them. */
const endNumbers = { kill: 1, powerCut: 2, stop: 3 } as const;

/** What is on its way, for pacing a show: heartbeats do not count. */
export interface InFlight {
  readonly requests: number;
  readonly messages: number;
  readonly syncs: number;
}

interface PendingPlan {
  readonly plan: Plan;
  /** Member by member, ascending, each in the order of the queue. */
  readonly inputs: readonly PendingInput[];
  readonly firstMoment: number;
}

interface Whole {
  readonly moment: number;
  readonly chain: ChainState;
}

const noDigest = [0, 0] as const;
/**
 * One rule keeps members independent: what an input causes happens strictly later, so all that is due at one
 * time may run side by side. `plan` takes it from the queue; `merge` applies the outputs in (member, seq)
 * order, whatever order they came back in. Every input has a moment; the world's own come before the
 * members' of the same plan.
 */
export class Cluster {
  /** The actions so far: with seed and configuration they are the whole truth of the run. */
  readonly interventions: Intervention[] = [];
  private readonly world: World;
  private pending: PendingPlan | null = null;
  /** Where the plan that is out began. */
  private before: Whole = { moment: 0, chain: firstChain };
  private readonly draft = new Draft();
  /** Actions that came while a plan was out. */
  private waiting: { readonly id: number; readonly action: Action }[] = [];
  private lastAction = 0;

  constructor(config: ClusterConfig) {
    this.world = new World(config);
  }

  get peers(): readonly PeerConfig[] {
    return this.world.peers;
  }

  get nowUs(): number {
    return this.world.nowUs;
  }

  /** The members that there are, also those that were added and those that are out: ascending. */
  get members(): readonly number[] {
    return this.world.members;
  }

  /**
   * Another one hears of events from now on, and the configured one no more. Of the members' own it hears
   * what they make: see `hearBy` of keyframes.ts.
   */
  hearBy(trace: LabTrace): void {
    this.world.reporter.hearBy(trace);
  }

  /** Who hears of events. */
  get heardBy(): LabTrace {
    return this.world.reporter.trace;
  }

  /** The number of the last input. */
  get moment(): number {
    return this.world.kernel.moment;
  }

  /** Sixteen hex digits over all inputs so far: see chain-hash.ts. */
  get chainHash(): string {
    return this.world.kernel.chainHash;
  }

  /** The last moment between two plans, and the chain hash there. */
  get whole(): { readonly moment: number; readonly chainHash: string } {
    if (this.pending === null) return { moment: this.moment, chainHash: this.chainHash };
    return { moment: this.before.moment, chainHash: chainText(this.before.chain) };
  }

  /** When the next thing happens; null when nothing will. */
  get nextTimeUs(): number | null {
    this.discardStale();
    return this.world.kernel.nextTimeUs;
  }

  /**
   * The stores that the next plan waits for. A store that failed must be reported (`storeFailed`) before that
   * plan is taken, while its sync is still under way.
   */
  get dueGates(): StoreGate[] {
    const next = this.nextTimeUs;
    if (next === null) return [];
    return this.world.disks.flatMap((disk) =>
      disk.commitsDueBy(next).map((commit) => ({ member: disk.member as NodeId, commit })),
    );
  }

  get inFlight(): InFlight {
    const { clients, messagesInFlight, disks } = this.world;
    const syncs = disks.reduce((sum, disk) => sum + disk.syncCount, 0);
    return { requests: clients.waitingCount, messages: messagesInFlight, syncs };
  }

  get networkCuts(): readonly { readonly from: number; readonly to: number }[] {
    return this.world.network.cuts;
  }

  /** The numbers of the messages on their way, or of those that are held there: the newest first. */
  messagesUnderWay(isHeld: boolean): readonly number[] {
    return this.world.network.underWay(isHeld);
  }

  /** What became of the load's requests so far. */
  get load(): Readonly<LoadTotals> {
    return this.world.load.totals;
  }

  /** How often each fault really fired. */
  get reach(): Readonly<FaultReach> {
    return this.world.reach;
  }

  memberStatus(member: number): MemberStatus {
    return this.world.process(member).status;
  }

  /** What a process of the member would read if it booted now. */
  files(member: number): DiskImage {
    return this.world.disk(member).files();
  }

  /** What the member's disk holds for sure. */
  durable(member: number): DiskImage {
    return this.world.disk(member).durable();
  }

  /**
   * What a power cut would do to the member now: which changes are on their way, and what the disk would hold
   * by fates that are chosen, or as the dice would fall. Nothing is changed.
   * @returns why there is no such power cut, in a sentence
   */
  previewCut(member: number, chosen: Partial<ChosenFates>): CutPreview | string {
    if (!this.world.has(member)) return `there is no member ${member}`;
    return previewCut(this.world, member, chosen);
  }

  /** What the member's real store holds once it has done all commits: syncs under way are in it already. */
  stored(member: number): DiskImage {
    return this.world.disk(member).stored();
  }

  /**
   * How many commits the member's store was told of, and the virtual time of the last; 0 where there is
   * none.
   */
  commitsMade(member: number): { readonly count: number; readonly lastUs: number } {
    return this.world.disk(member).commitsMade;
  }

  /**
   * Does something to the cluster at the present time (while a plan is out: after its merge). Recorded.
   * @returns the action's id; `takeOutcomes` names it when it is finished
   */
  act(action: Action): number {
    this.lastAction++;
    if (this.pending === null) this.record(this.lastAction, action);
    else this.waiting.push({ id: this.lastAction, action });
    return this.lastAction;
  }

  /** The actions finished since the last call, in order. */
  takeOutcomes(): FinishedAction[] {
    return this.world.finished.splice(0);
  }

  /** What the members' real stores must do, since the last call: in order for each member. */
  takeStoreCommits(): StoreCommit[] {
    return this.world.disks.flatMap((disk) => disk.takeCommits());
  }

  /**
   * Takes what is due next; null when nothing will ever happen. Each plan must be merged before the next. It
   * holds one input or more, so that a moment between two plans names a single state.
   */
  plan(): Plan | null {
    assert(this.pending === null, 'cluster: the last plan was not merged');
    const { kernel } = this.world;
    const before = kernel.moment;
    this.before = { moment: before, chain: kernel.chainState };
    for (;;) {
      this.discardStale();
      const item = kernel.peek();
      const hasBegun = kernel.moment > before || !this.draft.isEmpty;
      if (item === undefined || (hasBegun && item.timeUs !== kernel.nowUs)) {
        return hasBegun ? this.stepsPlan() : null;
      }
      // a process starts or ends alone, between steps
      const isAlone = this.isLifecycle(item.event);
      if (isAlone && !this.draft.isEmpty) return this.stepsPlan();
      kernel.advance();
      if (isAlone) return this.lifecyclePlan(kernel.pop());
      dispatch(this.world, this.draft, kernel.pop());
    }
  }

  /**
   * Applies what came of the plan; results may come in any order, one for each member that had a part. A
   * member that halted takes no further input, so its outputs may end there.
   */
  merge(plan: Plan, results: readonly MemberResult[]): void {
    const pending = this.pending;
    assert(pending !== null && pending.plan === plan, 'cluster: merge takes the plan that is out');
    this.pending = null;
    let moment = pending.firstMoment;
    let [target, index] = [0, 0];
    let outputs: readonly MemberOutput[] | undefined;
    for (const input of pending.inputs) {
      if (input.target !== target) {
        [target, index] = [input.target, 0];
        outputs = results.find(({ member }) => member === input.target)?.outputs;
      }
      const hasHalted = this.memberStatus(input.target) === 'halted';
      const output = outputs?.[index++];
      if (output === undefined && !hasHalted)
        fail(`cluster: no output of m${input.target} for moment ${moment}`);
      this.mergeInput(moment, input, hasHalted ? null : (output ?? null));
      moment++;
    }
    if (this.waiting.length === 0) return;
    for (const { id, action } of this.waiting.splice(0)) this.record(id, action);
  }

  /** Events that mean nothing any more neither move the clock nor make a plan. */
  private discardStale(): void {
    const { kernel } = this.world;
    for (
      let item = kernel.peek();
      item !== undefined && this.world.isStale(item.event);
      item = kernel.peek()
    ) {
      kernel.discard();
    }
  }

  private record(id: number, action: Action): void {
    this.interventions.push(sharedByForks({ moment: this.moment, action: sharedByForks(action) }));
    this.world.schedule(this.nowUs, { kind: 'action', id, action });
  }

  private mergeInput(moment: number, pending: PendingInput, output: MemberOutput | null): void {
    const { item, kind, source, target, payload } = pending;
    const digest = output?.digest ?? noDigest;
    const { kernel, reporter } = this.world;
    kernel.hash(moment, { timeUs: item.timeUs, seq: item.seq, kind, source, target, payload, digest });
    reporter.begin(moment, this.nowUs);
    if (output !== null) for (const event of output.events) reporter.tellMember(target, event);
    if (pending.told !== null) reporter.tell(target, pending.told);
    if (output === null) return;
    if (kind === inputKind.start) tellNotes(this.world, target);
    applyOutput(this.world, this.world.process(target), output, pending.input);
    if (kind === inputKind.start) linkStarted(this.world, target);
  }

  private stepsPlan(): Plan {
    const firstMoment = this.moment + 1;
    const inputs: PendingInput[] = [];
    const steps = this.draft.take().map(({ member, inputs: given }) => {
      const numbered: NumberedInput[] = [];
      for (const pending of given) {
        inputs.push(pending);
        assert(pending.input !== null, 'cluster: a step has an input');
        numbered.push({ moment: this.world.kernel.nextMoment(), input: pending.input });
      }
      const clockUs = this.world.process(member).clock.at(this.nowUs);
      return { member: member as NodeId, clockUs, inputs: numbered };
    });
    const plan = { timeUs: this.nowUs, gates: this.world.takeGates(), lifecycle: null, steps };
    return this.issue(plan, inputs, firstMoment);
  }

  private issue(plan: Plan, inputs: readonly PendingInput[], firstMoment: number): Plan {
    this.pending = { plan, inputs, firstMoment };
    return plan;
  }

  /** Whether an event starts or ends a process. */
  private isLifecycle(event: WorldEvent): boolean {
    if (event.kind === 'start') {
      return !mustLoad(this.world, event) && !this.world.disk(event.member).faults.armed.includes('read');
    }
    if (event.kind === 'crash') return true;
    if (event.kind !== 'action') return false;
    const { action } = event;
    if (memberProblem(action, this.world.members) !== null) return false;
    switch (action.type) {
      case 'kill':
      case 'restart':
      case 'wipe':
        return this.memberStatus(action.member) !== 'down';
      case 'powerCut':
        return (
          this.memberStatus(action.member) !== 'down' &&
          fatesProblem(this.world.disk(action.member), action) === null
        );
      case 'restoreImage':
        return this.world.disk(action.member).hasImage && this.memberStatus(action.member) !== 'down';
      case 'loseFiles':
        return (
          hasFiles(this.world.disk(action.member), action.file) && this.memberStatus(action.member) !== 'down'
        );
      case 'start':
        return this.world.has(action.member) && this.memberStatus(action.member) === 'halted';
      default:
        return false;
    }
  }

  private lifecyclePlan(item: Queued<WorldEvent>): Plan {
    const { event } = item;
    if (event.kind === 'start') return this.startPlan(item, event.member);
    const member = this.endProcess(item);
    const lifecycle = { kind: 'stop', member: member as NodeId } as const;
    const plan = { timeUs: this.nowUs, gates: this.world.takeGates(), lifecycle, steps: [] };
    return this.issue(plan, [], this.moment + 1);
  }

  /** @returns the member whose process has ended */
  private endProcess(item: Queued<WorldEvent>): number {
    const { event } = item;
    if (event.kind === 'crash') {
      this.world.take(item, inputKind.crash, event.member, endNumbers[event.then]);
      if (event.then === 'kill') kill(this.world, event.member);
      else if (event.then === 'stop') stopped(this.world, event.member);
      else powerCut(this.world, event.member);
      return event.member;
    }
    assert(event.kind === 'action' && 'member' in event.action, 'cluster: not the end of a process');
    doAction(this.world, item, event.id, event.action);
    return event.action.member;
  }

  private startPlan(item: Queued<WorldEvent>, member: number): Plan {
    const process = this.world.process(member);
    const gates = this.world.takeGates();
    assert(process.status === 'down', 'cluster: a start finds no process');
    process.epoch = nextEpoch(process, this.world.config.boot);
    process.starts++;
    process.status = 'up';
    process.coming = null;
    const disk = this.world.disk(member);
    takeFlags(process, disk.isEmpty);
    if (disk.lastUrgentCommit > 0) gates.push({ member: member as NodeId, commit: disk.lastUrgentCommit });
    const moment = this.world.kernel.nextMoment();
    const config = memberConfig(this.world, process);
    process.forcesNewCluster = false;
    const plan: Plan = {
      timeUs: this.nowUs,
      gates,
      lifecycle: {
        kind: 'start',
        moment,
        clockUs: process.clock.at(this.nowUs),
        config,
        files: disk.faults.read(disk.files()),
      },
      steps: [],
    };
    const { epoch } = process;
    const input: PendingInput = {
      item,
      input: null,
      kind: inputKind.start,
      source: 0,
      target: member,
      payload: epoch,
      told: { type: 'sim.start', epoch },
    };
    return this.issue(plan, [input], moment);
  }
}
