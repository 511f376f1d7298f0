/** The cluster: members, network, disks and clients on one clock, in two halves, `plan` and `merge`. */
import { assert, fail } from '../base/assert.ts';
import { crc32c } from '../base/checksum.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { memberProblem } from './actions.ts';
import { inputKind } from './chain-hash.ts';
import { doAction } from './faults.ts';
import { linkStarted } from './links.ts';
import { memberConfig, takeFlags } from './launch.ts';
import { applyOutput } from './outputs.ts';
import { nextEpoch } from './process.ts';
import { World } from './world.ts';
import type { Sync } from './disk.ts';
import type { SimEvent } from './events.ts';
import type { LoadTotals } from './load.ts';
import type { MemberStatus, WorldEvent } from './process.ts';
import type { Queued } from './queue.ts';
import type { FaultReach } from './reach.ts';
import type { FinishedAction } from './world.ts';
import type { NodeId } from '../engine/raft/types.ts';
import type {
  DiskErrorCode,
  DiskImage,
  MemberInput,
  MemberOutput,
  PeerConfig,
} from '../engine/server/types.ts';
import type {
  Action,
  ClusterConfig,
  Intervention,
  MemberResult,
  NumberedInput,
  Plan,
  StoreCommit,
  StoreGate,
} from './types.ts';

/** What is on its way, for pacing a show: heartbeats do not count. */
export interface InFlight {
  readonly requests: number;
  readonly messages: number;
  readonly syncs: number;
}

/** An input that a member was given, until its output comes. `input` is null for a start. */
interface PendingInput {
  readonly item: Queued<WorldEvent>;
  readonly input: MemberInput | null;
  readonly kind: number;
  readonly source: number;
  readonly target: number;
  readonly payload: number;
  /** What the world tells of it, after the member's own events. */
  readonly told: SimEvent | null;
}

interface PendingPlan {
  readonly plan: Plan;
  /** Member by member, ascending, each in the order of the queue. */
  readonly inputs: readonly PendingInput[];
  readonly firstMoment: number;
}

const noDigest = [0, 0] as const;
const timerChecksums = {
  raftTick: crc32c(encodeUtf8('raftTick')),
  backendCommit: crc32c(encodeUtf8('backendCommit')),
  leaseExpiry: crc32c(encodeUtf8('leaseExpiry')),
  compaction: crc32c(encodeUtf8('compaction')),
  autoCompaction: crc32c(encodeUtf8('autoCompaction')),
  corruptCheck: crc32c(encodeUtf8('corruptCheck')),
  watchSync: crc32c(encodeUtf8('watchSync')),
  watchVictims: crc32c(encodeUtf8('watchVictims')),
  watchProgress: crc32c(encodeUtf8('watchProgress')),
  password: crc32c(encodeUtf8('password')),
};

/**
 * One rule keeps members independent: what an input causes happens strictly later, so all that is due at one
 * time may run side by side. `plan` takes it from the queue; `merge` applies the outputs in (member, seq)
 * order, whatever order they came back in. Every input has a moment; the world's own come before the
 * members' of the same plan.
 */
export class Cluster {
  /** The actions so far: with seed and configuration they are the whole truth of the run. */
  readonly interventions: Intervention[] = [];
  readonly #world: World;
  #pending: PendingPlan | null = null;
  /** Inputs of the plan in the making, by member. */
  readonly #draft = new Map<number, PendingInput[]>();
  /** Actions that came while a plan was out. */
  #waiting: { readonly id: number; readonly action: Action }[] = [];
  #lastAction = 0;

  constructor(config: ClusterConfig) {
    this.#world = new World(config);
  }

  get peers(): readonly PeerConfig[] {
    return this.#world.peers;
  }

  get nowUs(): number {
    return this.#world.nowUs;
  }

  /** The members that there are, also those that were added and those that are out: ascending. */
  get members(): readonly number[] {
    return this.#world.members;
  }

  /** The number of the last input. */
  get moment(): number {
    return this.#world.kernel.moment;
  }

  /** Sixteen hex digits over all inputs so far: see chain-hash.ts. */
  get chainHash(): string {
    return this.#world.kernel.chainHash;
  }

  /** When the next thing happens; null when nothing will. */
  get nextTimeUs(): number | null {
    this.#discardStale();
    return this.#world.kernel.nextTimeUs;
  }

