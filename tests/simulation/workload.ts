/** Clients of a simulated run: which kinds of requests a seed draws, and what they ask for. */
import { stream } from '../../src/base/prng.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { TxnOp } from '../../src/sim/etcd-actions.ts';
import type { ClientAction, ClientOutcome } from '../../src/sim/types.ts';

/** How often each kind of request comes, of all together; a seed leaves some out. */
const kinds = {
  put: 30,
  get: 18,
  range: 8,
  stale: 5,
  past: 5,
  del: 10,
  txn: 14,
  compaction: 4,
  grant: 5,
  leasedPut: 8,
  keepAlive: 4,
  revoke: 1,
  watch: 4,
  defrag: 1,
  /** Over several sectors of the disk. */
  largePut: 20,
  /** How far the store is, asked on the watches that stand. */
  progress: 20,
} as const;

export type RequestKind = keyof typeof kinds;

export const requestKinds = Object.keys(kinds) as readonly RequestKind[];

/** Only where a run asks for them. */
const rareKinds: readonly RequestKind[] = ['largePut', 'progress'];

/** Half of all seeds have no leases: then a history can be decided without the log. */
const leaseKinds: readonly RequestKind[] = ['grant', 'leasedPut', 'keepAlive', 'revoke'];

const maxWatches = 8;

function kindsOf(draws: Prng): readonly RequestKind[] {
  const hasLeases = draws.chance(1, 2);
  return requestKinds.filter((kind) => {
    if (rareKinds.includes(kind)) return false;
    if (leaseKinds.includes(kind)) return hasLeases;
    return kind === 'put' || kind === 'get' || draws.chance(3, 4);
  });
}

export class Workload {
  readonly #draws: Prng;
  readonly #members: number;
  readonly #kinds: readonly RequestKind[];
  readonly #weight: number;
  readonly #keyCount: number;
  readonly #leases: string[] = [];
  #revision = 1;
  #count = 0;
  #watches = 0;
  #leaseCount = 0;

  /**
   * @param only the kinds to draw from; absent: the seed says
   * @param hasLeases whether a seed may ask for leases
   */
  constructor(seed: number, members: number, only: readonly RequestKind[] | null = null, hasLeases = true) {
    const draws = stream(seed, 'workload');
    this.#draws = draws;
    this.#members = members;
    this.#keyCount = draws.between(1, 6);
    const drawn = kindsOf(draws);
    this.#kinds = only ?? (hasLeases ? drawn : drawn.filter((kind) => !leaseKinds.includes(kind)));
    this.#weight = this.#kinds.reduce((sum, kind) => sum + kinds[kind], 0);
  }

  /** Moments of the requests: a quiet time and a busy one by turns. */
  times(virtualUs: number, meanPerSecond: number): number[] {
    const times: number[] = [];
    let isBusy = true;
    let turnUs = 0;
    for (let at = 0; at < virtualUs;) {
      if (at >= turnUs) {
        isBusy = !isBusy;
        turnUs = at + this.#draws.between(100_000, 6_000_000);
      }
      times.push(at);
      const meanUs = Math.floor((isBusy ? 250_000 : 2_000_000) / Math.max(1, meanPerSecond));
      at += 1 + this.#draws.below(2 * meanUs);
    }
    return times;
  }

  /** What a client asks next. */
  next(): ClientAction {
    this.#count++;
    const action = this.#action(this.#draw());
    if (!this.#draws.chance(1, 2)) return action;
    return { ...action, endpoints: [`m${this.#draws.between(1, this.#members)}`] };
  }

  /** Clients know what they were told: revisions to ask for, leases to use. */
  heard(action: ClientAction, outcome: ClientOutcome): void {
    if (!outcome.ok) return;
    if (outcome.header?.revision !== undefined)
      this.#revision = Math.max(this.#revision, outcome.header.revision);
    if (action.type === 'leaseGrant' && action.id !== undefined) this.#leases.push(action.id);
  }

  #draw(): RequestKind {
    let left = this.#draws.below(this.#weight);
    for (const kind of this.#kinds) {
      left -= kinds[kind];
      if (left < 0) return kind;
    }
    return 'put';
  }

