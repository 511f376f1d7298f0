/**
 * What a run's past costs: a cluster under load, with faults as a user would try them and the compaction of a
 * Kubernetes API server, is followed as the time worker does. At each mark: the cost of a copy, keyframes and their
 * bytes against the limit, and wall time of seeks: at random in the whole run, after that in short steps near the
 * present and around a moment of long ago. At the end: what the keyframes take by their own count and by the heap's.
 * One JSON object a line. `--minutes 5,10,20,60 --rate 100 --limit 128 --seeks 200 --compaction 300 --seed 1`
 */
import { stream } from '../../src/base/prng.ts';
import { freeze } from '../../src/base/frozen.ts';
import { Member } from '../../src/engine/server/member.ts';
import { Timeline } from '../../src/host/timeline.ts';
import { Visits } from '../../src/host/visits.ts';
import { Cluster } from '../../src/sim/cluster.ts';
import type { RunningWorld } from '../../src/sim/keyframes.ts';
import { unheard, usualLimits } from '../../src/sim/keyframes.ts';
import { nearBytesOf } from '../../src/sim/near-past.ts';
import { Members } from '../../src/sim/run.ts';
import type { Action } from '../../src/sim/types.ts';
import { cpuMs, heapBytes, loadAverage, Options, timed } from './measure.ts';

const second = 1_000_000;
const megabyte = 1024 * 1024;
const memberCount = 3;
/** A fault begins every so many virtual seconds, and ends after the second number. */
const [faultEveryUs, faultLastsUs] = [20 * second, 4 * second];

/** Faults of the menus, each with its end. */
const faults: readonly ((member: number) => readonly [Action, Action])[] = [
  (member) => [
    { type: 'kill', member },
    { type: 'start', member },
  ],
  (member) => [{ type: 'isolate', member }, { type: 'healAll' }],
  (member) => [
    { type: 'slowDisk', member, factor: 20 },
    { type: 'slowDisk', member, factor: 1 },
  ],
  (member) => [
    { type: 'powerCut', member },
    { type: 'start', member },
  ],
  (member) => [
    { type: 'pauseMember', member },
    { type: 'resumeMember', member },
  ],
  (from) => {
    const to = (from % memberCount) + 1;
    return [{ type: 'link', from, to, extraDelayUs: 20_000, lossPerMille: 50 }, { type: 'healEverything' }];
  },
];

/** A run on its way, with its past. */
class Followed {
  readonly world: RunningWorld;
  readonly timeline: Timeline;
  readonly #draws;
  #nextUs = 0;
  #end: Action | null = null;

  constructor(seed: number, compactionSeconds: number, limitBytes: number) {
    this.#draws = stream(seed, 'time bench');
    const cluster = new Cluster({
      ...{ seed, memberCount, boot: 1, startUs: 0, preVote: true, trace: unheard },
      images: Array.from({ length: memberCount }, () => new Map<string, Uint8Array>()),
      settings: { autoCompactionRetention: compactionSeconds },
    });
    this.world = { cluster, members: new Members(Member.boot) };
    const from = { moment: 0, timeUs: 0, chainHash: '' };
    const limits = { ...usualLimits, bytes: limitBytes - nearBytesOf(limitBytes) };
    this.timeline = new Timeline({ id: 0, parent: null, name: '', from, limits, notes: 262_144 });
    this.timeline.interventions = cluster.interventions;
    this.timeline.record(this.world);
  }

  begin(rate: number): void {
    const { cluster } = this.world;
    this.runTo(2 * second);
    cluster.act({ type: 'leaseGrant', ttl: 60, id: '77' });
    cluster.act({ type: 'leaseKeepAlive', id: '77' });
    cluster.act({ type: 'watch', key: '/registry/leases', prefix: true });
    cluster.act({ type: 'load', kind: 'kubernetes', perSecond: rate });
    this.#nextUs = cluster.nowUs + faultEveryUs;
  }

