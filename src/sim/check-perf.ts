/** `check perf`: a minute of puts at a fixed rate, and how soon each was answered. */
import { kept } from '../base/fork.ts';
import { stream } from '../base/prng.ts';
import { grpcCode } from '../engine/server/types.ts';
import type { Prng } from '../base/prng.ts';
import type { Asking } from './client-call.ts';
import type { PerfAction, PerfLoad } from './etcd-actions.ts';
import type { ClientAction, ClientOutcome } from './types.ts';

/** The next put is due. `load`: which check's, by the number of its action. */
export interface PerfEvent {
  readonly kind: 'perfIssue';
  readonly load: number;
  /** From 0. */
  readonly index: number;
}

/** What a check needs of the world. */
export interface PerfWorld {
  readonly nowUs: number;
  schedule(timeUs: number, event: PerfEvent): void;
  /** Starts a client's command; its outcome comes to `finished`. */
  request(id: number, action: ClientAction): void;
  finish(id: number, outcome: ClientOutcome): void;
}

/**
 * So many puts a second, by so many clients, each of which waits for its answer before it sends again.
 * @source etcd v3.4.23 etcdctl check.go checkPerfCfgMap
 */
const measures: Readonly<Record<PerfLoad, { readonly limit: number; readonly clients: number }>> = {
  s: { limit: 150, clients: 50 },
  m: { limit: 1000, clients: 200 },
};
const secondUs = 1_000_000;
const durationUs = 60 * secondUs;
const [keyChars, valueChars] = [256, 1024];
/** Ids of the requests; those of actions and loads come never so far. */
const firstId = 2_000_000_000;

interface Check {
  readonly id: number;
  readonly action: PerfAction & Asking;
  readonly limit: number;
  readonly clients: number;
  readonly draws: Prng;
  startUs: number;
  issued: number;
  /** Puts that wait for a client; at most as many as there are. */
  queued: number;
  underWay: number;
  isOver: boolean;
  readonly latenciesUs: number[];
  readonly errors: Map<string, number>;
}

type Then = (outcome: ClientOutcome) => void;

/**
 * The checks under way. Each looks first whether its prefix is free, and deletes its keys at the end. Stream:
 * `perf`, with the action's number.
 * @source etcd v3.4.23 etcdctl check.go newCheckPerfCommand
 */
export class PerfChecks {
  private readonly world: PerfWorld;
  private readonly seed: number;
  private readonly boot: number;
  private readonly open = new Map<number, Check>();
  private readonly waiting = new Map<number, { readonly check: number; readonly then: Then }>();
  private lastId = firstId;

  constructor(world: PerfWorld, seed: number, boot: number) {
    this.world = world;
    this.seed = seed;
    this.boot = boot;
  }

  owns(id: number): boolean {
    return id > firstId;
  }

  isOpen(check: number): boolean {
    return this.open.has(check);
  }

  begin(id: number, action: PerfAction & Asking): void {
    const { limit, clients } = measures[action.load];
    const draws = stream(this.seed, this.boot, 'perf', id);
    const counts = { startUs: 0, issued: 0, queued: 0, underWay: 0, isOver: false };
    const check: Check = {
      ...{ id, action, limit, clients, draws },
      ...counts,
      latenciesUs: [],
      errors: new Map(),
    };
    this.open.set(id, check);
    const { prefix } = action;
    const looked = (self: PerfChecks, one: Check) => (outcome: ClientOutcome) => self.looked(one, outcome);
    this.ask(check, { type: 'get', key: prefix, prefix: true, limit: 1 }, kept(looked, this, check));
  }

  private looked(check: Check, outcome: ClientOutcome): void {
    const { prefix } = check.action;
    if (!outcome.ok) return this.end(check, outcome);
    if (outcome.type === 'get' && outcome.kvs.length > 0) {
      const first = `Delete with etcdctl del --prefix ${prefix} first`;
      const message = `prefix ${JSON.stringify(prefix)} has keys. ${first}`;
      return this.end(check, { ok: false, code: grpcCode.failedPrecondition, message });
    }
    check.startUs = this.world.nowUs;
    this.world.schedule(check.startUs, { kind: 'perfIssue', load: check.id, index: 0 });
  }

  /** Ends all checks: what they have under way runs out unheard, and their keys stay. */
  stop(): number {
    const checks = [...this.open.values()];
    for (const check of checks) {
      this.end(check, { ok: false, code: grpcCode.canceled, message: 'context canceled' });
    }
    return checks.length;
  }

