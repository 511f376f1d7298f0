/** Decides a history by a witness: the order that the cluster's log and the revisions in the answers give. */
import { KvModel } from './kv-model.ts';
import { isRead, isSerializable } from './history.ts';
import type { Operation } from './history.ts';
import type { Committed } from './commit-log.ts';
import type { KvRequest } from './kv-request.ts';

/** An operation's text: which committed request may be it. */
function nameOf(request: KvRequest): string {
  return JSON.stringify(request, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** Short for a put, which there are most of; the same for the same requests alone. */
function matchOf(request: KvRequest): string {
  if (request.kind !== 'put') return nameOf(request);
  const { key, value, lease, prevKv, keepsValue, keepsLease } = request;
  return `put ${lease} ${prevKv} ${keepsValue} ${keepsLease} ${key.length} ${key}${value}`;
}

/** An operation and the revision that it belongs to. `makes`: it is the write that made it. */
type Placed = Operation & { readonly at: number; readonly makes: boolean };

const tell = ({ id, request }: Operation): string => `request ${id} (${nameOf(request).slice(0, 120)})`;

/**
 * Looks for what contradicts the log: an answer that the log does not lead to, a write in it that nobody
 * asked for, an acknowledged one that is not in it, and an order that real time excludes.
 * @param history all operations, unknown ones among them
 * @param log the committed requests in their order, from the first on
 * @returns the contradiction in words; null where the history is linearizable by that order
 */
export function contradiction(history: readonly Operation[], log: readonly Committed[]): string | null {
  return testify(history, log).contradiction;
}

export interface Testimony {
  readonly contradiction: string | null;
  /**
   * The history with nothing unknown left in it: the log says which of those requests have happened, and what
   * came of them. The ends of leases that ran out are in it as requests of nobody's. Where there is a
   * contradiction, as far as that came.
   */
  readonly resolved: Operation[];
}

/** What contradicts the log, and what the log resolves. */
export function testify(history: readonly Operation[], log: readonly Committed[]): Testimony {
  const claims = new Claims(history, log);
  const unclaimed = claims.find();
  const reads = history.filter((each) => isRead(each.request) && each.answer !== null);
  const resolved = [...claims.resolved, ...reads];
  if (unclaimed !== null) return { contradiction: unclaimed, resolved };
  const found = checkReads(reads, log) ?? realTime([...claims.placed, ...placedReads(reads)]);
  return { contradiction: found, resolved };
}

const nobodys = { id: 0, callUs: 0, returnUs: Infinity } as const;

/** Which committed request is which client's. */
class Claims {
  readonly placed: Placed[] = [];
  readonly resolved: Operation[] = [];
  private readonly history: readonly Operation[];
  private readonly log: readonly Committed[];
  /** Clients send these again where a connection breaks: the lease gone, the second grants it anew. */
  private readonly grants: ReadonlySet<string>;

  constructor(history: readonly Operation[], log: readonly Committed[]) {
    this.history = history.filter(({ request }) => !isRead(request));
    this.log = log;
    const grants = this.history.filter(({ request }) => request.kind === 'grant');
    this.grants = new Set(grants.map(({ request }) => matchOf(request)));
  }

  find(): string | null {
    const open = new Map<string, Operation[]>();
    for (const each of [...this.history].sort((a, b) => a.callUs - b.callUs)) {
      const name = matchOf(each.request);
      const same = open.get(name);
      if (same === undefined) open.set(name, [each]);
      else same.push(each);
    }
    for (const committed of this.log) {
      const name = this.nameIn(open, committed.request);
      const problem = this.claim(open.get(name) ?? [], committed);
      if (problem !== null) return problem;
    }
    const lost = [...open.values()].flat().find(({ answer }) => answer !== null);
    return lost === undefined ? null : `${tell(lost)} was acknowledged and is not in the log`;
  }

  /** What a client has called it, who leaves it to the member to choose a lease's id. */
  private nameIn(asked: { has(name: string): boolean }, request: KvRequest): string {
    const name = matchOf(request);
    return asked.has(name) || request.kind !== 'grant' ? name : matchOf({ ...request, id: 0n });
  }

  /** Who heard of this revision; else who heard nothing; else one that the store has refused. */
  private claim(candidates: Operation[], committed: Committed): string | null {
    const { answer, revision, changes, request } = committed;
    const fits = candidates.findIndex((each) => each.revision === revision && each.answer === answer);
    const known = candidates.findIndex((each) => each.revision === revision && each.answer !== null);
    const unknown = candidates.findIndex((each) => each.answer === null);
    const at = answer !== null && fits >= 0 ? fits : unknown >= 0 ? unknown : known;
    const [found] = at < 0 ? [] : candidates.splice(at, 1);
    // a lease that runs out is revoked by the leader: then an unknown request of a client's is none of it
    const isSure = found !== undefined && (found.answer !== null || request.kind !== 'revoke');
    if (answer !== null) this.resolved.push({ ...(isSure ? found : nobodys), request, answer, revision });
    if (found === undefined) return this.unclaimed(committed);
    if (found.answer !== null && found.answer !== answer) {
      return (
        `${tell(found)} was answered ${found.answer}, the ` + `log leads to ${answer} at revision ${revision}`
      );
    }
    if (answer !== null && isSure) this.placed.push({ ...found, at: revision, makes: changes.length > 0 });
    return null;
  }

  /** A lease is revoked by the leader, too; a grant may have come twice; the store may have refused it. */
  private unclaimed({ request, answer, index, revision }: Committed): string | null {
    if (answer === null || request.kind === 'revoke') return null;
    if (this.grants.has(this.nameIn(this.grants, request))) return null;
    const what = `entry ${index} (${nameOf(request).slice(0, 120)}), revision ${revision}`;
    return `${what}, is nobody's: no client sent it, or it is in the log twice`;
  }
}

/** Each read against the state at its revision, in one walk along the log. */
function checkReads(reads: readonly Operation[], log: readonly Committed[]): string | null {
  const model = new KvModel(true);
  const byRevision = reads
    .filter(({ revision }) => revision !== null)
    .sort((a, b) => (a.revision ?? 0) - (b.revision ?? 0));
  let next = 0;
  for (const read of byRevision) {
    const at = read.revision ?? 0;
    for (; next < log.length && log[next].revision <= at; next++) {
      const { request, answer } = log[next];
      // what a compaction takes away was there for reads before it
      if (answer !== null && request.kind !== 'compact') model.apply(request);
    }
    if (model.revision !== at) {
      return `${tell(read)} was answered at revision ${at}, the log is at ${model.revision}`;
    }
    const { answer } = model.apply(read.request);
    if (answer !== read.answer) {
      return `${tell(read)} was answered ${read.answer} at revision ${at}, the log leads to ${answer}`;
    }
  }
  return null;
}

/** Reads that are to be of the present. */
function placedReads(reads: readonly Operation[]): Placed[] {
  const linear = reads.filter(({ request }) => !isSerializable(request));
  return linear.map((read) => ({ ...read, at: read.revision ?? 0, makes: false }));
}

/**
 * In the order of the revisions nobody may come behind one that began after its end. What changes nothing
 * comes anywhere behind the write of its revision.
 */
function realTime(placed: readonly Placed[]): string | null {
  const order = [...placed].sort(
    (a, b) => a.at - b.at || Number(b.makes) - Number(a.makes) || a.callUs - b.callUs,
  );
  let latest: Placed | null = null;
  for (const each of order) {
    if (latest !== null && each.returnUs < latest.callUs) {
      return (
        `${tell(each)} of revision ${each.at} had its answer at ${each.returnUs} us, before ` +
        `${tell(latest)} of revision ${latest.at} began at ${latest.callUs} us`
      );
    }
    if (latest === null || each.callUs > latest.callUs) latest = each;
  }
  return null;
}