  runTo(endUs: number): void {
    const { cluster, members } = this.world;
    while (cluster.nowUs < endUs) {
      if (this.#nextUs > 0 && cluster.nowUs >= this.#nextUs) this.#disturb();
      const plan = cluster.plan();
      if (plan === null) throw new Error('nothing is left to happen');
      cluster.merge(plan, members.perform(plan));
      cluster.takeStoreCommits();
      cluster.takeOutcomes();
      this.timeline.place = this.timeline.record(this.world);
    }
  }

  #disturb(): void {
    const { cluster } = this.world;
    if (this.#end !== null) {
      cluster.act(this.#end);
      this.#end = null;
      this.#nextUs = cluster.nowUs + faultEveryUs - faultLastsUs;
      return;
    }
    const [begin, end] = faults[this.#draws.below(faults.length)](this.#draws.between(1, memberCount));
    cluster.act(begin);
    this.#end = end;
    this.#nextUs = cluster.nowUs + faultLastsUs;
  }
}

const shareOf = (sorted: readonly number[], share: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;

function spread(times: readonly number[]): object {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    seeks: sorted.length,
    ...{ medianMs: shareOf(sorted, 0.5), p95Ms: shareOf(sorted, 0.95), maxMs: shareOf(sorted, 1) },
    over100Ms: sorted.filter((ms) => ms > 100).length,
  };
}

async function seeks(timeline: Timeline, visits: Visits, moments: readonly number[]): Promise<object> {
  const times: number[] = [];
  for (const moment of moments) {
    const from = cpuMs();
    await visits.to(timeline, moment, ({ cluster }) => {
      const noted = timeline.hashes.at(cluster.moment);
      if (noted !== null && noted !== cluster.chainHash) throw new Error(`moment ${moment} is another one`);
    });
    times.push(cpuMs() - from);
  }
  return spread(times);
}

/** Back and forth by one to some inputs, as a reader's fingers do. */
function steps(around: number, last: number, count: number, draw: (below: number) => number): number[] {
  let at = around;
  return Array.from({ length: count }, () => (at = Math.max(0, Math.min(last, at + draw(41) - 20))));
}

async function measureSeeks(followed: Followed, limitBytes: number, count: number): Promise<void> {
  const { world, timeline } = followed;
  const draws = stream(count, 'seeks', world.cluster.moment);
  const visits = new Visits(nearBytesOf(limitBytes));
  const last = timeline.place.moment;
  const random = (many: number): number[] => Array.from({ length: many }, () => draws.below(last + 1));
  await seeks(timeline, visits, random(Math.ceil(count / 10)));
  const tell = async (of: string, moments: readonly number[]): Promise<void> =>
    print({ of, ...(await seeks(timeline, visits, moments)), nearBytes: visits.sizeBytes });
  await tell('random moments', random(count));
  await tell(
    'the last second',
    random(count).map((moment) => last - (moment % 1000)),
  );
  await tell(
    'steps near the present',
    steps(last, last, count, (below) => draws.below(below)),
  );
  await tell(
    'back by one at the present',
    Array.from({ length: count }, (_, i) => last - i),
  );
  const long = draws.below(last);
  await tell(
    'steps around a moment of long ago',
    steps(long, last, count, (below) => draws.below(below)),
  );
}

function measureCopies({ world }: Followed, facts: object): void {
  const [times, backTimes]: number[][] = [[], []];
  let copy = freeze({ ...world });
  for (let i = 0; i < 20; i++) {
    const from = performance.now();
    copy = freeze({ ...world });
    const frozen = performance.now();
    copy.thaw();
    times.push(frozen - from);
    backTimes.push(performance.now() - frozen);
  }
  const [sorted, back] = [times, backTimes].map((each) => each.toSorted((a, b) => a - b));
  print({
    ...facts,
    ...{ of: 'copy', medianMs: shareOf(sorted, 0.5), maxMs: shareOf(sorted, 1) },
    ...{ backMedianMs: shareOf(back, 0.5), ownBytes: copy.sizeBytes, sharedParts: copy.shared.length },
  });
}

function tellKept({ timeline }: Followed, facts: object): void {
  const { past } = timeline;
  const gaps = past.moments.slice(1).map((moment, i) => moment - past.moments[i]);
  print({
    ...{ ...facts, of: 'keyframes', count: past.moments.length, bytes: past.sizeBytes },
    ...{ widestGap: Math.max(...gaps), meanGap: Math.round(timeline.place.moment / gaps.length) },
  });
}

/** The buffers that one collection finds are counted until the next. */
function settledHeap(): number {
  heapBytes();
  return heapBytes();
}

/** Of the keyframes alone: the run itself has its own memory, and shares with them. */
function tellHeap(followed: Followed, facts: object): void {
  const counted = followed.timeline.past.sizeBytes;
  const before = settledHeap();
  followed.timeline.past.limitTo(0);
  const measured = before - settledHeap();
  print({ ...facts, of: 'memory', counted, measured, percent: Math.round((100 * measured) / counted) });
}

const print = (line: object): void =>
  console.log(JSON.stringify({ bench: 'time', ...line, loadAverage: loadAverage() }));

export async function bench(args: readonly string[]): Promise<void> {
  const options = new Options(args);
  const limitBytes = options.number('limit', 128) * megabyte;
  const compaction = options.number('compaction', 300);
  const followed = new Followed(options.number('seed', 1), compaction, limitBytes);
  followed.begin(options.number('rate', 100));
  const { cluster } = followed.world;
  for (const minutes of options.text('minutes', '5,10,20').split(',').map(Number)) {
    const { moment, nowUs } = cluster;
    const { wallMs, cpuMs } = timed(() => followed.runTo(minutes * 60 * second));
    const facts = { minutes, limitBytes };
    const inputs = cluster.moment - moment;
    print({
      ...{ ...facts, of: 'following', moment: cluster.moment, chainHash: cluster.chainHash },
      timesWall: Math.round((10 * (cluster.nowUs - nowUs)) / 1000 / wallMs) / 10,
      ...{ inputsPerSecond: Math.round((inputs * 1000) / wallMs), wallMs: Math.round(wallMs) },
      ...{ inputsPerCpuSecond: Math.round((inputs * 1000) / cpuMs), ok: cluster.load.ok },
    });
    measureCopies(followed, facts);
    tellKept(followed, facts);
    await measureSeeks(followed, limitBytes, options.number('seeks', 200));
    print({ ...facts, of: 'process', bytes: heapBytes() });
  }
  tellHeap(followed, { limitBytes });
}
