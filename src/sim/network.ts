/** The network between members: directed links with delay, loss, duplicates and cuts. */
import { assert } from '../base/assert.ts';
import { stream } from '../base/prng.ts';
import { drawDelay } from './delay.ts';
import type { Prng } from '../base/prng.ts';
import type { NetworkConfig } from './world-config.ts';

/** A message on its way. */
export interface Transit {
  readonly message: number;
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
  readonly deliverAt: number;
  /** Which process of the target the connection leads to. */
  readonly targetEpoch: number;
  /** How often the link had been cut or healed when the message left. */
  readonly linkAge: number;
  readonly lost: boolean;
  /** A heartbeat or its answer: of no interest for the pace of a show. */
  readonly quiet: boolean;
}

export type DropReason = 'cut' | 'down' | 'loss';

interface Link {
  readonly from: number;
  readonly to: number;
  readonly delays: Prng;
  readonly losses: Prng;
  readonly duplicates: Prng;
  isCut: boolean;
  age: number;
  lastDeliverAt: number;
}

export interface Departure {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
  readonly targetEpoch: number;
  readonly quiet: boolean;
}

/**
 * Streams: `net`, `loss` and `duplicate`, each with the label `from>to`, so that no fault shifts another's
 * draws.
 */
export class Network {
  readonly #config: NetworkConfig;
  readonly #memberCount: number;
  readonly #links: Link[] = [];
  #lastMessage = 0;

  constructor(config: NetworkConfig, memberCount: number, seed: number, boot: number) {
    this.#config = config;
    this.#memberCount = memberCount;
    for (let from = 1; from <= memberCount; from++) {
      for (let to = 1; to <= memberCount; to++) {
        const streamOf = (purpose: string): Prng => stream(seed, boot, purpose, `${from}>${to}`);
        this.#links.push({
          from,
          to,
          delays: streamOf('net'),
          losses: streamOf('loss'),
          duplicates: streamOf('duplicate'),
          isCut: false,
          age: 0,
          lastDeliverAt: 0,
        });
      }
    }
  }

  /**
   * The message's copies under way: one, or two where it is duplicated; a lost one travels too, to its drop.
   */
  send(nowUs: number, departure: Departure): Transit[] {
    const link = this.#link(departure.from, departure.to);
    assert(link.from !== link.to, 'network: a member does not send to itself');
    const { loss, duplicate } = this.#config;
    const lost = link.losses.chance(loss.of, loss.outOf);
    const first = this.#depart(nowUs, link, departure, lost);
    if (!link.duplicates.chance(duplicate.of, duplicate.outOf)) return [first];
    return [first, this.#depart(nowUs, link, departure, false)];
  }

  /** What becomes of a message at its arrival: null when it is delivered. `epoch` 0: no process is there. */
  fate(transit: Transit, epoch: number): DropReason | null {
    const link = this.#link(transit.from, transit.to);
    if (link.isCut || link.age !== transit.linkAge) return 'cut';
    if (transit.lost) return 'loss';
    return epoch === transit.targetEpoch && epoch !== 0 ? null : 'down';
  }

  /** Cuts one direction; false where it was cut already. What is on its way there is lost. */
  cut(from: number, to: number): boolean {
    return this.#set(from, to, true);
  }

  /** Heals one direction; false where it was whole. What was sent while it was cut stays lost. */
  heal(from: number, to: number): boolean {
    return this.#set(from, to, false);
  }

  /** The cut directions, ascending. */
  get cuts(): { readonly from: number; readonly to: number }[] {
    return this.#links.filter((link) => link.isCut).map(({ from, to }) => ({ from, to }));
  }

  #set(from: number, to: number, isCut: boolean): boolean {
    const link = this.#link(from, to);
    if (link.isCut === isCut) return false;
    link.isCut = isCut;
    link.age++;
    return true;
  }

  #depart(nowUs: number, link: Link, departure: Departure, lost: boolean): Transit {
    this.#lastMessage++;
    let deliverAt = nowUs + Math.max(1, drawDelay(link.delays, this.#config.memberDelay));
    if (this.#config.ordered) deliverAt = Math.max(deliverAt, link.lastDeliverAt);
    link.lastDeliverAt = deliverAt;
    const { from, to, bytes, targetEpoch, quiet } = departure;
    const { age: linkAge } = link;
    return { message: this.#lastMessage, from, to, bytes, deliverAt, targetEpoch, linkAge, lost, quiet };
  }

  #link(from: number, to: number): Link {
    const link = this.#links[(from - 1) * this.#memberCount + to - 1];
    assert(link !== undefined && link.to === to, 'network: no such link');
    return link;
  }
}
