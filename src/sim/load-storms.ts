/** Loads that are more than a cluster is for: each is a mistake that clients make. */
import { defaultMaxTxnOps as maxTxnOps } from '../engine/server/rpc-check.ts';
import { grpcCode } from '../engine/server/types.ts';
import { filled, hex8, put } from './load-values.ts';
import type { Prng } from '../base/prng.ts';
import type { Traffic } from './load-kinds.ts';
import type { TxnOp } from './etcd-actions.ts';
import type { ClientAction, ClientOutcome, LoadKind, LoadStorm } from './types.ts';

const storms: Readonly<Record<LoadStorm, (draws: Prng) => Traffic>> = {
  zipf: (draws) => new Zipf(draws),
  hugeValues: (draws) => new HugeValues(draws),
  retries: (draws) => new Retries(draws),
  flood: (draws) => new Flood(draws),
  watchers: () => new Watchers(),
  ranges: (draws) => new Ranges(draws),
  leases: (draws) => new Leases(draws),
  transactions: (draws) => new Transactions(draws),
  oldWatches: (draws) => new OldWatches(draws),
};

export function isStorm(kind: LoadKind): kind is LoadStorm {
  return Object.hasOwn(storms, kind);
}

export function newStorm(kind: LoadStorm, draws: Prng): Traffic {
  return storms[kind](draws);
}

const zipfKeyCount = 1024;
const zipfUnit = 1048576;

/** How often the first n keys are asked for together: key number k has 1/k of the first one's share. */
const zipfSums: readonly number[] = (() => {
  const sums: number[] = [];
  for (let rank = 1; rank <= zipfKeyCount; rank++) {
    sums.push((sums[rank - 2] ?? 0) + Math.floor(zipfUnit / rank));
  }
  return sums;
})();

/** The rank of a key, from 1: the first is asked for most. */
export function drawZipf(draws: Prng): number {
  const draw = draws.below(zipfSums[zipfKeyCount - 1]);
  let [low, high] = [0, zipfKeyCount - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (draw < zipfSums[middle]) high = middle;
    else low = middle + 1;
  }
  return low + 1;
}

/** Some keys are hot, most are not; half of the requests are reads. */
class Zipf implements Traffic {
  private readonly draws: Prng;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    const key = `/load/zipf/${drawZipf(this.draws)}`;
    return this.draws.chance(1, 2) ? { type: 'get', key } : put(key, filled('', 100, this.draws));
  }
}

const kib = 1024;

/** Values up to and beyond what a request may hold: 1.5 MiB. */
class HugeValues implements Traffic {
  private readonly draws: Prng;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    const sizeBytes = this.draws.between(100, 1700) * kib;
    return put(`/load/huge/${this.draws.below(8)}`, filled('', sizeBytes, this.draws));
  }
}

const impatienceUs = 20_000;

/** Clients that wait too short and then send the same again: it may have happened already. */
class Retries implements Traffic {
  private readonly draws: Prng;
  private count = 0;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    this.count++;
    const key = `/load/retry/${this.count % 100}`;
    return { type: 'put', key, value: filled(`${this.count} `, 200, this.draws), timeoutUs: impatienceUs };
  }

  again(action: ClientAction, outcome: ClientOutcome | null): ClientAction | null {
    return outcome?.ok === false && outcome.code === grpcCode.deadlineExceeded ? action : null;
  }
}

/** Small writes to many keys, however many wait. */
class Flood implements Traffic {
  private readonly draws: Prng;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    return put(`/load/flood/${this.draws.below(4096)}`, hex8(this.draws));
  }
}

const maxWatches = 500;

/** Everybody watches everything, and writes a little; the oldest watch goes once there are 500. */
class Watchers implements Traffic {
  private readonly watches: number[] = [];
  private count = 0;

  next(id: number): ClientAction {
    this.count++;
    if (this.count % 10 === 0) return put('/load/watched', String(this.count));
    if (this.watches.length >= maxWatches) return { type: 'stop', request: this.watches.shift() as number };
    this.watches.push(id);
    return { type: 'watch', key: '/load/', prefix: true };
  }

  close(): readonly ClientAction[] {
    return this.watches.splice(0).map((request) => ({ type: 'stop', request }));
  }
}

/** Reads of all that there is, again and again. */
class Ranges implements Traffic {
  private readonly draws: Prng;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    const share = this.draws.below(4);
    if (share === 0) return put(`/load/range/${this.draws.below(1000)}`, filled('', kib, this.draws));
    return { type: 'get', key: '', fromKey: true, ...(share === 1 && { serializable: true }) };
  }
}

/** Leases that are granted, given a key and never renewed. */
class Leases implements Traffic {
  private readonly draws: Prng;
  private lease: string | null = null;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    const lease = this.lease;
    if (lease !== null) {
      this.lease = null;
      return { type: 'put', key: `/load/lease/${lease}`, value: lease, lease };
    }
    this.lease = `1${hex8(this.draws)}${hex8(this.draws).slice(1)}`;
    return { type: 'leaseGrant', ttl: this.draws.between(5, 30), id: this.lease };
  }
}

const txnKeyCount = 1024;

/** Transactions of as many operations as one may have, puts and reads. Some have one more. */
class Transactions implements Traffic {
  private readonly draws: Prng;
  private count = 0;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(): ClientAction {
    this.count++;
    const operationCount = this.draws.chance(1, 16) ? maxTxnOps + 1 : maxTxnOps;
    const first = this.draws.below(txnKeyCount);
    const success = Array.from({ length: operationCount }, (_, i): TxnOp => {
      const key = `/load/txn/${(first + i) % txnKeyCount}`;
      return i % 4 === 3 ? { type: 'get', key } : { type: 'put', key, value: String(this.count) };
    });
    return { type: 'txn', compares: [], success, failure: [] };
  }
}

const maxOldWatches = 100;
const oldWatchKeys = 16;

/**
 * Watches that begin at any revision since the first, while the store is written and compacted: each is told
 * of all that has been since, or that it is gone. The oldest watch goes once there are a hundred.
 */
class OldWatches implements Traffic {
  private readonly draws: Prng;
  private readonly watches: number[] = [];
  /** The newest that an answer has told. */
  private revision = 1;
  private count = 0;

  constructor(draws: Prng) {
    this.draws = draws;
  }

  next(id: number): ClientAction {
    this.count++;
    if (this.count % 20 === 0) {
      return { type: 'compaction', revision: this.draws.between(1, this.revision) };
    }
    if (this.count % 3 === 0) {
      return put(`/load/old/${this.draws.below(oldWatchKeys)}`, String(this.count));
    }
    if (this.watches.length >= maxOldWatches) {
      return { type: 'stop', request: this.watches.shift() as number };
    }
    this.watches.push(id);
    return { type: 'watch', key: '/load/', prefix: true, revision: this.draws.between(1, this.revision) };
  }

  heard(outcome: ClientOutcome): void {
    if (outcome.ok) this.revision = Math.max(this.revision, outcome.header?.revision ?? 0);
  }

  ended(id: number): void {
    const at = this.watches.indexOf(id);
    if (at >= 0) this.watches.splice(at, 1);
  }

  close(): readonly ClientAction[] {
    return this.watches.splice(0).map((request) => ({ type: 'stop', request }));
  }
}
