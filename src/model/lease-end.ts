/** How leases end: the time is over, or a client asks; then a revoke goes through the log like any write. */
import type { Told } from './told.ts';
import type { LeaseView } from './lease-view.ts';

export interface LeaseEnd {
  readonly id: string;
  readonly because: 'expired' | 'revoked';
  /** The member that saw it expire, or took the client's request. */
  readonly member: number;
  /** When it was seen to expire, or the revoke was asked for; virtual microseconds, like all times here. */
  readonly startedAtUs: number;
  /** As far as they are known by name, at the start. */
  readonly keys: readonly string[];
  readonly keyCount: number;
  /** The revoke's place in the log; null before it is there. */
  readonly entry: { readonly index: number; readonly term: number; readonly atUs: number } | null;
  readonly committedAtUs: number | null;
  /** Members that have removed lease and keys, in the order of their doing so. */
  readonly applied: readonly { readonly member: number; readonly atUs: number }[];
  /** The store's revision after it; null before any member has applied it. */
  readonly revision: number | null;
}

/** How many ends are kept. */
const keptEnds = 4;

type FindLease = (id: string) => LeaseView | undefined;

/**
 * The ends after one event, newest first.
 * @param find the lease as the event's member has it
 */
export function foldEnds(ends: readonly LeaseEnd[], told: Told, find: FindLease): readonly LeaseEnd[] {
  const { at, event } = told;
  switch (event.type) {
    case 'lease.expire':
      return begun(ends, told, event.id, 'expired', find);
    case 'server.propose': {
      const id = event.request === 0 ? null : revokedBy(event.label);
      return id === null ? ends : begun(ends, told, id, 'revoked', find);
    }
    case 'server.entries':
      return withEntries(ends, told, event.firstIndex, event.labels, event.entryTerms);
    case 'raft.commit':
      return changed(ends, (end) =>
        end.committedAtUs === null && end.entry !== null && end.entry.index <= event.index
          ? { ...end, committedAtUs: at.timeUs }
          : end,
      );
    case 'server.apply': {
      const id = event.skipped ? null : revokedBy(event.label);
      return id === null ? ends : changed(ends, (end) => applied(end, id, at, event.revision));
    }
    default:
      return ends;
  }
}

const revokePrefix = 'lease revoke ';

/** The lease that an entry of this label revokes; null for other entries. */
const revokedBy = (label: string): string | null =>
  label.startsWith(revokePrefix) ? label.slice(revokePrefix.length) : null;

function changed(ends: readonly LeaseEnd[], change: (end: LeaseEnd) => LeaseEnd): readonly LeaseEnd[] {
  const after = ends.map(change);
  return after.some((end, i) => end !== ends[i]) ? after : ends;
}

/** A lease that is handed out again, or asked to end while it ends, goes on with the end it has. */
function begun(
  ends: readonly LeaseEnd[],
  { at }: Told,
  id: string,
  because: LeaseEnd['because'],
  find: FindLease,
): readonly LeaseEnd[] {
  const lease = find(id);
  const isUnderWay = ends.some((end) => end.id === id && end.applied.length === 0);
  if (isUnderWay || lease === undefined || lease.goneAtUs !== null) return ends;
  const { keys, keyCount } = lease;
  const end: LeaseEnd = {
    id,
    because,
    member: at.member,
    startedAtUs: at.timeUs,
    keys,
    keyCount,
    entry: null,
    committedAtUs: null,
    applied: [],
    revision: null,
  };
  return [end, ...ends].slice(0, keptEnds);
}

/** Of two entries that revoke a lease, the first counts, unless one of a later term takes its place. */
function withEntries(
  ends: readonly LeaseEnd[],
  { at }: Told,
  firstIndex: number,
  labels: readonly string[],
  terms: readonly number[],
): readonly LeaseEnd[] {
  if (ends.length === 0) return ends;
  return changed(ends, (end) => {
    const found = end.committedAtUs === null ? labels.indexOf(`${revokePrefix}${end.id}`) : -1;
    if (found < 0) return end;
    const [index, term] = [firstIndex + found, terms[found] ?? 0];
    const isNew = end.entry === null || (end.entry.term < term && index <= end.entry.index);
    return isNew ? { ...end, entry: { index, term, atUs: at.timeUs } } : end;
  });
}

function applied(end: LeaseEnd, id: string, at: Told['at'], revision: number): LeaseEnd {
  if (end.id !== id || end.applied.some(({ member }) => member === at.member)) return end;
  const members = [...end.applied, { member: at.member, atUs: at.timeUs }];
  return { ...end, applied: members, revision: end.revision ?? revision };
}
