/**
 * How fast the simulated world goes: virtual time over real time for 3 and 5 members, idle and under 100 writes a
 * second, with all checkers and without; and how many requests the deciders of linearizability judge a second.
 * One JSON object a line. `--members 3,5 --load 0,100 --seconds 120 --history 1000,10000,100000 --only runs|deciders`
 */
import { stream } from '../../src/base/prng.ts';
import { Member } from '../../src/engine/server/member.ts';
import { Cluster } from '../../src/sim/cluster.ts';
import { decide } from '../../src/sim/checkers/linearizability.ts';
import { inspect, Judge } from '../../src/sim/checkers/judge.ts';
import { KvModel } from '../../src/sim/checkers/kv-model.ts';
import { contradiction } from '../../src/sim/checkers/witness.ts';
import { Members } from '../../src/sim/run.ts';
import { loadAverage, Options, timed } from './measure.ts';
import type { Stopwatch } from './measure.ts';
import type { Committed } from '../../src/sim/checkers/commit-log.ts';
import type { Operation } from '../../src/sim/checkers/history.ts';
import type { Inspected } from '../../src/sim/checkers/checker.ts';
import type { KvRequest } from '../../src/sim/checkers/kv-request.ts';

const second = 1_000_000;
const warmUpUs = 10 * second;

/** A cluster that serves puts at a steady rate, over 100 keys, and is judged as in a simulation where asked for. */
class SteadyRun {
  readonly cluster: Cluster;
  readonly #judge: Judge | null;
  readonly #members = new Members(Member.boot);
  readonly #perSecond: number;
  readonly #world: Inspected;
  #putCount = 0;
  #nextPutUs = 3 * second;

  constructor(memberCount: number, perSecond: number, isJudged: boolean) {
    this.#perSecond = perSecond;
    this.#judge = isJudged ? new Judge(null) : null;
    this.cluster = new Cluster({
      seed: 1,
      memberCount,
      images: Array.from({ length: memberCount }, () => new Map<string, Uint8Array>()),
      boot: 1,
      startUs: 0,
      trace: this.#judge?.checkers ?? { on: false, emit: () => {} },
      preVote: true,
    });
    this.#world = inspect(this.cluster, (member) => this.#members.get(member));
  }

  /** Also looks at everything once at the end, as each simulated run does every ten seconds. */
  runTo(endUs: number): void {
    const { cluster } = this;
    while (cluster.nowUs < endUs) {
      const next = cluster.nextTimeUs ?? endUs;
      if (this.#perSecond > 0 && this.#nextPutUs <= next) this.#put();
      this.#plan();
    }
    cluster.takeStoreCommits();
    for (const { id, outcome, timeUs } of cluster.takeOutcomes())
      if (outcome !== null) this.#judge?.end(id, outcome, timeUs);
    this.#judge?.checkers.whole(this.#world);
    const violation = this.#judge?.checkers.violation ?? null;
    if (violation !== null) throw new Error(`${violation.property}: ${violation.evidence}`);
  }

  #put(): void {
    const key = `key-${this.#putCount % 100}`;
    const action = { type: 'put', key, value: `${this.#putCount}`.padStart(100, 'v') } as const;
    this.#putCount++;
    this.#nextPutUs += Math.floor(second / this.#perSecond);
    const id = this.cluster.act(action);
    this.#judge?.begin(id, action, this.cluster.nowUs);
  }

