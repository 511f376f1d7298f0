/** The world's state: who runs, what is on its way, what is stored. The cluster plans over it. */
import { assert } from '../base/assert.ts';
import { hostCount } from '../base/hosts.ts';
import { stream } from '../base/prng.ts';
import { inputKind } from './chain-hash.ts';
import { PerfChecks } from './check-perf.ts';
import { Clients } from './client.ts';
import { Disk } from './disk.ts';
import { peersOf } from './endpoints.ts';
import { Kernel } from './kernel.ts';
import { Load } from './load.ts';
import { MemberClock } from './member-clock.ts';
import { Flaps } from './flapping.ts';
import { Network } from './network.ts';
import { isAlive } from './process.ts';
import { isLinkStale, linkEnded } from './links.ts';
import { ProcessMemory } from './process-memory.ts';
import { newReach } from './reach.ts';
import { Reporter } from './reporter.ts';
import { Cpu } from './slow-cpu.ts';
import { isStartStale } from './starts.ts';
import { Twins } from './twins.ts';
import { defaultWorld } from './world-config.ts';
import type { PerfEvent, PerfWorld } from './check-perf.ts';
import type { ClientWorld } from './client-call.ts';
import type { LoadEvent, LoadWorld } from './load.ts';
import type { Launch, MemberStatus, Process, WorldEvent } from './process.ts';
import type { Queued } from './queue.ts';
import type { FaultReach } from './reach.ts';
import type { DiskImage, PeerConfig } from '../engine/server/types.ts';
import type { ClientAction, ClientOutcome, ClusterConfig, MemberView, StoreGate } from './types.ts';

/** A finished action: a client command's outcome; null for a fault that took effect. */
export interface FinishedAction {
  readonly id: number;
  readonly moment: number;
  readonly timeUs: number;
  readonly outcome: ClientOutcome | null;
}

const noDigest = [0, 0] as const;
/** Of a member whose address is no host's: nobody is there. */
const unknownHost = 1000;

export class World implements ClientWorld, LoadWorld, PerfWorld {
  readonly config: ClusterConfig;
  /** Where members may be; `peers`: where there are any. */
  readonly hosts: readonly PeerConfig[] = peersOf(hostCount);
  readonly kernel: Kernel<WorldEvent>;
  readonly network: Network;
  readonly flaps = new Flaps();
  readonly twins = new Twins();
  readonly clients: Clients;
  readonly load: Load;
  readonly perf: PerfChecks;
  readonly reporter: Reporter;
  readonly reach: FaultReach = newReach();
  private readonly machines = new Map<number, { readonly process: Process; readonly disk: Disk }>();
  /** Messages other than heartbeats. */
  messagesInFlight = 0;
  finished: FinishedAction[] = [];
  /** Syncs complete in the plan in the making. */
  gates: StoreGate[] = [];

  constructor(config: ClusterConfig) {
    const { seed, boot, memberCount } = config;
    assert(memberCount >= 1 && memberCount <= 9, 'cluster: one to nine members');
    const { images } = config;
    assert(images.length >= memberCount && images.length <= hostCount, 'cluster: one image for each member');
    const { network, startSpanUs, faults = [] } = config.world ?? defaultWorld;
    this.config = config;
    this.kernel = new Kernel(config.startUs);
    this.reporter = new Reporter(config.trace);
    this.network = new Network(network, seed, boot);
    this.clients = new Clients(this, network.clientDelay, seed, boot);
    this.load = new Load(this, seed, boot);
    this.perf = new PerfChecks(this, seed, boot);
    const starts = stream(seed, boot, 'start');
    const peers = peersOf(memberCount);
    for (const action of faults) this.kernel.push(config.startUs, { kind: 'action', id: 0, action });
    this.twins.find(new Map(images.map((image, i) => [i + 1, image])), this.hosts);
    this.reach.membersCopied = this.twins.size;
    images.forEach((image, i) => {
      const member = i + 1;
      const isFirst = member <= memberCount;
      const launch: Launch = {
        peers: isFirst ? peers : [this.hosts[i]],
        state: isFirst ? 'new' : 'existing',
      };
      if (!isFirst && image.size === 0) return;
      this.addMachine(member, image, launch);
      this.kernel.push(config.startUs + starts.below(startSpanUs + 1), { kind: 'start', member });
    });
  }

  /** The hosts that a member is on, or was. */
  get peers(): readonly PeerConfig[] {
    return this.hosts.filter(({ nodeId }) => this.machines.has(nodeId));
  }

