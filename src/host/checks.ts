/** The checkers of a lab's run: what they are given, when they look at all, what they have to say. */
import { Judge, inspect } from '../sim/checkers/judge.ts';
import { Recovery } from '../sim/checkers/recovery.ts';
import type { Counts, Inspected, Property, Violation } from '../sim/checkers/checker.ts';
import type { Cluster } from '../sim/cluster.ts';
import type { FaultReach } from '../sim/reach.ts';
import type { RunningMember } from '../sim/run.ts';
import type { Envelope } from '../engine/events.ts';
import type { ClientAction, ClientOutcome, LabEvent, LabTrace, Plan } from '../sim/types.ts';

/** After something has happened everything is looked at so soon; when nothing has, so seldom. */
const quickUs = 250_000;
const restUs = 10_000_000;
/** What looking takes: so much longer for each request, log entry and page, and for the bytes of requests. */
const [requestUs, entryUs, pageUs, bytesPerUs] = [4000, 500, 100, 10] as const;
/** More than these are not remembered: a longer history would be decided too late, and fill the memory. */
const [mostRequests, mostBytes] = [20_000, 32 * 1024 * 1024] as const;

/**
 * Why what clients did is not judged: nobody knows what was before, because the lab began with stored data or
 * goes on from another one's run; no rule is known; or it is too much.
 */
export type AsideWhy = 'stored' | 'branch' | 'unknown' | 'length';

/** What is left for a property where the history is not known: all of it, a part, nothing. */
export type CheckScope = 'whole' | 'part' | 'none';

export interface PropertyReport {
  readonly property: Property;
  readonly sentence: string;
  readonly scope: CheckScope;
  /** How much was looked at, by name. */
  readonly counts: Counts;
}

export interface ChecksReport {
  readonly properties: readonly PropertyReport[];
  readonly aside: { readonly why: AsideWhy; readonly moment: number } | null;
  readonly violation: Violation | null;
  /** Those that a property reads. */
  readonly events: number;
  /** How often everything was looked at, and when last. */
  readonly wholes: number;
  readonly wholeUs: number;
  /** How often each fault has really happened. */
  readonly reach: Readonly<FaultReach>;
}

/** What makes a store other than before: then everything is worth a look. */
const news: ReadonlySet<LabEvent['type']> = new Set([
  'server.apply',
  'backend.committed',
  'bolt.open',
  'sim.clientDone',
  'sim.watch',
]);

/** Damage that Raft does not promise to survive: what follows from it is not a member's own fault. */
const damage: ReadonlySet<LabEvent['type']> = new Set([
  'sim.wipe',
  'sim.bitRot',
  'sim.misdirect',
  'sim.image',
  'sim.loseFiles',
  'sim.forceNewCluster',
  'sim.copyMember',
]);

/** Give `trace` to the cluster, then `begin` with it, and tell of each plan that was merged. */
export class Checks {
  readonly trace: LabTrace;
  readonly #judge: Judge;
  readonly #recovery: Recovery;
  readonly #limits = { damage: false };
  #cluster: Cluster | null = null;
  #world: Inspected | null = null;
  #aside: ChecksReport['aside'] = null;
  #bytes = 0;
  #events = 0;
  #hasNews = false;
  #wholes = 0;
  #wholeUs = 0;
  #isOver = false;

  /**
   * @param unknown why nobody knows what was before; null: what clients hear follows from what was asked
   * @param next who else wants the events
   */
  constructor(unknown: AsideWhy | null, next: LabTrace) {
    this.#judge = new Judge(null, next, this.#limits);
    this.#recovery = new Recovery();
    this.trace = {
      on: true,
      emit: (at, event) => this.#emit(at, event),
      asked: (id, action, timeUs) => this.#asked(id, action, timeUs),
      answered: (id, outcome, timeUs) => this.#answered(id, outcome, timeUs),
    };
    if (unknown !== null) this.#standAside(unknown);
  }

