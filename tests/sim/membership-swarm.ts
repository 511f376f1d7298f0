/** Clusters whose members come, go and are replaced under faults and load, from a seed; checked at every plan. */
import { stream } from '../../src/base/prng.ts';
import { Cluster } from '../../src/sim/cluster.ts';
import { Member } from '../../src/engine/server/member.ts';
import { peersOf } from '../../src/sim/endpoints.ts';
import { Members, replay, runUntil } from '../../src/sim/run.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import { clusterConfig } from './worlds.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { Envelope } from '../../src/engine/events.ts';
import type { RunningMember } from '../../src/sim/run.ts';
import type {
  Action,
  ClientOutcome,
  ClusterConfig,
  LabEvent,
  LabTrace,
  Plan,
  MemberView,
} from '../../src/sim/types.ts';

/** How often what the run is for happened. */
export interface MembershipReach {
  adds: number;
  learners: number;
  promotes: number;
  removes: number;
  replaced: number;
  moved: number;
  snapshots: number;
  elections: number;
  acknowledged: number;
}

const second = 1_000_000;
const hosts = peersOf(5);
const roundsOfLife = 3;
const roundsOfLives = 7;

/** A member is out; or it never came to a log, and its flags name members that are not there (any longer). */
const rightHalts =
  /removed from the cluster$|^the member cannot start: (error validating peerURLs|cannot fetch cluster info)/;

/** The seed decides the world too. */
function configOf(seed: number, trace: LabTrace): ClusterConfig {
  const draws = stream(seed, 'membership config');
  const isLossy = draws.chance(1, 3);
  const network = { ...defaultWorld.network, loss: { of: isLossy ? 1 : 0, outOf: 40 }, ordered: !isLossy };
  return clusterConfig({
    seed,
    trace,
    preVote: draws.chance(1, 2),
    world: { ...defaultWorld, network },
    snapshots: {
      snapshotCount: draws.between(10, 60),
      snapshotCatchUpEntries: draws.below(10),
      walSegmentBytes: 8192,
    },
  });
}

/** What must hold at every event and after every plan. */
class Watchman implements LabTrace {
  readonly on = true;
  /** Who runs on each host, by the id that it booted with. */
  readonly ids = new Map<number, string>();
  readonly reach: MembershipReach = {
    ...{ adds: 0, learners: 0, promotes: 0, removes: 0, replaced: 0, moved: 0 },
    ...{ snapshots: 0, elections: 0, acknowledged: 0 },
  };
  readonly #leaders = new Map<number, string>();
  readonly #entries = new Map<number, string>();
  readonly #revisions = new Map<number, number>();
  readonly #records = new Map<number, string>();

  emit({ member }: Envelope, event: LabEvent): void {
    if (event.type === 'server.boot') this.ids.set(member, event.memberId);
    else if (event.type === 'raft.becomeLeader') {
      this.reach.elections++;
      this.#same(this.#leaders, event.term, this.ids.get(member) ?? '', `leader of term ${event.term}`);
    } else if (event.type === 'server.apply') {
      const { index, term, label, revision, skipped } = event;
      // Which node a conf change names is said by the table of members, which forgets who is out.
      const said = /^(conf change|member attributes)/.exec(label)?.[0] ?? label;
      this.#same(this.#entries, index, `${term} ${said}`, `entry ${index}, applied on m${member}`);
      if (!skipped) this.#same(this.#revisions, index, revision, `revision after ${index} on m${member}`);
    } else if (event.type === 'snapshot.apply') {
      this.reach.snapshots++;
      const { index, revision } = event;
      this.#same(this.#revisions, index, revision, `revision of a snapshot at ${index} on m${member}`);
    } else if (event.type === 'server.halt' && !rightHalts.test(event.reason)) {
      throw new Error(`m${member} halted: ${event.reason}`);
    }
  }

  /** Members that have applied as much have the same records. */
  compare({ steps }: Plan, memberOf: (member: number) => RunningMember | undefined): void {
    for (const { member } of steps) {
      const found = memberOf(member);
      const applied = found instanceof Member ? found.applied() : null;
      if (applied === null) continue;
      const { index, records } = applied;
      this.#same(this.#records, index, records.join(), `records after entry ${index} on m${member}`);
    }
  }

