/**
 * How fast the show goes: slowly while something worth seeing is on its way, fast while the cluster idles.
 * Speeds are virtual microseconds a second of wall time, before the user's factor.
 */
import type { LabEvent } from '../sim/types.ts';

/** Something of a client, of the log or of an election is on its way, or on its way to a disk. */
const workSpeed = 10_000;
/** Only heartbeats and the like are. */
const heartbeatSpeed = 20_000;
const idleSpeed = 300_000;
/**
 * Under load something is always on its way, and no single message is what one watches: with more clients'
 * requests in the last virtual second than this, the show goes on steadily, at five times the slow pace.
 */
const loadRequests = 20;
const loadSpeed = 50_000;
const secondUs = 1_000_000;
/** Speeding up, the speed grows e-fold in this time, so that the eye can follow. */
const easeMs = 80;

/** Until when something is under way, and whether it deserves the slow pace. */
export interface Interest {
  readonly untilUs: number;
  readonly work: boolean;
}

/** What an event announces for the time to come; null where nothing that travels or waits. */
export function interestOf(event: LabEvent): Interest | null {
  switch (event.type) {
    case 'sim.send': {
      const beat = event.messageType === 'MsgHeartbeat' || event.messageType === 'MsgHeartbeatResp';
      // an append without entries only tells how far the commit index has come
      const notice = event.messageType === 'MsgApp' && event.entryCount === 0;
      return { untilUs: event.deliverAt, work: !beat && !notice };
    }
    case 'sim.clientSend':
      return { untilUs: event.deliverAt, work: true };
    case 'sim.clientReply':
      return { untilUs: event.deliverAt, work: true };
    case 'sim.diskSync':
      return { untilUs: event.doneAt, work: true };
    case 'sim.release':
      return { untilUs: event.deliverAt, work: true };
    default:
      return null;
  }
}

/**
 * The show's clock. It slows down at the very moment that something starts (the frontier goes back to it, so
 * that no flight is skipped within one frame) and speeds up gradually once all has arrived.
 */
export class Pace {
  #frontierUs: number;
  #speed = idleSpeed;
  #factor = 1;
  #workUntilUs = 0;
  #beatUntilUs = 0;
  /** When the latest requests were sent, ascending: as many as make a load, and one more. */
  #sentAt: number[] = [];

  constructor(startUs: number) {
    this.#frontierUs = startUs;
  }

  /** The show has come so far: what is due up to here may happen. */
  get frontierUs(): number {
    return Math.floor(this.#frontierUs);
  }

  /** Virtual microseconds a second of wall time, the user's factor included. */
  get speed(): number {
    return Math.round(this.#speed * this.#factor);
  }

  /** Nothing worth seeing is on its way. */
  get isIdle(): boolean {
    return this.#goal() === idleSpeed;
  }

  /** Multiplies every speed; from a hundredth to a thousand. */
  setFactor(factor: number): void {
    this.#factor = Math.min(1000, Math.max(0.01, factor));
  }

  /** An event of the world happened at `timeUs`. */
  observe(timeUs: number, event: LabEvent): void {
    if (event.type === 'sim.clientSend') this.#sentAt = [...this.#sentAt, timeUs].slice(-loadRequests - 1);
    const interest = interestOf(event);
    if (interest === null || interest.untilUs <= timeUs) return;
    if (interest.work) this.#workUntilUs = Math.max(this.#workUntilUs, interest.untilUs);
    else this.#beatUntilUs = Math.max(this.#beatUntilUs, interest.untilUs);
    if (this.#isLoaded) return;
    this.#frontierUs = Math.min(this.#frontierUs, timeUs);
    this.#speed = Math.min(this.#speed, this.#goal());
  }

  /** So much wall time went by while playing. */
  advance(elapsedMs: number): void {
    const goal = this.#goal();
    this.#speed = goal <= this.#speed ? goal : Math.min(goal, this.#speed * Math.exp(elapsedMs / easeMs));
    this.#frontierUs += (this.#speed * this.#factor * elapsedMs) / 1000;
  }

  /** The show goes on from here: after a run at full speed, or where the next event lies nearer. */
  moveTo(timeUs: number): void {
    this.#frontierUs = timeUs;
  }

  /** Whether so many requests were sent within the last virtual second. */
  get #isLoaded(): boolean {
    return this.#sentAt.length > loadRequests && this.#frontierUs - this.#sentAt[0] < secondUs;
  }

  #goal(): number {
    if (this.#isLoaded) return loadSpeed;
    if (this.#frontierUs < this.#workUntilUs) return workSpeed;
    return this.#frontierUs < this.#beatUntilUs ? heartbeatSpeed : idleSpeed;
  }
}