  /** @param running the members' processes, or twins of them, in this thread */
  begin(cluster: Cluster, running: (member: number) => RunningMember | undefined): void {
    this.#cluster = cluster;
    this.#world = inspect(cluster, running);
    this.#wholeUs = cluster.nowUs;
    // a copy that was stored runs again
    if (cluster.reach.membersCopied > 0) this.#limits.damage = true;
    if (this.#aside?.why !== 'branch') return;
    this.#aside = { ...this.#aside, moment: cluster.moment };
    const { bitsRotten, misdirected, pagesLost, misread, syncsLied } = cluster.reach;
    const { wipes, rollbacks, filesLost, newClustersForced, membersCopied } = cluster.reach;
    const isDamaged = bitsRotten + misdirected + pagesLost + misread + syncsLied > 0;
    this.#limits.damage = isDamaged || wipes + rollbacks + filesLost + newClustersForced + membersCopied > 0;
    this.#judge.enter(cluster, running, isDamaged);
  }

  /** @returns the violation, once: when it is found; null else */
  merged({ lifecycle, steps }: Plan): Violation | null {
    const world = this.#world;
    if (this.#isOver || world === null) return null;
    const { checkers, log } = this.#judge;
    const started = lifecycle?.kind === 'start' ? [lifecycle.config.nodeId as number] : [];
    checkers.after(world, [...started, ...steps.map(({ member }) => member as number)]);
    const behind = this.#limits.damage ? null : this.#recovery.behind(world);
    if (behind !== null) checkers.report(this.#judge.liveness, behind);
    if (log.isSilent && this.#aside === null) this.#standAside('unknown');
    if (world.nowUs >= this.#dueUs(world)) this.#whole(world);
    this.#isOver = checkers.violation !== null;
    return checkers.violation;
  }

  report(): ChecksReport {
    const { checkers } = this.#judge;
    return {
      properties: checkers.all.map((checker) => ({
        property: checker.property,
        sentence: checker.sentence,
        scope: this.#scope(checker.property),
        counts: { ...checker.counts?.(), ...(checker.property === 'C8' && this.#recovery.counts()) },
      })),
      aside: this.#aside,
      violation: checkers.violation,
      events: this.#events,
      wholes: this.#wholes,
      wholeUs: this.#wholeUs,
      reach: { ...(this.#cluster?.reach ?? ({} as FaultReach)) },
    };
  }

  #emit(at: Envelope, event: LabEvent): void {
    if (this.#judge.checkers.reads(event.type)) this.#events++;
    if (news.has(event.type)) this.#hasNews = true;
    if (damage.has(event.type) || (event.type === 'sim.disk' && event.lying > 0)) this.#limits.damage = true;
    this.#recovery.observe(at, event);
    this.#judge.checkers.emit(at, event);
  }

  #asked(id: number, action: ClientAction, timeUs: number): void {
    if (action.type === 'memberRemove') this.#recovery.cease();
    if (this.#aside === null) {
      this.#bytes += bytesOf(action);
      this.#judge.begin(id, action, timeUs);
    } else if (action.type === 'watch') this.#judge.watches.begin(id, action);
    else if (action.type === 'leaseRevoke') this.#judge.leases.endAsked(action.id);
    const count = this.#judge.history.operations.length;
    if (count > mostRequests || this.#bytes > mostBytes) this.#standAside('length');
  }

  #answered(id: number, outcome: ClientOutcome, timeUs: number): void {
    if (this.#aside === null) this.#judge.end(id, outcome, timeUs);
  }

  /** The model of the store is let go: who compares with it has nothing to say any more. */
  #standAside(why: AsideWhy): void {
    if (this.#aside !== null) return;
    const { log, history } = this.#judge;
    this.#aside = { why, moment: this.#cluster?.moment ?? 0 };
    log.isSilent = true;
    log.requests.length = 0;
    history.forget();
  }

  #scope(property: Property): CheckScope {
    if (this.#aside === null) return 'whole';
    if (property === 'C2') return 'none';
    return property === 'C3' || property === 'C4' || property === 'C5' ? 'part' : 'whole';
  }

  /** By what has happened, never by the clock on the wall: a run done again is looked at as it was. */
  #dueUs(world: Inspected): number {
    if (!this.#hasNews) return this.#wholeUs + restUs;
    const soonestUs = this.#wholeUs + quickUs;
    if (world.nowUs < soonestUs) return soonestUs;
    const { history, log } = this.#judge;
    let pages = 0;
    for (const member of world.members) pages += world.state(member)?.store.backend.db.meta.highWater ?? 0;
    const takesUs = requestUs * history.operations.length + entryUs * log.index + pageUs * pages;
    return soonestUs + takesUs + Math.floor(this.#bytes / bytesPerUs);
  }

  #whole(world: Inspected): void {
    this.#hasNews = false;
    this.#wholes++;
    this.#wholeUs = world.nowUs;
    this.#judge.checkers.whole(world);
  }
}

const bytesOf = (action: ClientAction): number => {
  const value = 'value' in action && typeof action.value === 'string' ? action.value.length : 0;
  return value + ('key' in action && typeof action.key === 'string' ? action.key.length : 0);
};
