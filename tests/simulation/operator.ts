/** An operator of a simulated run: members are added, promoted and removed, one change at a time, in the midst of faults. */
import { peersOf } from '../../src/sim/endpoints.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { ScheduledAction } from '../../src/sim/swarm.ts';
import type { Action, ClientOutcome, MemberView } from '../../src/sim/types.ts';

/** What an operator can do, and see, of the cluster. */
export interface Site {
  act(action: Action): number;
  /** Undefined while there is none. */
  outcomeOf(id: number): ClientOutcome | undefined;
  /** Whether a process runs on the host, and as which member: its id in hex. Null where none does. */
  runsOn(host: number): string | null;
}

/** How often each change was made, and known to be. */
export interface Changes {
  added: number;
  promoted: number;
  removed: number;
  moved: number;
}

type Change = Extract<
  Action,
  { type: 'memberAdd' | 'memberPromote' | 'memberRemove' | 'moveLeader' | 'memberList' }
>;

/** Hosts beyond the first members. */
const spareHosts = 2;

/** Faults and calm by turns: members that have not seen each other for five seconds refuse a change. */
const cycleUs = 12_000_000;
const calmUs = 7_000_000;
/** Into a cycle: changes begin in its last calm second, and go on in the midst of the next faults. */
const changeUs = 5_800_000;

/** Each cycle begins with the end of all faults, and new ones come late in it. */
export function withCalm(schedule: readonly ScheduledAction[], virtualUs: number): ScheduledAction[] {
  const calmed: ScheduledAction[] = [];
  for (let atUs = 0; atUs < virtualUs; atUs += cycleUs) {
    calmed.push({ atUs, action: { type: 'healEverything' } });
    calmed.push(...schedule.filter((one) => one.atUs >= atUs + calmUs && one.atUs < atUs + cycleUs));
  }
  return calmed;
}

export class Operator {
  readonly changes: Changes = { added: 0, promoted: 0, removed: 0, moved: 0 };
  readonly #site: Site;
  readonly #draws: Prng;
  readonly #hosts: ReturnType<typeof peersOf>;
  /** No voter that runs is removed below so many. */
  readonly #leastVoters: number;
  /** Whether each vote counts: then who joins has none before it runs, and is promoted. */
  readonly #sparesNoVote: boolean;
  #listed: readonly MemberView[] = [];
  #under: { readonly id: number; readonly action: Change } | null = null;
  /** Whether the list was read since the last change. */
  #knows = false;

  /** @param isDamaged whether files of a minority of the first members may be spoiled: then each vote counts */
  constructor(site: Site, draws: Prng, members: number, isDamaged: boolean) {
    this.#site = site;
    this.#draws = draws;
    this.#leastVoters = isDamaged ? members : Math.max(3, members - 1);
    this.#sparesNoVote = isDamaged;
    this.#hosts = peersOf(Math.min(9, members + spareHosts));
  }

  /** The hosts of the members that are in the cluster, as it was read last; null before it was. */
  get hosts(): readonly number[] | null {
    return this.#listed.length === 0 ? null : this.#listed.map((one) => this.#hostOf(one));
  }

  /** Looks what became of the last change; then reads the list, or begins the next change. */
  turn(nowUs: number): void {
    if (!this.#isIdle()) return;
    if (!this.#knows) this.#begin({ type: 'memberList' });
    else if (nowUs % cycleUs >= changeUs) this.#change();
  }

  /**
   * After the faults: who is in the list and does not run is taken out of it.
   * @returns true once all in it run
   */
  tidy(): boolean {
    if (!this.#isIdle()) return false;
    if (!this.#knows) this.#begin({ type: 'memberList' });
    else {
      const gone = this.#listed.find((one) => !this.#runs(one));
      if (gone === undefined) return true;
      this.#begin({ type: 'memberRemove', id: gone.id.toString(16) });
    }
    return false;
  }

  #isIdle(): boolean {
    const under = this.#under;
    if (under === null) return true;
    const outcome = this.#site.outcomeOf(under.id);
    if (outcome === undefined) return false;
    this.#under = null;
    this.#knows = outcome.ok && outcome.type === 'memberList' && outcome.members.length > 0;
    if (!outcome.ok) return true;
    // a member that begins knows of nobody yet
    if ('members' in outcome && outcome.members.length > 0) this.#listed = outcome.members;
    this.#done(under.action, outcome);
    return true;
  }

  #done(action: Change, outcome: ClientOutcome): void {
    if (action.type === 'memberPromote') this.changes.promoted++;
    else if (action.type === 'memberRemove') this.changes.removed++;
    else if (action.type === 'moveLeader') this.changes.moved++;
    else if (action.type === 'memberAdd') {
      this.changes.added++;
      const host = this.#hosts.find(({ peerUrl }) => action.peerUrls[0] === peerUrl)?.nodeId ?? 0;
      // one that runs already as this member keeps what it has acknowledged
      if (outcome.ok && 'id' in outcome && this.#site.runsOn(host) === outcome.id.toString(16)) return;
      this.#site.act({ type: 'wipe', member: host });
      this.#site.act({ type: 'start', member: host });
    }
  }

  #change(): void {
    const draws = this.#draws;
    const voters = this.#listed.filter(({ isLearner }) => !isLearner);
    const learner = this.#listed.find(({ isLearner }) => isLearner);
    const never = this.#listed.find((one) => one.name === '' && !this.#runs(one));
    const drawn = this.#listed[draws.below(this.#listed.length)];
    const free = this.#hosts.find(({ nodeId }) => !this.#listed.some((one) => this.#hostOf(one) === nodeId));
    const remove = (one: MemberView): void => this.#begin({ type: 'memberRemove', id: one.id.toString(16) });
    const share = draws.below(8);
    if (never !== undefined) return remove(never);
    if (learner !== undefined && share < 5) {
      return this.#begin({ type: 'memberPromote', id: learner.id.toString(16) });
    }
    if (share < 3 && free !== undefined && learner === undefined) {
      const { name, peerUrl } = free;
      const learner = draws.chance(1, 2) || this.#sparesNoVote;
      return this.#begin({ type: 'memberAdd', name, peerUrls: [peerUrl], learner });
    }
    if (share < 6 && (drawn.isLearner || voters.length > this.#leastVoters)) return remove(drawn);
    if (!drawn.isLearner) this.#begin({ type: 'moveLeader', id: drawn.id.toString(16) });
  }

  /**
   * Learners refuse what concerns members, and a client takes their word: voters are asked. One without a name was
   * never started: where nobody heard that it was added, there is nothing at its address.
   */
  #begin(action: Change): void {
    const voters = this.#listed.filter((one) => !one.isLearner && one.name !== '');
    const endpoints = voters.map((one) => `m${this.#hostOf(one)}`);
    this.#knows = false;
    this.#under = { id: this.#site.act(endpoints.length === 0 ? action : { ...action, endpoints }), action };
  }

  #runs(one: MemberView): boolean {
    return this.#site.runsOn(this.#hostOf(one)) === one.id.toString(16);
  }

  #hostOf({ peerUrls }: MemberView): number {
    return this.#hosts.find(({ peerUrl }) => peerUrls.includes(peerUrl))?.nodeId ?? 0;
  }
}
