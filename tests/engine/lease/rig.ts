/** A lessor over a store in memory, and over a real backend. */
import { decodeUtf8, encodeUtf8 } from '../../../src/base/utf8.ts';
import { Backend, openDb } from '../../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import type { LeaseEvent } from '../../../src/engine/lease/events.ts';
import { BackendLeaseStore } from '../../../src/engine/lease/lease-store.ts';
import { Lessor } from '../../../src/engine/lease/lessor.ts';
import { leaseId } from '../../../src/engine/lease/types.ts';
import type {
  ExpiryKind,
  LeaseId,
  LeaseStore,
  LessorConfig,
  StoredLease,
} from '../../../src/engine/lease/types.ts';

export const expiryKinds: readonly ExpiryKind[] = ['scan', 'heap', 'heapMap'];
export const second = 1_000_000;
export const id = (value: number | bigint): LeaseId => leaseId(BigInt(value));
export const text = encodeUtf8;

/** A store that is a map; it shows what a restart would find. */
export class MapStore implements LeaseStore {
  readonly leases = new Map<LeaseId, StoredLease>();

  all(): readonly StoredLease[] {
    return [...this.leases.values()];
  }

  put({ id: lease, ttlSeconds, remainingTtlSeconds }: StoredLease): void {
    this.leases.set(lease, { id: lease, ttlSeconds, remainingTtlSeconds });
  }

  delete(lease: LeaseId): void {
    this.leases.delete(lease);
  }
}

export interface Opened {
  readonly lessor: Lessor;
  readonly store: MapStore;
  readonly events: LeaseEvent[];
  /** Each revocation's keys, in the order in which they were deleted. */
  readonly deleted: string[][];
}

/** @param leases a store with leases, as after a restart */
export function openLessor(config: Partial<LessorConfig> = {}, store = new MapStore()): Opened {
  const events: LeaseEvent[] = [];
  const trace = { on: true, emit: (event: LeaseEvent) => void events.push(event) };
  const lessor = new Lessor(store, { minTtlSeconds: 2, ...config }, trace);
  const deleted: string[][] = [];
  lessor.setRangeDeleter(() => {
    const keys: string[] = [];
    return {
      deleteRange: (key) => {
        keys.push(decodeUtf8(key));
        return { revision: 7 };
      },
      end: () => void deleted.push(keys),
    };
  });
  return { lessor, store, events, deleted };
}

export function openBackend(image: Uint8Array | null = null) {
  const pager = new MemoryPager(image);
  const backend = Backend.open(openDb(pager, { pageSize: 1024 }));
  if (backend.committing) backend.committed();
  return { pager, backend, store: new BackendLeaseStore(backend) };
}
