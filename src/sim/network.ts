/** The network between members: directed links with delay, loss, duplicates, cuts, and what travels. */
import { assert } from '../base/assert.ts';
import { crc32c } from '../base/checksum.ts';
import { stream } from '../base/prng.ts';
import { drawDelay } from './delay.ts';
import { isSameLink, LinkFaults, mayBeDoubled, usualLink } from './link-faults.ts';
import type { Send } from '../engine/server/types.ts';
import type { Prng } from '../base/prng.ts';
import type { LinkSettings } from './fault-types.ts';
import type { ClogNote, LinkLoss } from './link-faults.ts';
import type { NetworkConfig } from './world-config.ts';

/** A message on its way. */
export interface Transit {
  readonly message: number;
  readonly from: number;
  readonly to: number;
  readonly send: Send;
  readonly sentAt: number;
  /** When it arrives, if nothing makes it wait. */
  readonly deliverAt: number;
  /** Which process sent it, and which one of the target the connection leads to. */
  readonly sourceEpoch: number;
  readonly targetEpoch: number;
  /** How often the link had been cut or healed when the message left. */
  readonly linkAge: number;
  /** It will not arrive: the world's network loses it, or the link's fault does. */
  readonly lost: 'network' | LinkLoss | null;
  /** Others overtake it. */
  readonly isLoose: boolean;
  /** CRC-32C of what was sent, where something else is on its way: the receiver finds out. Else null. */
  readonly sentChecksum: number | null;
  /** A heartbeat or its answer: of no interest for the pace of a show. */
  readonly quiet: boolean;
}

export type DropReason = 'cut' | 'down' | 'loss' | 'queue' | 'filter' | 'corrupt';

/** A direction that is slower or worse than the world's network. */
export interface DegradedLink extends LinkSettings {
  readonly from: number;
  readonly to: number;
}

/** A message that leaves: its number and its arrival are set as it does. */
type Way = { -readonly [Field in keyof Transit]: Transit[Field] };

/** `held`: until it is delivered by hand; `behind`: until nothing that is held is before it. */
export type Waiting = 'no' | 'held' | 'behind';

/** A message under way and whether it waits. Each change of its way is a new `transit`. */
interface Flight {
  transit: Transit;
  waiting: Waiting;
}

/** What travels over one connection after the other. */
interface Lane {
  /** The newest of its messages, which names its present connection, and when the last one there arrives. */
  newest: Transit | null;
  lastDeliverAt: number;
  /** When the bytes before are all on the wire. */
  freeAt: number;
}

interface Link {
  readonly from: number;
  readonly to: number;
  readonly delays: Prng;
  readonly losses: Prng;
  readonly duplicates: Prng;
  readonly faults: LinkFaults;
  isCut: boolean;
  age: number;
  /** Snapshots go over connections of their own, and hold up nothing else. */
  readonly lanes: { readonly messages: Lane; readonly snapshots: Lane };
  /** What is under way, in the order it was sent. */
  readonly flights: Map<number, Flight>;
  heldCount: number;
}

export interface Departure {
  readonly from: number;
  readonly to: number;
  readonly send: Send;
  readonly sourceEpoch: number;
  readonly targetEpoch: number;
  readonly quiet: boolean;
}

/** A gigabit. */
const defaultBytesPerSecond = 125_000_000;

/**
 * Streams: `net`, `loss` and `duplicate`, each with the label `from>to`, so that no fault shifts another's
 * draws; link-faults.ts has more.
 *
 * A message can be held. On ordered links, as a TCP connection has it, what was sent behind it over the same
 * connection waits too, and goes on in its order once nothing held is before it; only a message that is
 * delivered by hand overtakes. A cut or a process that ended is seen when the message arrives at last.
 */
export class Network {
  private readonly config: NetworkConfig;
  private readonly seed: number;
  private readonly boot: number;
  /** By `from * 16 + to`; made when it is first used. */
  private readonly made = new Map<number, Link>();
  private lastMessage = 0;

  constructor(config: NetworkConfig, seed: number, boot: number) {
    this.config = config;
    this.seed = seed;
    this.boot = boot;
  }

  /** How often the two directions between two members have been cut or healed. */
  age(a: number, b: number): number {
    return this.link(a, b).age + this.link(b, a).age;
  }

  /** Whether both directions between two members are whole. */
  isWhole(a: number, b: number): boolean {
    return !this.link(a, b).isCut && !this.link(b, a).isCut;
  }

