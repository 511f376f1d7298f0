/** Each member's leases, and the leader's clock that ends them: what the picture asks of the fold's state. */
import type { LeaseEnd } from './lease-end.ts';
import type { HeapEntry } from './lease-heap.ts';

/** One lease as one member's lessor knows it. Times are virtual microseconds. */
export interface LeaseView {
  /** Hexadecimal, as in events and on the console. */
  readonly id: string;
  readonly ttlSeconds: number;
  /** By this member's clock; null while another member leads: then it never expires here. */
  readonly expiryUs: number | null;
  /** Null where this run has not seen the grant. */
  readonly grantedAtUs: number | null;
  /** The last keep-alive. */
  readonly renewedAtUs: number | null;
  readonly renewalCount: number;
  /** Printable names of some of its keys, `keptKeys` at most, in the order of their coming. */
  readonly keys: readonly string[];
  readonly keyCount: number;
  /** When its time was over, and it was handed out to be revoked. */
  readonly expiredAtUs: number | null;
  /** When this member removed it with its keys; it stays in the picture for a moment. */
  readonly goneAtUs: number | null;
}

/** What looking for expired leases has cost. */
export interface SearchWork {
  /** Leases, or entries of leases that are gone, that were looked at. */
  readonly touched: number;
  /** Times compared, with the clock or with each other. */
  readonly compared: number;
}

export interface MemberLeases {
  /** From 1. */
  readonly id: number;
  readonly isRunning: boolean;
  /** Since when its clock counts; null while it is not primary. */
  readonly primarySinceUs: number | null;
  /** How it finds what has expired. */
  readonly search: 'scan' | 'heap' | 'heapMap';
  /** In the order of their coming. */
  readonly leases: ReadonlyMap<string, LeaseView>;
  /** The heap's array; entries of leases that are gone stay until they come to the top. */
  readonly heap: readonly HeapEntry[];
  /** All passes since this process started. */
  readonly work: SearchWork;
  /** The newest pass alone; null before the first. */
  readonly lastPass: SearchWork | null;
}

export interface LeasesView {
  readonly timeUs: number;
  readonly members: readonly MemberLeases[];
  /** The newest leases that ended or are about to, newest first. */
  readonly ends: readonly LeaseEnd[];
}

/** How many key names a lease keeps; its count counts them all. */
export const keptKeys = 32;
/** How long a lease that is gone, and a keep-alive's outline, stay in the picture: virtual microseconds. */
export const goneShownUs = 250_000;
export const renewalShownUs = 100_000;

/** The running member whose clock counts; the last to be promoted where a cut-off leader thinks so too. */
export function primaryOf({ members }: LeasesView): MemberLeases | null {
  return members.reduce<MemberLeases | null>((best, one) => {
    if (one.primarySinceUs === null) return best;
    return best?.primarySinceUs == null || one.primarySinceUs > best.primarySinceUs ? one : best;
  }, null);
}

/** Whose leases the picture shows: the primary's, else those of any member that runs. */
export function shownMember(view: LeasesView): MemberLeases {
  const shown = primaryOf(view) ?? view.members.find(({ isRunning }) => isRunning);
  return shown ?? (view.members[0] as MemberLeases);
}

/** What is to be seen at `timeUs`: a lease that is gone stays for a moment. */
export function visibleLeases({ leases }: MemberLeases, timeUs: number): readonly LeaseView[] {
  return [...leases.values()].filter(({ goneAtUs }) => goneAtUs === null || goneAtUs + goneShownUs > timeUs);
}

export function livingCount({ leases }: MemberLeases): number {
  let count = 0;
  for (const { goneAtUs } of leases.values()) if (goneAtUs === null) count += 1;
  return count;
}

/** What is left of a lease at `timeUs`, microseconds, 0 at least; null while no clock counts. */
export function leftUs({ expiryUs, goneAtUs }: LeaseView, timeUs: number): number | null {
  if (goneAtUs !== null) return 0;
  return expiryUs === null ? null : Math.max(0, expiryUs - timeUs);
}

/** What is left as a share of the time to live; a new leader grants more, which shows as all of it. */
export function leftShare(lease: LeaseView, timeUs: number): number {
  const left = leftUs(lease, timeUs);
  return left === null ? 1 : Math.min(1, left / (lease.ttlSeconds * 1e6));
}

/** From 1, when a keep-alive has just arrived, down to 0. */
export function renewalGlow({ renewedAtUs, goneAtUs }: LeaseView, timeUs: number): number {
  if (renewedAtUs === null || goneAtUs !== null) return 0;
  return Math.max(0, 1 - Math.max(0, timeUs - renewedAtUs) / renewalShownUs);
}

/** From 1 for a lease that is there, down to 0 while it leaves the picture. */
export function presence({ goneAtUs }: LeaseView, timeUs: number): number {
  return goneAtUs === null ? 1 : Math.max(0, 1 - Math.max(0, timeUs - goneAtUs) / goneShownUs);
}

/** The first key `/services/web-N` that no lease of the member holds: what a service would register next. */
export function freeServiceKey({ leases }: MemberLeases): string {
  const taken = new Set(
    [...leases.values()].flatMap(({ goneAtUs, keys }) => (goneAtUs === null ? keys : [])),
  );
  let number = 1;
  while (taken.has(`/services/web-${number}`)) number += 1;
  return `/services/web-${number}`;
}

/** The console's lines behind the buttons. */
export const leaseLines = {
  grant: (): string => 'lease grant 10',
  put: (key: string, id: string): string => `put ${key} up --lease=${id}`,
  keepAlive: (id: string): string => `lease keep-alive --once ${id}`,
  revoke: (id: string): string => `lease revoke ${id}`,
};
