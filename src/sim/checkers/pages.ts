/** C6: every page of a store's file is used once or free, and every commit is a whole database. */
import type { Checker, Counts, Inspected } from './checker.ts';
import type { Db } from '../../engine/bolt/db.ts';
import type { Envelope } from '../../engine/events.ts';
import type { LabEvent } from '../types.ts';

/**
 * What bolt's own check finds, and what it does not look at: pages that a reader may still see must not be
 * handed out, and the list of free pages holds none above the high water mark.
 * @returns the finding in words; null for a sound file
 */
export function pageProblem(db: Db): string | null {
  const tx = db.beginRead();
  try {
    const [finding] = tx.check();
    if (finding !== undefined) return finding.text;
  } finally {
    tx.rollback();
  }
  const { starts, counts } = db.freelist.allSpans();
  for (let i = 0; i < starts.length; i++) {
    const past = starts[i] + counts[i];
    if (starts[i] < 2 || past > db.meta.highWater) {
      return `pages ${starts[i]} to ${past - 1} are free and lie outside [2, ${db.meta.highWater})`;
    }
  }
  return spanProblem(db);
}

/** Free pages side by side are one span: two would never be handed out together. */
function spanProblem(db: Db): string | null {
  const spans: [number, number][] = [];
  db.freelist.list.forEachSpan((start, count) => spans.push([start, count]));
  spans.sort(([a], [b]) => a - b);
  for (let i = 1; i < spans.length; i++) {
    const past = spans[i - 1][0] + spans[i - 1][1];
    if (past >= spans[i][0]) return `the free spans at ${spans[i - 1][0]} and ${spans[i][0]} touch`;
  }
  return null;
}

export class Pages implements Checker {
  readonly property = 'C6';
  readonly sentence = 'Each page of the store is used once or free; each commit writes the other meta page.';
  checked = 0;
  private metaCount = 0;
  private readonly txids = new Map<number, number>();
  private readonly started = new Set<number>();

  counts(): Counts {
    return { files: this.checked, metas: this.metaCount };
  }

  observe({ member }: Envelope, event: LabEvent): string | null {
    if (event.type === 'bolt.open') {
      this.txids.set(member, event.txid);
      this.started.add(member);
    }
    if (event.type !== 'bolt.writeMeta') return null;
    const { txid, slot } = event;
    this.metaCount++;
    const before = this.txids.get(member) ?? txid - 1;
    this.txids.set(member, txid);
    if (txid !== before + 1) return `m${member} writes transaction ${txid} after ${before}`;
    return slot === txid % 2 ? null : `m${member} writes transaction ${txid} into meta page ${slot}`;
  }

  /** What a start has found on its disk. */
  after(world: Inspected, members: readonly number[]): string | null {
    if (this.started.size === 0) return null;
    for (const member of members) {
      if (!this.started.delete(member)) continue;
      const problem = this.check(world, member);
      if (problem !== null) return problem;
    }
    return null;
  }

  whole(world: Inspected): string | null {
    for (const member of world.members) {
      const problem = this.check(world, member);
      if (problem !== null) return problem;
    }
    return null;
  }

  private check(world: Inspected, member: number): string | null {
    const db = world.state(member)?.store.backend.db;
    if (db === undefined || db.isWriting) return null;
    this.checked++;
    const problem = pageProblem(db);
    return problem === null ? null : `m${member}: ${problem}`;
  }
}