  /** Ascending. */
  get members(): readonly number[] {
    return this.peers.map(({ nodeId }) => nodeId as number);
  }

  get nowUs(): number {
    return this.kernel.nowUs;
  }

  get processes(): readonly Process[] {
    return this.members.map((member) => this.process(member));
  }

  get disks(): readonly Disk[] {
    return this.members.map((member) => this.disk(member));
  }

  process(member: number): Process {
    const machine = this.machines.get(member);
    assert(machine !== undefined, 'world: no such member');
    return machine.process;
  }

  disk(member: number): Disk {
    const machine = this.machines.get(member);
    assert(machine !== undefined, 'world: no such member');
    return machine.disk;
  }

  has(member: number): boolean {
    return this.machines.has(member);
  }

  /**
   * `member add` has succeeded: whoever starts a member on that host gives it these flags. A host that is new
   * joins the world.
   */
  memberAdded(name: string, id: bigint, members: readonly MemberView[]): void {
    const added = members.find((member) => member.id === id);
    const host = this.hosts.find(({ peerUrl }) => added?.peerUrls.includes(peerUrl) ?? false);
    if (host === undefined) return;
    const peers = members.flatMap((member): PeerConfig[] => {
      const at = this.hosts.find(({ peerUrl }) => member.peerUrls.includes(peerUrl));
      const peerUrl = member.peerUrls[0] ?? '';
      const nodeId = at?.nodeId ?? (unknownHost as PeerConfig['nodeId']);
      const given = member.id === id ? name : member.name;
      return [{ nodeId, name: given, peerUrl: at?.peerUrl ?? peerUrl, clientUrl: at?.clientUrl ?? '' }];
    });
    const launch: Launch = { peers: peers.sort((a, b) => a.nodeId - b.nodeId), state: 'existing' };
    if (!this.has(host.nodeId)) this.addHost(host.nodeId, launch);
    this.process(host.nodeId).announced = launch;
    this.reach.membersAnnounced++;
  }

  /** A host that is new joins the world with an empty disk; by itself its member would know nobody. */
  addHost(member: number, launch: Launch = this.launchAlone(member)): void {
    this.addMachine(member, new Map(), launch);
    const { name, peerUrl, clientUrl } = this.hosts[member - 1];
    this.reporter.tell(member, { type: 'sim.addHost', name, peerUrl, clientUrl });
  }

  private launchAlone(member: number): Launch {
    return { peers: [this.hosts[member - 1]], state: 'existing' };
  }

  private addMachine(member: number, image: DiskImage, launch: Launch): void {
    const { seed, boot } = this.config;
    const { disk } = this.config.world ?? defaultWorld;
    const process: Process = {
      ...{ member, launch, announced: null, state: null, forcesNewCluster: false },
      ...{ status: 'down' as const, epoch: 0, starts: 0, held: [] },
      ...{ cpu: new Cpu<WorldEvent>(), clock: new MemberClock(), memory: new ProcessMemory(), crash: null },
      ...{ restartDelayUs: 0, askedToStop: null, coming: null, comingCount: 0 },
    };
    this.machines.set(member, { process, disk: new Disk(member, image, disk, seed, boot) });
  }

  /** The epoch of the member's living process; 0 where none is. */
  epochOf(member: number): number {
    const process = this.machines.get(member)?.process;
    return process !== undefined && isAlive(process) ? process.epoch : 0;
  }

  /** The syncs that were completed since the last call. */
  takeGates(): StoreGate[] {
    const { gates } = this;
    this.gates = [];
    return gates;
  }

  schedule(timeUs: number, event: WorldEvent): void {
    this.kernel.push(timeUs, event);
  }

  get isHeard(): boolean {
    return this.reporter.on;
  }

  tell(event: Parameters<Reporter['tell']>[1]): void {
    this.reporter.tell(0, event);
  }

  checkPerf(id: number, action: Parameters<PerfChecks['begin']>[1]): void {
    this.perf.begin(id, action);
  }

  stopChecks(): number {
    return this.perf.stop();
  }

  loadHappens(event: LoadEvent | PerfEvent): void {
    if (event.kind === 'perfIssue') this.perf.happen(event);
    else this.load.happen(event);
  }

  /** A client begins: an action's, a load's or a check's. */
  request(id: number, action: ClientAction): void {
    this.reporter.trace.asked?.(id, action, this.nowUs);
    this.clients.start(id, action);
  }

  watchEnded(id: number): void {
    if (this.load.owns(id)) this.load.watchEnded(id);
  }