  /**
   * The message's copies under way: one, or more where it is duplicated; a lost one travels too, to its drop.
   */
  send(nowUs: number, departure: Departure): Transit[] {
    const link = this.link(departure.from, departure.to);
    assert(link.from !== link.to, 'network: a member does not send to itself');
    const { loss, duplicate } = this.config;
    // a snapshot's connection sends again what is lost on the way: only a fault of the link breaks it
    const isStream = departure.send.stream !== undefined;
    const lost = !isStream && link.losses.chance(loss.of, loss.outOf) ? 'network' : null;
    const copies = [this.depart(nowUs, link, departure, lost)];
    const isDoubled = link.duplicates.chance(duplicate.of, duplicate.outOf);
    if (isDoubled && mayBeDoubled(departure.send)) {
      copies.push(this.depart(nowUs, link, departure, null));
    }
    const laterUs = link.faults.duplicateUs(departure.send);
    if (laterUs !== null) copies.push(this.stray(link, copies[0], laterUs, null));
    return copies;
  }

  /** Whether the transit is how its message travels now: not taken, not waiting, not sent another way. */
  isCurrent(transit: Transit): boolean {
    const flight = this.link(transit.from, transit.to).flights.get(transit.message);
    return flight !== undefined && flight.transit === transit && flight.waiting === 'no';
  }

  /** The messages that travel, or those that are held: the newest first. */
  underWay(isHeld: boolean): number[] {
    const flights = this.links.flatMap((link) => [...link.flights.values()]);
    const found = flights.filter(({ waiting }) => (waiting === 'held') === isHeld);
    return found.map(({ transit }) => transit.message).sort((a, b) => b - a);
  }

  /** The message under way with this number. */
  find(message: number): { readonly transit: Transit; readonly waiting: Waiting } | null {
    for (const { flights } of this.links) {
      const flight = flights.get(message);
      if (flight !== undefined) return flight;
    }
    return null;
  }

  /** Every message that was held and not let go. */
  get held(): number[] {
    const flights = this.links.flatMap((link) => [...link.flights.values()]);
    return flights.filter(({ waiting }) => waiting === 'held').map(({ transit }) => transit.message);
  }

  /** A message leaves the network: it arrived, or was taken out. Returns what waited for it alone. */
  take(nowUs: number, { from, to, message }: Transit): Transit[] {
    const link = this.link(from, to);
    const flight = link.flights.get(message);
    assert(flight !== undefined, 'network: a message leaves once');
    link.flights.delete(message);
    if (flight.waiting !== 'held') return [];
    link.heldCount--;
    return this.unblock(nowUs, link);
  }

  /** Holds a message under way. Returns what now waits behind it. */
  hold({ from, to, message }: Transit): Transit[] {
    const link = this.link(from, to);
    const flight = link.flights.get(message);
    assert(flight !== undefined, 'network: a message that is held is under way');
    assert(flight.waiting !== 'held', 'network: a message is held once');
    flight.waiting = 'held';
    link.heldCount++;
    const behind = [...link.flights.values()].filter(
      (other) => other.waiting === 'no' && this.isBlocked(link, other.transit),
    );
    for (const other of behind) other.waiting = 'behind';
    return behind.map(({ transit }) => transit);
  }

  /**
   * The message arrives at once, before all others of its link, be it one that would have been lost. Returns
   * it, then what waited behind it.
   */
  release(nowUs: number, { from, to, message }: Transit): Transit[] {
    const link = this.link(from, to);
    const flight = link.flights.get(message);
    assert(flight !== undefined, 'network: a message that is released is under way');
    if (flight.waiting === 'held') link.heldCount--;
    flight.waiting = 'no';
    flight.transit = { ...flight.transit, deliverAt: nowUs + 1, lost: null };
    return [flight.transit, ...this.unblock(nowUs, link)];
  }

  /**
   * The message arrives so much later, and on an ordered link nothing behind it does so before. Returns it,
   * then what travels on and arrives later for it.
   */
  delay({ from, to, message }: Transit, delayUs: number): Transit[] {
    const link = this.link(from, to);
    const flight = link.flights.get(message);
    assert(flight !== undefined && flight.waiting === 'no', 'network: a message that is delayed travels');
    const first = flight.transit;
    flight.transit = { ...first, deliverAt: first.deliverAt + delayUs };
    const moved = [flight.transit];
    for (const other of this.config.ordered ? link.flights.values() : []) {
      const { transit, waiting } = other;
      if (transit.message <= message || waiting === 'held' || !isOneConnection(transit, first)) continue;
      // what arrives at the same time is scheduled anew, to come after it
      if (transit.deliverAt > flight.transit.deliverAt) continue;
      other.transit = { ...transit, deliverAt: flight.transit.deliverAt };
      if (waiting === 'no') moved.push(other.transit);
    }
    this.noteArrival(link, flight.transit);
    return moved;
  }

  /**
   * A copy of a message under way leaves now: it arrives with the first, or on an ordered link behind all. It
   * may be lost as any other.
   */
  copy(nowUs: number, transit: Transit): Transit {
    const link = this.link(transit.from, transit.to);
    const deliverAt = Math.max(nowUs + 1, transit.deliverAt);
    const lost = link.faults.copyLoss();
    return this.launch(link, { ...transit, sentAt: nowUs, deliverAt, lost });
  }

