/** What a picture may begin with: short scripts for a lab that has just elected its first leader. */
import type { MemberSettings } from '../sim/member-settings.ts';
import type { Action } from '../sim/types.ts';

export interface ScenarioStep {
  readonly does: Action;
  /** How long the lab then runs before the next step, virtual milliseconds. */
  readonly thenMs: number;
}

/** A script, given who leads. */
export type Scenario = (leader: number) => readonly ScenarioStep[];
export type Scenarios = Readonly<Record<string, Scenario>>;

const step = (does: Action, thenMs = 0): ScenarioStep => ({ does, thenMs });
const put = step({ type: 'put', key: 'greeting', value: 'hello' }, 500);

/** Each ends at the moment that is worth looking at: what follows happens before the visitor's eyes. */
export const clusterScenarios: Scenarios = {
  'leader-crash': (leader) => [put, step({ type: 'kill', member: leader })],
  partition: (leader) => [put, step({ type: 'isolate', member: leader })],
  'slow-disk': (leader) => [
    step({ type: 'slowDisk', member: leader, factor: 10 }),
    step({ type: 'load', kind: 'kubernetes', perSecond: 20 }, 1200),
  ],
  load: () => [step({ type: 'load', kind: 'kubernetes', perSecond: 50 }, 1200)],
  /** A small quota is used up: puts are refused until someone makes room and disarms the alarm. */
  nospace: () => [put, step({ type: 'load', kind: 'kubernetes', perSecond: 40 }, 10_000)],
};

/** What the members of a scenario's lab are started with; the others' are started as usual. */
export const scenarioSettings: Readonly<Record<string, MemberSettings>> = {
  nospace: { quotaBytes: 1024 * 1024 },
};

/** A service that registers itself: a lease, and a key that goes with it. */
function service(id: string, ttl: number): readonly ScenarioStep[] {
  return [
    step({ type: 'leaseGrant', ttl, id }, 50),
    step({ type: 'put', key: `service/${id}`, value: '10.0.0.7:8080', lease: id }, 50),
  ];
}

const pile = Array.from({ length: 24 }, (_, i) => (0xa01 + i).toString(16));

export const leaseScenarios: Scenarios = {
  /** One lease runs out. */
  expiry: () => service('abc', 5),
  /** Of two services one is kept alive; the other has died. */
  'keep-alive': () => [
    ...service('abc', 6),
    ...service('def', 6),
    step({ type: 'leaseKeepAlive', id: 'abc' }, 50),
  ],
  /** Very many leases end at nearly the same time. */
  'pile-up': () => pile.flatMap((id) => service(id, 8)),
};

const change = (key: string, value: string): ScenarioStep => step({ type: 'put', key, value }, 40);
const remove = (key: string): ScenarioStep => step({ type: 'del', key }, 40);
const watch = (key: string, revision?: number): ScenarioStep =>
  step(
    { type: 'watch', key, prefix: true, endpoints: ['m1'], ...(revision === undefined ? {} : { revision }) },
    40,
  );

/** Some keys with several versions; one is deleted and comes again, one goes with a lease. */
const history: readonly ScenarioStep[] = [
  change('app/color', 'red'),
  change('app/size', 'small'),
  watch('app/'),
  change('app/color', 'green'),
  change('job/1', 'waiting'),
  change('app/color', 'blue'),
  change('job/1', 'done'),
  remove('job/1'),
  change('app/size', 'large'),
  change('job/1', 'waiting again'),
  step({ type: 'leaseGrant', ttl: 60, id: 'abc' }, 40),
  step({ type: 'put', key: 'worker/7', value: 'up', lease: 'abc' }, 40),
];

export const keyScenarios: Scenarios = {
  /** Nothing is dropped yet: what would a compaction take? */
  history: () => history,
  /** A compaction is ordered, and a watcher begins just behind it. */
  compaction: () => [
    ...history,
    step({ type: 'compaction', revision: 8 }, 400),
    watch('job/', 9),
    watch('worker/'),
    change('app/color', 'black'),
  ],
};