  /** A later entry has no smaller revision. */
  checkRevisions(): void {
    let before = 0;
    for (const [index, revision] of [...this.#revisions].sort(([a], [b]) => a - b)) {
      if (revision < before) throw new Error(`the revision falls from ${before} to ${revision} at ${index}`);
      before = revision;
    }
  }

  #same<Value>(known: Map<number, Value>, key: number, value: Value, what: string): void {
    const before = known.get(key);
    if (before === undefined) known.set(key, value);
    else if (before !== value) throw new Error(`${what}: first ${String(before)}, now ${String(value)}`);
  }
}

type Change = Extract<Action, { type: 'memberAdd' | 'memberPromote' | 'memberRemove' | 'moveLeader' }>;

export class MembershipSwarm {
  readonly reach: MembershipReach;
  readonly #watchman = new Watchman();
  readonly #config: ClusterConfig;
  readonly #cluster: Cluster;
  readonly #members = new Members(Member.boot);
  readonly #draws: Prng;
  readonly #outcomes = new Map<number, ClientOutcome | null>();
  readonly #puts = new Map<number, string>();
  #listed: readonly MemberView[] = [];
  /** A host whose disk was erased and whose old member is still to be removed. */
  #wiped = 0;
  /** A change is under way, or nobody knows what became of one. */
  #change: { readonly id: number; readonly action: Change } | null = null;
  #isUnsure = false;

  constructor(seed: number) {
    this.#config = configOf(seed, this.#watchman);
    this.#cluster = new Cluster(this.#config);
    this.#draws = stream(seed, 'membership');
    this.reach = this.#watchman.reach;
  }

  /** @throws Error with what was found, at the first thing that is wrong */
  run(): void {
    this.#heal();
    for (let life = 0; life < roundsOfLife; life++) {
      for (let round = 0; round < roundsOfLives; round++) this.#round();
      this.#heal();
    }
    this.#finish();
  }

  #round(): void {
    const draws = this.#draws;
    for (let i = draws.below(15); i > 0; i--) this.#put();
    this.#runFor(draws.below(draws.chance(1, 2) ? 20_000 : 1_500_000));
    this.#takeChange();
    if (draws.chance(1, 2)) this.#calm();
    if (this.#change === null && !this.#isUnsure) this.#drawChange();
    if (draws.chance(1, 2)) this.#runFor(draws.below(second));
    this.#runFor(draws.below(100_000));
    for (const fault of this.#drawFaults()) this.#cluster.act(fault);
    this.#runFor(draws.below(400_000));
    if (draws.chance(2, 3)) this.#restartFallen();
  }

  /** A change needs members that have seen each other for five seconds. */
  #calm(): void {
    this.#cluster.act({ type: 'healAll' });
    this.#restartFallen();
    this.#runFor(6 * second);
    this.#takeChange();
  }

  #put(): void {
    const key = `k${this.#puts.size}`;
    const value = 'x'.repeat(this.#draws.below(this.#draws.chance(1, 20) ? 20_000 : 200));
    this.#puts.set(this.#cluster.act({ type: 'put', key, value }), key);
  }

