/** C7: members that have applied as much hold the same, and each entry had the same result on all of them. */
import { finding } from './checker.ts';
import type { Checker, Counts, Evidence, Inspected, Read } from './checker.ts';
import type { Envelope } from '../../engine/events.ts';

interface Result {
  readonly term: number;
  readonly label: string;
  revision: number | null;
}

/** What a member holds: the hash over its records and its revision. */
interface Held {
  readonly first: number;
  readonly second: number;
  readonly revision: number;
}

/** Old results are let go: a member that is so far behind gets a snapshot. */
const keptResults = 20_000;

const tabled = ['conf change', 'member attributes'];

/** A conf change's label names a node by a table of members, which forgets who is out. */
const said = (label: string): string => tabled.find((words) => label.startsWith(words)) ?? label;

const reads = ['server.apply', 'snapshot.apply'] as const;

export class Replicas implements Checker {
  readonly property = 'C7';
  readonly sentence = 'Members that have applied the same entries have the same store, and the same HashKV.';
  readonly reads = reads;
  private readonly results = new Map<number, Result>();
  private readonly records = new Map<number, Held>();
  private comparedCount = 0;
  private hashCount = 0;

  /** How often two members were compared at the same entry. */
  get compared(): number {
    return this.comparedCount;
  }

  counts(): Counts {
    return { compared: this.comparedCount, hashes: this.hashCount };
  }

  observe({ member }: Envelope, event: Read<typeof reads>): Evidence | null {
    if (event.type === 'server.apply') {
      const { index, term, label, revision, skipped } = event;
      return this.applied(member, index, { term, label: said(label), revision: skipped ? null : revision });
    }
    if (event.type !== 'snapshot.apply') return null;
    const known = this.results.get(event.index)?.revision ?? null;
    if (known === null || known === event.revision) return null;
    return (
      `m${member} is at revision ${event.revision} by a ` +
      `snapshot at ${event.index}, others were at ${known}`
    );
  }

  private applied(member: number, index: number, result: Result): Evidence | null {
    const known = this.results.get(index);
    if (known === undefined) {
      this.results.set(index, result);
      this.results.delete(index - keptResults);
      return null;
    }
    if (known.term !== result.term || known.label !== result.label) {
      return finding(
        `entry ${index} is ${result.term} ${result.label} ` +
          `on m${member}, it was ${known.term} ${known.label}`,
        { kind: 'entry', index },
      );
    }
    if (result.revision === null) return null;
    known.revision ??= result.revision;
    if (known.revision === result.revision) return null;
    return finding(
      `m${member} is at revision ${result.revision} after ` +
        `entry ${index}, others were at ${known.revision}`,
      { kind: 'entry', index },
    );
  }

  /** A compaction takes records away, at each member when it comes to it. */
  after(world: Inspected, members: readonly number[]): Evidence | null {
    for (const member of members) {
      const state = world.state(member);
      if (state === null || !state.isCurrent || !state.store.kv.compactions.isIdle) continue;
      const { applied } = state;
      const [first, second] = state.records;
      const { revision } = state.store.kv;
      const known = this.records.get(applied);
      if (known === undefined) {
        this.records.set(applied, { first, second, revision });
        this.records.delete(applied - keptResults);
      } else if (known.first !== first || known.second !== second || known.revision !== revision) {
        this.comparedCount++;
        return finding(`m${member} holds other records than others after entry ${applied}`, {
          kind: 'entry',
          index: applied,
        });
      } else this.comparedCount++;
    }
    return null;
  }

  /** HashKV up to the last revision that all have, compacted alike. */
  whole(world: Inspected): string | null {
    const hashes = new Map<string, { readonly member: number; readonly hash: number }>();
    const states = world.members.flatMap((member) => {
      const state = world.state(member);
      return state?.isCurrent === true ? [{ member, kv: state.store.kv }] : [];
    });
    const common = states.reduce((least, { kv }) => Math.min(least, kv.revision), Infinity);
    for (const { member, kv } of states) {
      if (!kv.compactions.isIdle || common <= kv.compactRevision) continue;
      const { hash, compactRevision } = kv.hashByRevision(common);
      const name = `${common} ${compactRevision}`;
      this.hashCount++;
      const other = hashes.get(name);
      if (other === undefined) hashes.set(name, { member, hash });
      else if (other.hash !== hash) {
        return `HashKV of revision ${common} is ${hash} on m${member} and ${other.hash} on m${other.member}`;
      }
    }
    return null;
  }
}