  /** A request of a check has ended. */
  finished(id: number, outcome: ClientOutcome): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (waiting !== undefined && this.isOpen(waiting.check)) waiting.then(outcome);
  }

  happen({ load, index }: PerfEvent): void {
    const check = this.open.get(load);
    if (check === undefined) return;
    const nextUs = check.startUs + Math.floor(((index + 1) * secondUs) / check.limit);
    check.isOver = nextUs >= check.startUs + durationUs;
    if (!check.isOver) this.world.schedule(nextUs, { kind: 'perfIssue', load, index: index + 1 });
    if (check.underWay < check.clients) this.put(check);
    else if (check.queued < check.clients) check.queued++;
  }

  private put(check: Check): void {
    const { draws, action } = check;
    const sentUs = this.world.nowUs;
    check.issued++;
    check.underWay++;
    const drawn = [draws.next(), draws.next()].map((part) => part.toString(16).padStart(8, '0')).join('');
    const key = action.prefix + drawn.padEnd(keyChars, '\0');
    const was = (self: PerfChecks, one: Check) => (outcome: ClientOutcome) =>
      self.wasPut(one, sentUs, outcome);
    this.ask(check, { type: 'put', key, value: '\0'.repeat(valueChars) }, kept(was, this, check));
  }

  private wasPut(check: Check, sentUs: number, outcome: ClientOutcome): void {
    check.underWay--;
    if (outcome.ok) check.latenciesUs.push(this.world.nowUs - sentUs);
    else check.errors.set(outcome.message, (check.errors.get(outcome.message) ?? 0) + 1);
    if (check.queued > 0) {
      check.queued--;
      this.put(check);
    } else if (check.isOver && check.underWay === 0) this.clear(check, this.world.nowUs - check.startUs);
  }

  private clear(check: Check, totalUs: number): void {
    const { prefix } = check.action;
    const cleared = (self: PerfChecks, one: Check) => (outcome: ClientOutcome) =>
      self.compact(one, totalUs, outcome);
    this.ask(check, { type: 'del', key: prefix, prefix: true }, kept(cleared, this, check));
  }

  private compact(check: Check, totalUs: number, deleted: ClientOutcome): void {
    if (!deleted.ok) return this.end(check, deleted);
    if (check.action.autoCompact !== true) return this.defrag(check, totalUs, null);
    const revision = deleted.type === 'del' ? deleted.revision : 0;
    const compacted = (self: PerfChecks, one: Check) => (outcome: ClientOutcome) => {
      if (outcome.ok) self.defrag(one, totalUs, revision);
      else self.end(one, outcome);
    };
    this.ask(check, { type: 'compaction', revision, physical: true }, kept(compacted, this, check));
  }

  /** @param compacted the revision up to which it was; null where it was not */
  private defrag(check: Check, totalUs: number, compacted: number | null): void {
    if (check.action.autoDefrag !== true) return this.report(check, totalUs, compacted, []);
    const done = (self: PerfChecks, one: Check) => (outcome: ClientOutcome) => {
      if (!outcome.ok) return self.end(one, outcome);
      const endpoints = outcome.type === 'defrag' ? outcome.endpoints : [];
      const names = endpoints.map(({ endpoint }) => endpoint);
      self.report(one, totalUs, compacted, names);
    };
    this.ask(check, { type: 'defrag' }, kept(done, this, check));
  }

  private report(
    check: Check,
    totalUs: number,
    compacted: number | null,
    defragmented: readonly string[],
  ): void {
    const { limit, issued, latenciesUs } = check;
    const errors = [...check.errors].map(([message, count]) => ({ message, count }));
    const answer = { limit, issued, latenciesUs, totalUs, errors, compacted, defragmented };
    this.end(check, { ok: true, type: 'checkPerf', ...answer });
  }

  private ask({ id, action: { endpoints, user } }: Check, action: ClientAction, then: Then): void {
    this.lastId++;
    this.waiting.set(this.lastId, { check: id, then });
    const asking = { ...(endpoints !== undefined && { endpoints }), ...(user !== undefined && { user }) };
    this.world.request(this.lastId, { ...action, ...asking });
  }

  private end({ id }: Check, outcome: ClientOutcome): void {
    this.open.delete(id);
    this.world.finish(id, outcome);
  }
}