  #drawFaults(): Action[] {
    const { members } = this.#cluster;
    const draws = this.#draws;
    const member = members[draws.below(members.length)];
    const to = members[draws.below(members.length)];
    const faults: Action[][] = [
      [],
      [{ type: 'kill', member }],
      [{ type: 'powerCut', member }],
      members.map((one) => ({ type: 'powerCut', member: one })),
      [{ type: 'pauseMember', member }],
      [{ type: 'resumeMember', member }],
      [{ type: 'isolate', member }],
      member === to ? [] : [{ type: 'cut', from: member, to }],
      [{ type: 'healAll' }],
      [{ type: 'healAll' }],
    ];
    return faults[draws.below(faults.length)];
  }

  /** One change at a time, of the members that were listed last; it may make no sense any more by now. */
  #drawChange(): void {
    const draws = this.#draws;
    const voters = this.#listed.filter(({ isLearner }) => !isLearner);
    const drawn = this.#listed[draws.below(this.#listed.length)];
    const id = drawn.id.toString(16);
    const free = hosts.find(({ nodeId }) => !this.#listed.some((one) => hostOf(one) === nodeId));
    const learner = this.#listed.find(({ isLearner }) => isLearner);
    if (this.#wiped !== 0) return this.#removeWiped();
    switch (draws.below(6)) {
      case 0:
      case 1:
        if (learner !== undefined) this.#begin({ type: 'memberPromote', id: learner.id.toString(16) });
        else if (free !== undefined) this.#add(free.nodeId, draws.chance(1, 2));
        return;
      case 2:
        if (learner !== undefined) this.#begin({ type: 'memberPromote', id: learner.id.toString(16) });
        return;
      case 3:
        if (voters.length > 3 || drawn.isLearner) this.#begin({ type: 'memberRemove', id });
        return;
      case 4:
        if (voters.length >= 3) this.#wipe(hostOf(drawn));
        return;
      default:
        return this.#begin({ type: 'moveLeader', id });
    }
  }

  #add(host: number, learner: boolean): void {
    const { name, peerUrl } = hosts[host - 1];
    this.#begin({ type: 'memberAdd', name, peerUrls: [peerUrl], learner });
  }

  #wipe(host: number): void {
    this.#cluster.act({ type: 'wipe', member: host });
    this.#wiped = host;
    this.#removeWiped();
  }

  #removeWiped(): void {
    const old = this.#listed.find((one) => hostOf(one) === this.#wiped);
    if (old !== undefined) this.#begin({ type: 'memberRemove', id: old.id.toString(16) });
  }

  #begin(action: Change): void {
    this.#change = { id: this.#cluster.act(action), action };
  }

  /** What became of the change under way. What is not known shows when all is well again. */
  #takeChange(): void {
    const change = this.#change;
    const outcome = change === null ? undefined : this.#outcomes.get(change.id);
    if (change === null || outcome === undefined || outcome === null) return;
    this.#change = null;
    if (outcome.ok) this.#changed(change.action, outcome);
    else if ([2, 4, 14].includes(outcome.code)) this.#isUnsure = true;
  }

  #changed(action: Change, outcome: ClientOutcome): void {
    if (outcome.ok && 'members' in outcome) this.#listed = outcome.members;
    if (action.type === 'moveLeader') this.reach.moved++;
    else if (action.type === 'memberPromote') this.reach.promotes++;
    else if (action.type === 'memberAdd') {
      this.reach.adds++;
      if (action.learner === true) this.reach.learners++;
      const host = hosts.find(({ peerUrl }) => action.peerUrls[0] === peerUrl)?.nodeId ?? 0;
      const isUp = 'id' in outcome && this.#watchman.ids.get(host) === outcome.id.toString(16);
      // A member that has begun has acknowledged entries: its disk is its own.
      if (isUp) return;
      this.#cluster.act({ type: 'wipe', member: host });
      this.#cluster.act({ type: 'start', member: host });
    } else {
      this.reach.removes++;
      if (this.#wiped === 0) return;
      this.reach.replaced++;
      const host = this.#wiped;
      this.#wiped = 0;
      this.#add(host, false);
    }
  }

  /** Not one whose disk was erased: it would begin a cluster of its own. */
  #restartFallen(): void {
    for (const { nodeId } of hosts) {
      if (!this.#cluster.members.includes(nodeId) || nodeId === this.#wiped) continue;
      const status = this.#cluster.memberStatus(nodeId);
      if (status !== 'down' && status !== 'halted') continue;
      if (this.#cluster.stored(nodeId).size > 0) this.#cluster.act({ type: 'restart', member: nodeId });
      else this.#cluster.act({ type: 'start', member: nodeId });
    }
  }

  /** Faults end; then who is in the cluster runs, and who does not run is not in it. */
  #heal(): void {
    const cluster = this.#cluster;
    cluster.act({ type: 'healAll' });
    for (const member of cluster.members) cluster.act({ type: 'resumeMember', member });
    this.#runFor(1000);
    this.#restartFallen();
    this.#runFor(9 * second);
    this.#takeChange();
    this.#runFor(9 * second);
    this.#takeChange();
    if (this.#change !== null) throw new Error(`no answer to ${JSON.stringify(this.#change.action)}`);
    this.#isUnsure = false;
    this.#listMembers();
    for (const one of this.#listed) {
      if (this.#runs(one)) continue;
      this.#mustDo({ type: 'memberRemove', id: one.id.toString(16) });
      if (hostOf(one) === this.#wiped) this.#wiped = 0;
      this.#runFor(second);
    }
    this.#wiped = 0;
    this.#listMembers();
    this.#replaceLost();
  }

  /** Never fewer than three voters go on. */
  #replaceLost(): void {
    for (const { nodeId, name, peerUrl } of hosts) {
      if (this.#listed.length >= 3) return;
      if (this.#listed.some((one) => hostOf(one) === nodeId)) continue;
      this.#mustDo({ type: 'memberAdd', name, peerUrls: [peerUrl] });
      this.#mustDo({ type: 'wipe', member: nodeId });
      this.#mustDo({ type: 'start', member: nodeId });
      this.#runFor(8 * second);
      this.#listMembers();
    }
  }

  #runs(one: MemberView): boolean {
    const host = hostOf(one);
    const isThere = this.#cluster.members.includes(host) && this.#cluster.memberStatus(host) === 'up';
    return isThere && this.#watchman.ids.get(host) === one.id.toString(16);
  }

  #listMembers(): void {
    const outcome = this.#mustDo({ type: 'memberList' });
    if (outcome?.ok === true && outcome.type === 'memberList') this.#listed = outcome.members;
  }

  /** Every acknowledged write is on every member, and the run comes out the same again. */
  #finish(): void {
    this.#runFor(2 * second);
    const acknowledged = new Map<string, number>();
    for (const [id, key] of this.#puts) {
      const outcome = this.#outcomes.get(id);
      if (outcome?.ok === true && outcome.type === 'put') acknowledged.set(key, outcome.revision);
    }
    this.reach.acknowledged = acknowledged.size;
    for (const one of this.#listed) if (!one.isLearner) this.#checkStore(one, acknowledged);
    this.#watchman.checkRevisions();
    const { interventions, moment, chainHash } = this.#cluster;
    const config = { ...this.#config, trace: { on: false, emit: () => {} } };
    const again = replay(config, interventions, Member.boot, moment).cluster.chainHash;
    if (again !== chainHash) throw new Error(`the chain hash is ${chainHash}, and again ${again}`);
  }

  #checkStore(one: MemberView, acknowledged: ReadonlyMap<string, number>): void {
    const endpoints = [`m${hostOf(one)}`];
    const outcome = this.#mustDo({ type: 'get', key: 'k', prefix: true, keysOnly: true, endpoints });
    if (outcome?.ok !== true || outcome.type !== 'get') return;
    const found = new Map(
      outcome.kvs.map(({ key, modRevision }) => [Buffer.from(key).toString(), modRevision]),
    );
    for (const [key, revision] of acknowledged) {
      if (found.get(key) === revision) continue;
      throw new Error(`${endpoints[0]}: ${key} was written at ${revision}, and is at ${found.get(key)}`);
    }
  }

  /** Runs until the action is finished. @throws Error unless it ended well */
  #mustDo(action: Action): ClientOutcome | null {
    // A learner refuses what concerns members, and a client takes its word.
    const voters = this.#listed.filter((one) => !one.isLearner && this.#runs(one));
    const endpoints = voters.map((one) => `m${hostOf(one)}`);
    const asks = ['memberList', 'memberAdd', 'memberRemove'].includes(action.type) && endpoints.length > 0;
    const id = this.#cluster.act(asks ? ({ ...action, endpoints } as Action) : action);
    for (let i = 0; i < 200 && !this.#outcomes.has(id); i++) this.#runFor(100_000);
    const outcome = this.#outcomes.get(id);
    if (outcome === undefined || outcome?.ok === false) {
      throw new Error(`${JSON.stringify(action)}: ${outcome?.message ?? 'no answer'}`);
    }
    return outcome;
  }

  #runFor(virtualUs: number): void {
    const cluster = this.#cluster;
    const endUs = cluster.nowUs + virtualUs;
    const members = {
      perform: (plan: Plan) => {
        const results = this.#members.perform(plan);
        this.#watchman.compare(plan, (member) => this.#members.get(member));
        return results;
      },
    };
    runUntil(cluster, members as Members, ({ nextTimeUs }) => nextTimeUs === null || nextTimeUs > endUs);
    cluster.takeStoreCommits();
    for (const { id, outcome } of cluster.takeOutcomes()) this.#outcomes.set(id, outcome);
  }
}

/** The host at a member's address. */
function hostOf({ peerUrls }: MemberView): number {
  return hosts.find(({ peerUrl }) => peerUrls.includes(peerUrl))?.nodeId ?? 0;
}