  /** Makes one direction slower or worse from now on; false where it is just so. No settings end it. */
  degrade(from: number, to: number, settings: Partial<LinkSettings>): boolean {
    const { faults } = this.link(from, to);
    const next = { ...usualLink, ...settings };
    if (isSameLink(faults.settings, next)) return false;
    faults.settings = next;
    return true;
  }

  /**
   * A direction's queue is gone: what is under way there arrives a usual message's mean time from now, unless
   * sooner, in its order. Returns what travels and arrives sooner for it.
   */
  hasten(nowUs: number, from: number, to: number): Transit[] {
    const link = this.link(from, to);
    const { minUs, meanUs } = this.config.memberDelay;
    const deliverAt = nowUs + Math.max(1, minUs + meanUs);
    for (const lane of [link.lanes.messages, link.lanes.snapshots]) {
      lane.lastDeliverAt = Math.min(lane.lastDeliverAt, deliverAt);
    }
    link.faults.emptyQueue();
    const late = [...link.flights.values()].filter(({ transit }) => transit.deliverAt > deliverAt);
    for (const flight of late) flight.transit = { ...flight.transit, deliverAt };
    return late.filter(({ waiting }) => waiting === 'no').map(({ transit }) => transit);
  }

  isClogged(nowUs: number, from: number, to: number): boolean {
    return this.link(from, to).faults.isClogged(nowUs);
  }

  /** What clogs of a direction did since the last call. */
  takeClogNote(from: number, to: number): ClogNote {
    return this.link(from, to).faults.takeClogNote();
  }

  /** What is wrong with a direction, beside cuts. */
  settings(from: number, to: number): LinkSettings {
    return this.link(from, to).faults.settings;
  }

  /** What is sent there now takes so much longer. */
  extraDelayUs(from: number, to: number): number {
    return this.link(from, to).faults.settings.extraDelayUs;
  }

  /** The degraded directions, ascending. */
  get degraded(): DegradedLink[] {
    return this.links
      .filter(({ faults }) => faults.isBad)
      .map(({ from, to, faults }) => ({ from, to, ...faults.settings }));
  }

  /** What becomes of a message at its arrival: null when it is delivered. `epoch` 0: no process is there. */
  fate(transit: Transit, epoch: number): DropReason | null {
    const link = this.link(transit.from, transit.to);
    if (link.isCut || link.age !== transit.linkAge) return 'cut';
    if (transit.lost === 'queue' || transit.lost === 'filter') return transit.lost;
    if (transit.lost !== null) return 'loss';
    // as TCP and TLS do, with a sum over all of it
    if (transit.sentChecksum !== null && crc32c(transit.send.bytes) !== transit.sentChecksum)
      return 'corrupt';
    return epoch === transit.targetEpoch && epoch !== 0 ? null : 'down';
  }

  /** Cuts one direction; false where it was cut already. What is on its way there is lost. */
  cut(from: number, to: number): boolean {
    return this.set(from, to, true);
  }

  /** Heals one direction; false where it was whole. What was sent while it was cut stays lost. */
  heal(from: number, to: number): boolean {
    return this.set(from, to, false);
  }

  /** The cut directions, ascending. */
  get cuts(): { readonly from: number; readonly to: number }[] {
    return this.links.filter((link) => link.isCut).map(({ from, to }) => ({ from, to }));
  }

  private set(from: number, to: number, isCut: boolean): boolean {
    const link = this.link(from, to);
    if (link.isCut === isCut) return false;
    link.isCut = isCut;
    link.age++;
    return true;
  }

  private depart(nowUs: number, link: Link, departure: Departure, lost: 'network' | null): Transit {
    const { faults, age: linkAge } = link;
    const drawn = Math.max(1, drawDelay(link.delays, this.config.memberDelay));
    const sentAt = this.transfer(nowUs, laneOf(link, departure), departure);
    const lostHere = lost ?? faults.loss(nowUs, departure.send);
    const isSent = lostHere !== 'queue' && lostHere !== 'filter';
    const clogUs = isSent ? faults.clogUs(nowUs) : 0;
    const laterUs = isSent ? faults.delayUs(nowUs + clogUs, departure.send.bytes.length) : 0;
    const deliverAt = sentAt + drawn + clogUs + laterUs;
    const changed = isSent ? faults.corrupt(departure.send.bytes) : null;
    const { from, to, send, sourceEpoch, targetEpoch, quiet } = departure;
    const way: Way = {
      message: 0,
      from,
      to,
      send: changed === null ? send : { ...send, bytes: changed },
      sentAt: nowUs,
      deliverAt,
      sourceEpoch,
      targetEpoch,
      linkAge,
      lost: lostHere,
      isLoose: false,
      sentChecksum: changed === null ? null : crc32c(send.bytes),
      quiet,
    };
    const strayUs = lostHere === null ? faults.reorderUs() : null;
    return strayUs === null ? this.launch(link, way) : this.stray(link, way, strayUs, null);
  }