  /**
   * The stores that the next plan waits for. A store that failed must be reported (`storeFailed`) before that
   * plan is taken, while its sync is still under way.
   */
  get dueGates(): StoreGate[] {
    const next = this.nextTimeUs;
    if (next === null) return [];
    return this.#world.disks.flatMap((disk) =>
      disk.commitsDueBy(next).map((commit) => ({ member: disk.member as NodeId, commit })),
    );
  }

  get inFlight(): InFlight {
    const { clients, messagesInFlight, disks } = this.#world;
    const syncs = disks.reduce((sum, disk) => sum + disk.syncCount, 0);
    return { requests: clients.waitingCount, messages: messagesInFlight, syncs };
  }

  get networkCuts(): readonly { readonly from: number; readonly to: number }[] {
    return this.#world.network.cuts;
  }

  /** What became of the load's requests so far. */
  get load(): Readonly<LoadTotals> {
    return this.#world.load.totals;
  }

  /** How often each fault really fired. */
  get reach(): Readonly<FaultReach> {
    return this.#world.reach;
  }

  memberStatus(member: number): MemberStatus {
    return this.#world.process(member).status;
  }

  /** What a process of the member would read if it booted now. */
  files(member: number): DiskImage {
    return this.#world.disk(member).files();
  }

  /** What the member's disk holds for sure. */
  durable(member: number): DiskImage {
    return this.#world.disk(member).durable();
  }

  /** What the member's real store holds once it has done all commits: syncs under way are in it already. */
  stored(member: number): DiskImage {
    return this.#world.disk(member).stored();
  }

  /**
   * Does something to the cluster at the present time (while a plan is out: after its merge). Recorded.
   * @returns the action's id; `takeOutcomes` names it when it is finished
   */
  act(action: Action): number {
    this.#lastAction++;
    if (this.#pending === null) this.#record(this.#lastAction, action);
    else this.#waiting.push({ id: this.#lastAction, action });
    return this.#lastAction;
  }

  /** The actions finished since the last call, in order. */
  takeOutcomes(): FinishedAction[] {
    return this.#world.finished.splice(0);
  }

  /** What the members' real stores must do, since the last call: in order for each member. */
  takeStoreCommits(): StoreCommit[] {
    return this.#world.disks.flatMap((disk) => disk.takeCommits());
  }

  /**
   * Takes what is due next; null when nothing will ever happen. Each plan must be merged before the next. It
   * holds one input or more, so that a moment between two plans names a single state.
   */
  plan(): Plan | null {
    assert(this.#pending === null, 'cluster: the last plan was not merged');
    const { kernel } = this.#world;
    const before = kernel.moment;
    for (;;) {
      this.#discardStale();
      const item = kernel.peek();
      const hasBegun = kernel.moment > before || this.#draft.size > 0;
      if (item === undefined || (hasBegun && item.timeUs !== kernel.nowUs)) {
        return hasBegun ? this.#stepsPlan() : null;
      }
      // a process starts or ends alone, between steps
      const isAlone = this.#isLifecycle(item.event);
      if (isAlone && this.#draft.size > 0) return this.#stepsPlan();
      kernel.advance();
      if (isAlone) return this.#lifecyclePlan(kernel.pop());
      this.#dispatch(kernel.pop());
    }
  }

  /**
   * Applies what came of the plan; results may come in any order, one for each member that had a part. A
   * member that halted takes no further input, so its outputs may end there.
   */
  merge(plan: Plan, results: readonly MemberResult[]): void {
    const pending = this.#pending;
    assert(pending !== null && pending.plan === plan, 'cluster: merge takes the plan that is out');
    this.#pending = null;
    const outputs = new Map(results.map((result) => [result.member as number, result.outputs]));
    const taken = new Map<number, number>();
    let moment = pending.firstMoment;
    for (const input of pending.inputs) {
      const index = taken.get(input.target) ?? 0;
      taken.set(input.target, index + 1);
      const hasHalted = this.memberStatus(input.target) === 'halted';
      const output = outputs.get(input.target)?.[index];
      if (output === undefined && !hasHalted)
        fail(`cluster: no output of m${input.target} for moment ${moment}`);
      this.#mergeInput(moment, input, hasHalted ? null : (output ?? null));
      moment++;
    }
    for (const { id, action } of this.#waiting.splice(0)) this.#record(id, action);
  }

  /** Events that mean nothing any more neither move the clock nor make a plan. */
  #discardStale(): void {
    const { kernel } = this.#world;
    for (
      let item = kernel.peek();
      item !== undefined && this.#world.isStale(item.event);
      item = kernel.peek()
    ) {
      kernel.discard();
    }
  }

  #record(id: number, action: Action): void {
    this.interventions.push({ moment: this.moment, action });
    this.#world.schedule(this.nowUs, { kind: 'action', id, action });
  }

  #mergeInput(moment: number, pending: PendingInput, output: MemberOutput | null): void {
    const { item, kind, source, target, payload } = pending;
    const digest = output?.digest ?? noDigest;
    const { kernel, reporter } = this.#world;
    kernel.hash(moment, { timeUs: item.timeUs, seq: item.seq, kind, source, target, payload, digest });
    reporter.begin(moment, this.nowUs);
    for (const event of output?.events ?? []) reporter.tellMember(target, event);
    if (pending.told !== null) reporter.tell(target, pending.told);
    if (output === null) return;
    applyOutput(this.#world, this.#world.process(target), output);
    if (kind === inputKind.start) linkStarted(this.#world, target);
  }

  #stepsPlan(): Plan {
    const firstMoment = this.moment + 1;
    const inputs: PendingInput[] = [];
    const steps = [...this.#draft.keys()]
      .sort((a, b) => a - b)
      .map((member) => {
        const numbered: NumberedInput[] = [];
        for (const pending of this.#draft.get(member) ?? []) {
          inputs.push(pending);
          assert(pending.input !== null, 'cluster: a step has an input');
          numbered.push({ moment: this.#world.kernel.nextMoment(), input: pending.input });
        }
        return { member: member as NodeId, inputs: numbered };
      });
    this.#draft.clear();
    const plan = { timeUs: this.nowUs, gates: this.#world.gates.splice(0), lifecycle: null, steps };
    return this.#issue(plan, inputs, firstMoment);
  }

  #issue(plan: Plan, inputs: readonly PendingInput[], firstMoment: number): Plan {
    this.#pending = { plan, inputs, firstMoment };
    return plan;
  }

  /** Whether an event starts or ends a process. */
  #isLifecycle(event: WorldEvent): boolean {
    if (event.kind === 'start') return true;
    if (event.kind !== 'action') return false;
    const { action } = event;
    if (memberProblem(action, this.#world.members) !== null) return false;
    switch (action.type) {
      case 'kill':
      case 'powerCut':
      case 'restart':
      case 'wipe':
        return this.memberStatus(action.member) !== 'down';
      case 'start':
        return this.#world.has(action.member) && this.memberStatus(action.member) === 'halted';
      default:
        return false;
    }
  }

  #lifecyclePlan(item: Queued<WorldEvent>): Plan {
    const { event } = item;
    if (event.kind === 'start') return this.#startPlan(item, event.member);
    assert(event.kind === 'action' && 'member' in event.action, 'cluster: not the end of a process');
    doAction(this.#world, item, event.id, event.action);
    const lifecycle = { kind: 'stop', member: event.action.member as NodeId } as const;
    const plan = { timeUs: this.nowUs, gates: this.#world.gates.splice(0), lifecycle, steps: [] };
    return this.#issue(plan, [], this.moment + 1);
  }

  #startPlan(item: Queued<WorldEvent>, member: number): Plan {
    const process = this.#world.process(member);
    const gates = this.#world.gates.splice(0);
    assert(process.status === 'down', 'cluster: a start finds no process');
    process.epoch = nextEpoch(process, this.#world.config.boot);
    process.starts++;
    process.status = 'up';
    const disk = this.#world.disk(member);
    takeFlags(process, disk.isEmpty);
    if (disk.lastUrgentCommit > 0) gates.push({ member: member as NodeId, commit: disk.lastUrgentCommit });
    const moment = this.#world.kernel.nextMoment();
    const config = memberConfig(this.#world, process);
    const plan: Plan = {
      timeUs: this.nowUs,
      gates,
      lifecycle: { kind: 'start', moment, config, files: disk.files() },
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
    return this.#issue(plan, [input], moment);
  }

  /** Gives an event to the member it is for, holds it for a paused one, or lets the world do it. */
  #dispatch(item: Queued<WorldEvent>): void {
    const { event } = item;
    const world = this.#world;
    switch (event.kind) {
      case 'timer': {
        const { member, timer } = event;
        if (world.hold(item, member, event)) return;
        return this.#give(
          item,
          { kind: 'timer', timer },
          inputKind.timer,
          member,
          member,
          timerChecksums[timer],
        );
      }
      case 'message':
        return this.#deliver(item, event);
      case 'link': {
        const { member, node, up } = event;
        if (world.hold(item, member, event)) return;
        const input = { kind: 'link', node: node as NodeId, up } as const;
        return this.#give(item, input, inputKind.link, node, member, up ? 1 : 0);
      }
      case 'sync':
        return this.#syncDone(item, event.member, event.sync);
      case 'diskDone':
        if (world.hold(item, event.member, event)) return;
        return this.#giveDiskDone(item, event.member, event.id, event.error, null);
      case 'clientRequest':
        return this.#requestArrives(item, event);
      case 'clientCancel': {
        const { member, request } = event;
        if (world.hold(item, member, event)) return;
        return this.#give(item, { kind: 'cancel', request }, inputKind.cancel, 0, member, request);
      }
      case 'clientDial':
      case 'clientDialed':
      case 'clientReply':
      case 'clientBroken':
      case 'clientRetry':
      case 'clientDeadline':
        if (event.kind === 'clientDial' && world.hold(item, event.member, event)) return;
        world.take(item, inputKind.client, 0, event.call);
        return world.clients.happen(event);
      case 'loadIssue':
      case 'loadReport':
      case 'perfIssue':
        world.take(item, inputKind.load, 0, event.load);
        return world.loadHappens(event);
      case 'action':
        return doAction(world, item, event.id, event.action);
      case 'start':
        return fail('cluster: a start is a plan of its own');
      default:
        return event satisfies never;
    }
  }

  #deliver(item: Queued<WorldEvent>, event: Extract<WorldEvent, { kind: 'message' }>): void {
    const { transit } = event;
    const { from, to, message } = transit;
    const { bytes } = transit.send;
    const world = this.#world;
    if (!event.arrived) world.network.take(world.nowUs, transit);
    const epoch = world.epochOf(to);
    const drop = event.arrived
      ? epoch === transit.targetEpoch
        ? null
        : 'down'
      : world.network.fate(transit, epoch);
    if (drop === null && world.hold(item, to, { ...event, arrived: true })) return;
    if (!transit.quiet) world.messagesInFlight--;
    if (drop === null) {
      const input = { kind: 'message', from: from as NodeId, bytes } as const;
      this.#give(item, input, inputKind.message, from, to, crc32c(bytes), { type: 'sim.deliver', message });
      return;
    }
    if (drop === 'cut') world.reach.droppedByCut++;
    else if (drop === 'loss') world.reach.droppedByLoss++;
    else world.reach.droppedByDown++;
    if (drop === 'loss' && transit.lost === 'link') world.reach.lostByLink++;
    world.take(item, inputKind.drop, to, message);
    world.reporter.tell(to, { type: 'sim.drop', message, because: drop });
  }

  #syncDone(item: Queued<WorldEvent>, member: number, sync: Sync): void {
    const world = this.#world;
    world.disk(member).complete(sync);
    const { id, epoch, file } = sync;
    if (sync.urgent) world.gates.push({ member: member as NodeId, commit: sync.commit });
    const told = { type: 'sim.diskSynced', file, request: id } as const;
    const isAwaited = world.epochOf(member) === epoch;
    if (isAwaited && this.memberStatus(member) === 'up')
      return this.#giveDiskDone(item, member, id, null, told);
    world.take(item, inputKind.sync, member, id);
    world.reporter.tell(member, told);
    if (isAwaited) world.keep(member, { kind: 'diskDone', member, epoch, id, error: null });
    else world.reach.syncsOutlived++;
  }

  #requestArrives(item: Queued<WorldEvent>, event: Extract<WorldEvent, { kind: 'clientRequest' }>): void {
    const world = this.#world;
    if (world.epochOf(event.member) !== event.epoch) {
      world.take(item, inputKind.client, 0, event.call);
      return world.clients.happen(event);
    }
    if (world.hold(item, event.member, event)) return;
    const { input, payload } = world.clients.inputOf(event.call);
    this.#give(item, input, inputKind.request, 0, event.member, payload);
  }

  #giveDiskDone(
    item: Queued<WorldEvent>,
    member: number,
    id: number,
    error: DiskErrorCode | null,
    told: SimEvent | null,
  ): void {
    const payload = error === null ? id : crc32c(encodeUtf8(`${id} ${error}`));
    this.#give(item, { kind: 'diskDone', id, error }, inputKind.diskDone, member, member, payload, told);
  }

  #give(
    item: Queued<WorldEvent>,
    input: MemberInput,
    kind: number,
    source: number,
    target: number,
    payload: number,
    told: SimEvent | null = null,
  ): void {
    const inputs = this.#draft.get(target) ?? [];
    inputs.push({ item, input, kind, source, target, payload, told });
    this.#draft.set(target, inputs);
  }
}
