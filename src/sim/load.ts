/** A load: clients of the world's own that send at a fixed rate, and what became of their requests. */
import { assert } from '../base/assert.ts';
import { stream } from '../base/prng.ts';
import { newTraffic } from './load-kinds.ts';
import type { SimEvent } from './events.ts';
import type { Traffic } from './load-kinds.ts';
import type { FaultReach } from './reach.ts';
import type { ClientAction, ClientOutcome, LoadKind } from './types.ts';

/** `load` numbers the loads of a run: an event of another one means nothing. */
export type LoadEvent =
  /** The load's next request, counted from 0. */
  | { readonly kind: 'loadIssue'; readonly load: number; readonly index: number }
  | { readonly kind: 'loadReport'; readonly load: number };

/** What a load needs of the world. */
export interface LoadWorld {
  readonly nowUs: number;
  readonly reach: FaultReach;
  schedule(timeUs: number, event: LoadEvent): void;
  tell(event: SimEvent): void;
  /** Starts a client's command; its outcome comes to `finished`. */
  request(id: number, action: ClientAction): void;
}

/** Since the run began. Latencies in microseconds, of the requests that ended well. */
export interface LoadTotals {
  issued: number;
  ok: number;
  failed: number;
  dropped: number;
  latencySumUs: number;
  latencyMaxUs: number;
}

/** Ids of a load's requests; those of actions come never so far. */
const firstId = 1_000_000_000;
const secondUs = 1_000_000;
/** More requests than these never wait: the next ones are dropped, as by a client with a limit of its own. */
const maxWaiting = 200;
const maxFlooded = 2000;
/** Clients that try again give up then. */
const maxTries = 5;

interface Waiting {
  readonly action: ClientAction;
  readonly sentAt: number;
  /** How often it has been sent. */
  readonly tries: number;
}

const newTotals = (): LoadTotals => ({
  issued: 0,
  ok: 0,
  failed: 0,
  dropped: 0,
  latencySumUs: 0,
  latencyMaxUs: 0,
});

/**
 * Open loop: request number n, from 0, goes out n / rate seconds after the load began, whether or not others
 * were answered. Each is a client of its own, like any command. Their outcomes are counted and told once a
 * virtual second, until the load has ended and nothing waits.
 * Stream: `load`, with the load's number.
 */
export class Load {
  readonly totals: LoadTotals = newTotals();
  private readonly world: LoadWorld;
  private readonly seed: number;
  private readonly boot: number;
  private readonly waiting = new Map<number, Waiting>();
  private number = 0;
  private currentKind: LoadKind = 'none';
  private rate = 0;
  private startUs = 0;
  private traffic: Traffic | null = null;
  private lastId = firstId;
  /** What the last report told. */
  private told: LoadTotals = newTotals();
  /** Of the requests that ended well since then. */
  private latencies: number[] = [];

  constructor(world: LoadWorld, seed: number, boot: number) {
    this.world = world;
    this.seed = seed;
    this.boot = boot;
  }

  get kind(): LoadKind {
    return this.currentKind;
  }

  get perSecond(): number {
    return this.rate;
  }

  owns(id: number): boolean {
    return id > firstId;
  }

  isCurrent(event: LoadEvent): boolean {
    return event.load === this.number;
  }

  /**
   * Begins a load in place of the present one; `none` ends it, while its last requests run out.
   * @returns null when it took effect, else why not
   */
  change(kind: LoadKind, perSecond: number): string | null {
    if (kind === 'none' && this.currentKind === 'none') return 'no load is running';
    if (kind === this.currentKind && perSecond === this.rate) return 'this load is running already';
    if (this.currentKind !== 'none') this.report();
    for (const action of this.traffic?.close?.() ?? []) this.send(action);
    this.number++;
    this.currentKind = kind;
    this.rate = perSecond;
    this.startUs = this.world.nowUs;
    const { nowUs } = this.world;
    this.world.schedule(nowUs + secondUs, { kind: 'loadReport', load: this.number });
    if (kind === 'none') this.traffic = null;
    else {
      this.traffic = newTraffic(kind, stream(this.seed, this.boot, 'load', this.number));
      this.scheduleIssue(0);
    }
    return null;
  }

  happen(event: LoadEvent): void {
    if (event.kind === 'loadIssue') {
      this.scheduleIssue(event.index + 1);
      return this.issue();
    }
    this.report();
    if (this.currentKind === 'none' && this.waiting.size === 0) return;
    this.world.schedule(this.world.nowUs + secondUs, { kind: 'loadReport', load: this.number });
  }

  /** A request of the load has ended. */
  finished(id: number, outcome: ClientOutcome | null): void {
    const waiting = this.waiting.get(id);
    assert(waiting !== undefined, 'load: a request ends once');
    const { action, sentAt } = waiting;
    this.waiting.delete(id);
    if (outcome?.ok !== true) {
      this.totals.failed++;
      const again = this.traffic?.again?.(action, outcome) ?? null;
      if (again === null || waiting.tries === maxTries) return;
      this.world.reach.loadRepeated++;
      return this.send(again, waiting.tries + 1);
    }
    this.traffic?.heard?.(outcome);
    const latencyUs = this.world.nowUs - sentAt;
    this.totals.ok++;
    this.totals.latencySumUs += latencyUs;
    this.totals.latencyMaxUs = Math.max(this.totals.latencyMaxUs, latencyUs);
    this.latencies.push(latencyUs);
  }

  /** The server has ended a watch. */
  watchEnded(id: number): void {
    this.traffic?.ended?.(id);
  }

  private scheduleIssue(index: number): void {
    const timeUs = this.startUs + Math.floor((index * secondUs) / this.rate);
    this.world.schedule(timeUs, { kind: 'loadIssue', load: this.number, index });
  }

  private issue(): void {
    assert(this.traffic !== null, 'load: what sends has traffic');
    if (this.waiting.size >= (this.currentKind === 'flood' ? maxFlooded : maxWaiting)) {
      this.totals.dropped++;
      this.world.reach.loadDropped++;
      return;
    }
    this.send(this.traffic.next(this.lastId + 1));
  }

  private send(action: ClientAction, tries = 1): void {
    this.totals.issued++;
    this.world.reach.loadIssued++;
    this.lastId++;
    this.waiting.set(this.lastId, { action, sentAt: this.world.nowUs, tries });
    this.world.request(this.lastId, action);
  }

  private report(): void {
    const { issued, ok, failed, dropped } = this.totals;
    const sorted = this.latencies.splice(0).sort((a, b) => a - b);
    this.world.tell({
      type: 'sim.load',
      kind: this.currentKind,
      perSecond: this.rate,
      issued: issued - this.told.issued,
      ok: ok - this.told.ok,
      failed: failed - this.told.failed,
      dropped: dropped - this.told.dropped,
      waiting: this.waiting.size,
      p50Us: percentile(sorted, 50),
      p99Us: percentile(sorted, 99),
    });
    this.told = { ...this.totals };
  }
}

/** The smallest of the values, ascending, that so many percent do not exceed; 0 of none. */
function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
}