  /** The message arrives so much later, and its link's order does not hold for it. */
  private stray(link: Link, way: Transit, laterUs: number, lost: LinkLoss | null): Transit {
    return this.launch(link, { ...way, deliverAt: way.deliverAt + laterUs, lost, isLoose: true });
  }

  /** When the last byte is on the wire. A snapshot's pieces wait for each other; messages are short. */
  private transfer(nowUs: number, lane: Lane, { send }: Departure): number {
    const { bytesPerSecond = defaultBytesPerSecond } = this.config;
    const takesUs = Math.floor((send.bytes.length * 1_000_000) / bytesPerSecond);
    if (send.stream === undefined) return nowUs + takesUs;
    lane.freeAt = Math.max(nowUs, lane.freeAt) + takesUs;
    return lane.freeAt;
  }

  /** The way is the message's own from now on. */
  private launch(link: Link, way: Way): Transit {
    this.lastMessage++;
    way.message = this.lastMessage;
    if (way.isLoose) return this.fly(link, way);
    // what is late on an old connection does not make a new one wait
    const lane = laneOf(link, way);
    if (lane.newest === null || !isOneConnection(lane.newest, way)) lane.lastDeliverAt = 0;
    if (this.config.ordered) way.deliverAt = Math.max(way.deliverAt, lane.lastDeliverAt);
    lane.newest = way;
    this.noteArrival(link, way);
    return this.fly(link, way);
  }

  private fly(link: Link, transit: Transit): Transit {
    const waiting = this.isBlocked(link, transit) ? 'behind' : 'no';
    link.flights.set(transit.message, { transit, waiting });
    return transit;
  }

  private noteArrival(link: Link, transit: Transit): void {
    const lane = laneOf(link, transit);
    if (lane.newest === null || !isOneConnection(lane.newest, transit)) return;
    lane.lastDeliverAt = Math.max(lane.lastDeliverAt, transit.deliverAt);
  }

  /** Whether a held message of the same connection is before this one. */
  private isBlocked(link: Link, transit: Transit): boolean {
    if (!this.config.ordered || link.heldCount === 0) return false;
    for (const { transit: other, waiting } of link.flights.values()) {
      if (other.message >= transit.message) return false;
      if (waiting === 'held' && isOneConnection(other, transit)) return true;
    }
    return false;
  }

  /** What waits and no longer has to goes on, in its order. */
  private unblock(nowUs: number, link: Link): Transit[] {
    const freed: Transit[] = [];
    for (const flight of link.flights.values()) {
      if (flight.waiting !== 'behind' || this.isBlocked(link, flight.transit)) continue;
      flight.waiting = 'no';
      const deliverAt = Math.max(flight.transit.deliverAt, nowUs + 1);
      flight.transit = { ...flight.transit, deliverAt };
      this.noteArrival(link, flight.transit);
      freed.push(flight.transit);
    }
    return freed;
  }

  /** Those that were used, ascending. */
  private get links(): Link[] {
    return [...this.made.values()].sort((a, b) => a.from - b.from || a.to - b.to);
  }

  private link(from: number, to: number): Link {
    const key = from * 16 + to;
    const made = this.made.get(key);
    if (made !== undefined) return made;
    const link = newLink(from, to, this.seed, this.boot);
    this.made.set(key, link);
    return link;
  }
}

function newLink(from: number, to: number, seed: number, boot: number): Link {
  const streamOf = (purpose: string): Prng => stream(seed, boot, purpose, `${from}>${to}`);
  const lane = (): Lane => ({ newest: null, lastDeliverAt: 0, freeAt: 0 });
  return {
    from,
    to,
    delays: streamOf('net'),
    losses: streamOf('loss'),
    duplicates: streamOf('duplicate'),
    faults: new LinkFaults(from, to, seed, boot),
    isCut: false,
    age: 0,
    lanes: { messages: lane(), snapshots: lane() },
    flights: new Map(),
    heldCount: 0,
  };
}

function laneOf({ lanes }: Link, { send }: Pick<Transit, 'send'>): Lane {
  return send.stream === undefined ? lanes.messages : lanes.snapshots;
}

type Connection = Pick<Transit, 'sourceEpoch' | 'targetEpoch' | 'linkAge' | 'send'>;

function isOneConnection(a: Connection, b: Connection): boolean {
  return (
    a.sourceEpoch === b.sourceEpoch &&
    a.targetEpoch === b.targetEpoch &&
    a.linkAge === b.linkAge &&
    a.send.stream === b.send.stream
  );
}
