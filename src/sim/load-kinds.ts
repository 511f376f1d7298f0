/** What a load writes: the requests of each kind, drawn one after the other. */
import type { Prng } from '../base/prng.ts';
import { filled, hex8, put } from './load-values.ts';
import { isStorm, newStorm } from './load-storms.ts';
import type { ClientAction, ClientOutcome, LoadKind } from './types.ts';

/** Endless traffic. It goes by what it asked for; what became of it matters to few. */
export interface Traffic {
  /** The next request. `id`: what names it, should it go on. */
  next(id: number): ClientAction;
  /** What its requests that ended well were told. */
  heard?(outcome: ClientOutcome): void;
  /** A watch of its own that the server has ended. */
  ended?(id: number): void;
  /** What a client sends at once when its request has ended so; null: nothing. */
  again?(action: ClientAction, outcome: ClientOutcome | null): ClientAction | null;
  /** What ends that which goes on by itself. */
  close?(): readonly ClientAction[];
}

export const loadKinds: readonly LoadKind[] = [
  'kubernetes',
  'hotKey',
  'bigValues',
  'zipf',
  'hugeValues',
  'retries',
  'flood',
  'watchers',
  'ranges',
  'leases',
  'transactions',
  'oldWatches',
  'none',
];

/** Whether a load is itself a fault, which ends with the others. */
export function isFaultyLoad(kind: LoadKind): boolean {
  return kind !== 'none' && isStorm(kind);
}

export function newTraffic(kind: Exclude<LoadKind, 'none'>, draws: Prng): Traffic {
  if (isStorm(kind)) return newStorm(kind, draws);
  switch (kind) {
    case 'kubernetes':
      return new Kubernetes(draws);
    case 'hotKey':
      return new HotKey(draws);
    case 'bigValues':
      return new BigValues(draws);
    default:
      return kind satisfies never;
  }
}

const kib = 1024;
const del = (key: string): ClientAction => ({ type: 'del', key });

interface Pod {
  readonly namespace: string;
  readonly name: string;
  updateCount: number;
}

const namespaces = ['default', 'kube-system', 'shop', 'batch'] as const;
const apps = ['web', 'api', 'cache', 'worker', 'cron'] as const;
const phases = ['Pending', 'Scheduled', 'ContainerCreating', 'Running', 'Ready', 'Terminating'] as const;
const nodeCount = 20;
const maxPods = 60;
const maxEvents = 100;

/**
 * The writes of an API server: nodes renew their leases, controllers tell events, pods are created, get a
 * status after the other and are deleted. Sizes are those of small clusters: pods 2 to 5 KiB, events around
 * one, node leases half of one. Events, which a real one lets expire after an hour, go once there are a
 * hundred.
 */
class Kubernetes implements Traffic {
  private readonly draws: Prng;
  private readonly pods: Pod[] = [];
  private readonly events: string[] = [];

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    const share = this.draws.below(100);
    if (share < 25) return this.renewNode();
    return share < 40 ? this.tellEvent() : this.stepPod();
  }

  private renewNode(): ClientAction {
    const name = `node-${this.draws.between(1, nodeCount)}`;
    const key = `/registry/leases/kube-node-lease/${name}`;
    return put(key, this.object('Lease', name, 'kube-node-lease', 'held', this.draws.between(400, 600)));
  }

  private tellEvent(): ClientAction {
    if (this.events.length >= maxEvents) return del(this.events.shift() as string);
    const pod = this.pods[0];
    const namespace = pod?.namespace ?? 'default';
    const name = `${pod?.name ?? 'node-1'}.${hex8(this.draws)}`;
    const key = `/registry/events/${namespace}/${name}`;
    this.events.push(key);
    return put(key, this.object('Event', name, namespace, 'Normal', this.draws.between(600, 1200)));
  }

  private stepPod(): ClientAction {
    const creates = this.draws.chance(1, phases.length + 1) && this.pods.length < maxPods;
    if (creates || this.pods.length === 0) return this.createPod();
    const at = this.draws.below(this.pods.length);
    const pod = this.pods[at];
    pod.updateCount++;
    if (pod.updateCount < phases.length) return this.writePod(pod);
    this.pods.splice(at, 1);
    return del(`/registry/pods/${pod.namespace}/${pod.name}`);
  }

  private createPod(): ClientAction {
    const namespace = namespaces[this.draws.below(namespaces.length)];
    const app = apps[this.draws.below(apps.length)];
    const pod: Pod = { namespace, name: `${app}-${hex8(this.draws)}`, updateCount: 0 };
    this.pods.push(pod);
    return this.writePod(pod);
  }

  private writePod({ namespace, name, updateCount }: Pod): ClientAction {
    const sizeBytes = this.draws.between(2 * kib, 3 * kib) + updateCount * 300;
    const value = this.object('Pod', name, namespace, phases[updateCount], sizeBytes);
    return put(`/registry/pods/${namespace}/${name}`, value);
  }

  private object(kind: string, name: string, namespace: string, status: string, sizeBytes: number): string {
    const start = JSON.stringify({ kind, metadata: { name, namespace }, status });
    return filled(start, sizeBytes, this.draws);
  }
}

/** One key that everybody writes. */
class HotKey implements Traffic {
  private readonly draws: Prng;
  private count = 0;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    this.count++;
    return put('/load/hot', filled(`${this.count} `, 100, this.draws));
  }
}

const maxBigValues = 24;

/** Values of 10 to 100 KiB, put and deleted in no order, so that the files get holes. */
class BigValues implements Traffic {
  private readonly draws: Prng;
  private readonly keys: string[] = [];
  private count = 0;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    const share = this.draws.below(maxBigValues);
    if (share < this.keys.length) {
      const [key] = this.keys.splice(share, 1);
      return del(key);
    }
    this.count++;
    const key = `/load/big/${String(this.count).padStart(6, '0')}`;
    this.keys.push(key);
    return put(key, filled('', this.draws.between(10 * kib, 100 * kib), this.draws));
  }
}