  #plan(): void {
    const { cluster } = this;
    const plan = cluster.plan();
    if (plan === null) throw new Error('nothing is left to happen');
    cluster.merge(plan, this.#members.perform(plan));
    if (this.#judge === null) return;
    const stepped = plan.steps.map(({ member }) => member);
    this.#judge.checkers.after(this.#world, stepped);
  }
}

function measureRun(members: number, writesPerSecond: number, isJudged: boolean, seconds: number): void {
  const run = new SteadyRun(members, writesPerSecond, isJudged);
  run.runTo(warmUpUs);
  const { moment } = run.cluster;
  const { wallMs, cpuMs } = timed(() => run.runTo(warmUpUs + seconds * second));
  const inputs = run.cluster.moment - moment;
  print({
    bench: 'sim',
    ...{ members, writesPerSecond, checkers: isJudged, virtualSeconds: seconds },
    ...{ timesWall: Math.round((seconds * 1000) / wallMs), timesCpu: Math.round((seconds * 1000) / cpuMs) },
    ...{ inputs, inputsPerSecond: Math.round((inputs * 1000) / wallMs) },
    inputsPerCpuSecond: Math.round((inputs * 1000) / cpuMs),
    ...{ wallMs: Math.round(wallMs), cpuMs: Math.round(cpuMs), chainHash: run.cluster.chainHash },
  });
}

interface Known {
  readonly history: readonly Operation[];
  readonly log: readonly Committed[];
}

/** A linearizable history: so many clients, one request each at a time, on ten keys; half of them reads. */
function linearizable(count: number, clients: number): Known {
  const draws = stream(1, 'history', count, clients);
  const model = new KvModel(true);
  const history: Operation[] = [];
  const log: Committed[] = [];
  const freeAt = Array.from({ length: clients }, () => 0);
  let nowUs = 0;
  for (let id = 1; id <= count; id++) {
    const client = draws.below(clients);
    nowUs = Math.max(nowUs + 1 + draws.below(1000), freeAt[client] + 1);
    const callUs = Math.max(freeAt[client] + 1, nowUs - draws.below(3000));
    const returnUs = nowUs + 1 + draws.below(3000);
    freeAt[client] = returnUs;
    const request = drawRequest(draws.below(10), id, draws.chance(1, 2));
    const { answer, changes } = model.apply(request);
    const { revision } = model;
    history.push({ id, request, callUs, returnUs, answer, revision });
    if (request.kind !== 'range') log.push({ index: log.length + 1, request, revision, answer, changes });
  }
  return { history, log };
}

function drawRequest(place: number, count: number, isRead: boolean): KvRequest {
  const key = `k${place}`;
  if (!isRead)
    return {
      ...{ kind: 'put', key, value: `v${count}`, lease: 0n },
      ...{ prevKv: false, keepsValue: false, keepsLease: false },
    };
  return {
    ...{ kind: 'range', key, end: null, revision: 0, limit: 0 },
    ...{ countOnly: false, keysOnly: false, serializable: false },
  };
}

function measureDeciders(operations: number, clients: number): void {
  const { history, log } = linearizable(operations, clients);
  const report = (decider: string, verdict: string, { wallMs, cpuMs }: Stopwatch): void =>
    print({
      bench: 'linearizability',
      ...{ decider, operations, clients, verdict, wallMs: Math.round(wallMs), cpuMs: Math.round(cpuMs) },
      operationsPerSecond: Math.round((operations * 1000) / wallMs),
      operationsPerCpuSecond: Math.round((operations * 1000) / cpuMs),
    });
  let verdict = '';
  const witness = timed(() => (verdict = contradiction(history, log) ?? 'linearizable'));
  report('witness', verdict, witness);
  const search = timed(() => (verdict = decide(history, 100 * operations).kind));
  report('search', verdict, search);
}

const print = (line: object): void => console.log(JSON.stringify({ ...line, loadAverage: loadAverage() }));

export function bench(args: readonly string[]): void {
  const options = new Options(args);
  const numbers = (name: string, otherwise: string): number[] =>
    options.text(name, otherwise).split(',').map(Number);
  const only = options.oneOf('only', ['all', 'runs', 'deciders'], 'all');
  const seconds = options.number('seconds', 120);
  if (only !== 'deciders')
    for (const members of numbers('members', '3,5'))
      for (const load of numbers('load', '0,100'))
        for (const isJudged of [false, true])
          measureRun(members, load, isJudged, load > 0 ? seconds / 4 : seconds);
  if (only === 'runs') return;
  for (const count of numbers('history', '1000,10000,100000')) measureDeciders(count, 10);
}