  finish(id: number, outcome: ClientOutcome | null): void {
    if (id === 0) return assert(outcome === null, 'cluster: a fault of the configuration makes no sense');
    if (outcome !== null) this.reporter.trace.answered?.(id, outcome, this.nowUs);
    if (this.perf.owns(id)) return outcome === null ? undefined : this.perf.finished(id, outcome);
    if (this.load.owns(id)) return this.load.finished(id, outcome);
    this.finished.push({ id, moment: this.kernel.moment, timeUs: this.nowUs, outcome });
  }

  /** An input that the world itself took: it has a moment and goes into the hash with no digest. */
  take(item: Queued<WorldEvent>, kind: number, target: number, payload: number): void {
    const moment = this.kernel.nextMoment();
    const { timeUs, seq } = item;
    this.kernel.hash(moment, { timeUs, seq, kind, source: 0, target, payload, digest: noDigest });
    this.reporter.begin(moment, timeUs);
  }

  /** Whether the member takes no input now: it is paused, or its processor is busy. */
  isWaiting(member: number, event: WorldEvent): boolean {
    const { status, cpu, held } = this.process(member);
    return status === 'paused' || cpu.isBusy(this.nowUs, event, held.length);
  }

  /** Keeps an event for later where the member takes no input now: that is an input of the world. */
  hold(item: Queued<WorldEvent>, member: number, event: WorldEvent): boolean {
    if (!this.isWaiting(member, event)) return false;
    this.take(item, inputKind.hold, member, 0);
    this.keep(member, event);
    return true;
  }

  /** The member gets the event when it resumes, or when its processor is free. */
  keep(member: number, event: WorldEvent): void {
    const process = this.process(member);
    process.held.push(event);
    if (process.status === 'paused') this.reach.inputsHeld++;
    else {
      this.reach.inputsSlowed++;
      this.wakeAt(process, Math.max(this.nowUs + 1, process.cpu.freeAtUs));
    }
  }

  /** The processor's next input is let go then, or as soon after as it is free. */
  wakeAt({ member, epoch, cpu }: Process, timeUs: number): void {
    if (cpu.isWaking) return;
    cpu.isWaking = true;
    this.schedule(timeUs, { kind: 'cpu', member, epoch });
  }

  /** A paused process goes on. What came meanwhile is given to it in its order, just after. */
  resume(process: Process): void {
    process.status = 'up';
    this.reporter.tell(process.member, { type: 'sim.resume' });
    for (const event of process.held.splice(0)) this.schedule(this.nowUs + 1, event);
  }

  /** Whether an event means nothing any more, for good: its process, call or sync is gone. */
  isStale(event: WorldEvent): boolean {
    switch (event.kind) {
      case 'timer':
      case 'stop':
      case 'diskDone':
      case 'cpu':
      case 'read':
      case 'clientCancel':
        return this.epochOf(event.member) !== event.epoch;
      case 'link':
        return isLinkStale(this, event);
      case 'sync':
        return !event.sync.isLive;
      case 'crash': {
        const { status, epoch } = this.process(event.member);
        return status !== 'halted' || epoch !== event.epoch;
      }
      case 'flap':
        return this.flaps.find(event.from, event.to)?.number !== event.number;
      case 'swing':
        return this.process(event.member).clock.swing?.number !== event.number;
      case 'start':
        return isStartStale(this, event);
      case 'clientRequest':
        return !this.clients.isWaiting(event.call, event.attempt);
      case 'clientDial':
      case 'clientDialed':
      case 'clientReply':
      case 'clientBroken':
      case 'clientRetry':
      case 'clientDeadline':
        return !this.clients.isOpen(event.call);
      case 'message':
        return !event.arrived && !this.network.isCurrent(event.transit);
      case 'loadIssue':
      case 'loadReport':
        return !this.load.isCurrent(event);
      case 'perfIssue':
        return !this.perf.isOpen(event.load);
      case 'action':
        return false;
      default:
        return event satisfies never;
    }
  }

  /** A process ends: its connections break, and nobody waits for what it was to be given. */
  endProcess(process: Process, status: Extract<MemberStatus, 'down' | 'halted'>): void {
    const held = process.held.splice(0);
    process.status = status;
    process.cpu.reset();
    process.memory.reset();
    for (const event of held) {
      if (event.kind === 'message' && !event.transit.quiet) this.messagesInFlight--;
      if (event.kind === 'clientDial' || event.kind === 'clientRequest') this.clients.happen(event);
    }
    this.clients.disconnect(process.member);
    linkEnded(this, process);
  }
}