  get #key(): string {
    return `k${this.#draws.below(this.#keyCount)}`;
  }

  /** No two are equal: an answer tells who wrote what it shows. */
  get #value(): string {
    const size = this.#draws.chance(1, 30) ? this.#draws.below(9000) : 0;
    return `v${this.#count}${'x'.repeat(size)}`;
  }

  get #lease(): string | undefined {
    return this.#leases[Math.max(0, this.#leases.length - 1 - this.#draws.below(3))];
  }

  #action(kind: RequestKind): ClientAction {
    const [draws, key] = [this.#draws, this.#key];
    const revision = draws.between(Math.max(1, this.#revision - 12), this.#revision);
    switch (kind) {
      case 'put':
        return { type: 'put', key, value: this.#value, prevKv: draws.chance(1, 4) };
      case 'largePut':
        return { type: 'put', key, value: `v${this.#count}${'x'.repeat(draws.between(1500, 9000))}` };
      case 'get':
        return { type: 'get', key };
      case 'range':
        return { type: 'get', key: 'k', prefix: true, ...(draws.chance(1, 3) && { limit: 2 }) };
      case 'stale':
        return { type: 'get', key, serializable: true };
      case 'past':
        return { type: 'get', key: 'k', prefix: true, revision };
      case 'del':
        return { type: 'del', key, prefix: draws.chance(1, 8), prevKv: draws.chance(1, 4) };
      case 'txn':
        return this.#txn(key);
      case 'compaction':
        // the newest revision more often than not: that is where mistakes are
        return { type: 'compaction', revision: draws.chance(2, 3) ? this.#revision : revision };
      case 'watch':
        return this.#watch(key, revision);
      case 'progress':
        return { type: 'watchProgress' };
      case 'defrag':
        return { type: 'defrag' };
      default:
        return this.#leaseAction(kind, key);
    }
  }

  #watch(key: string, revision: number): ClientAction {
    if (this.#watches++ >= maxWatches) return { type: 'get', key };
    const draws = this.#draws;
    const from = [{}, { revision }, { revision: this.#revision + draws.between(1, 20) }][draws.below(3)];
    // both keys of a txn, in one revision, or one key
    const keys = draws.chance(1, 2) ? { key: 'j', fromKey: true } : { key, prefix: true };
    return { type: 'watch', ...keys, prevKv: true, ...from };
  }

  #leaseAction(kind: RequestKind, key: string): ClientAction {
    const id = this.#lease;
    if (kind === 'grant' || id === undefined) {
      this.#leaseCount++;
      return {
        type: 'leaseGrant',
        ttl: this.#draws.between(2, 12),
        id: (0x1000 + this.#leaseCount).toString(16),
      };
    }
    if (kind === 'leasedPut') return { type: 'put', key, value: this.#value, lease: id };
    return kind === 'keepAlive' ? { type: 'leaseKeepAlive', id, once: true } : { type: 'leaseRevoke', id };
  }

  /** A compare-and-set of the key's revision, and two writes of one revision. */
  #txn(key: string): ClientAction {
    const draws = this.#draws;
    const other = `j${draws.below(this.#keyCount)}`;
    const value = String(draws.below(this.#revision + 1));
    const compare = { key, target: draws.chance(1, 2) ? 'mod' : 'version', result: '>', value } as const;
    const success: TxnOp[] = [
      { type: 'put', key, value: this.#value },
      { type: 'put', key: other, value: `${this.#value}b` },
      { type: 'get', key },
    ];
    const failure: TxnOp[] = draws.chance(1, 2) ? [{ type: 'get', key }] : [{ type: 'del', key: other }];
    return { type: 'txn', compares: [compare], success, failure };
  }
}
