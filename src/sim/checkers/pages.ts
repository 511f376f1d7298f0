/** C6: every page of a store's file is used once or free, and every commit is a whole database. */
import { checkState } from '../../engine/bolt/tx-check.ts';
import { finding } from './checker.ts';
import type { Checker, Counts, Evidence, Inspected, Read } from './checker.ts';
import type { Db } from '../../engine/bolt/db.ts';
import type { Envelope } from '../../engine/events.ts';
import type { LabEvent } from '../types.ts';

/** A file is gone through again when so much longer has passed, for each of its pages. */
const restUs = 200;
/** One look goes through one file, and through more while all of them together have no more pages. */
const pagesALook = 5000;

/** The same in words. */
export const pageProblem = (db: Db): string | null => pageFinding(db)?.text ?? null;

/** What is wrong with a file, and at which pages. */
export interface PageProblem {
  readonly text: string;
  readonly pages: readonly number[];
}

/**
 * What bolt's own check finds about the newest commit, and what it does not look at: pages that a reader may
 * still see must not be handed out, and the list of free pages holds none above the high water mark. A writer
 * may be at work: its pages are given and freed at the commit. Nothing is begun and nothing counted in the
 * store.
 * @returns null for a sound file
 */
export function pageFinding(db: Db): PageProblem | null {
  const [first] = checkState(db.pager, db.pageSize, db.meta, db.freelist, db.wrongFreeIds);
  if (first !== undefined) return { text: first.text, pages: [first.pgid] };
  const { starts, counts } = db.freelist.allSpans();
  for (let i = 0; i < starts.length; i++) {
    const past = starts[i] + counts[i];
    if (starts[i] < 2 || past > db.meta.highWater) {
      const text = `pages ${starts[i]} to ${past - 1} are free and lie outside [2, ${db.meta.highWater})`;
      return { text, pages: [starts[i]] };
    }
  }
  return spanProblem(db);
}

/** Free pages side by side are one span: two would never be handed out together. */
function spanProblem(db: Db): PageProblem | null {
  const spans: [number, number][] = [];
  db.freelist.list.forEachSpan((start, count) => spans.push([start, count]));
  spans.sort(([a], [b]) => a - b);
  for (let i = 1; i < spans.length; i++) {
    const past = spans[i - 1][0] + spans[i - 1][1];
    if (past < spans[i][0]) continue;
    const pages = [spans[i - 1][0], spans[i][0]];
    return { text: `the free spans at ${pages.join(' and ')} touch`, pages };
  }
  return null;
}

/** A file as it was gone through, and when it is worth another look. */
interface Look {
  readonly txid: number;
  readonly dueUs: number;
}

const reads = [
  'bolt.open',
  'bolt.writeMeta',
  'sim.bitRot',
  'sim.misdirect',
  'sim.disk',
  'snapshot.apply',
] as const;

export class Pages implements Checker {
  readonly property = 'C6';
  readonly sentence = 'Each page of the store is used once or free; each commit writes the other meta page.';
  readonly reads = reads;
  checked = 0;
  private metaCount = 0;
  private readonly txids = new Map<number, number>();
  private readonly started = new Set<number>();
  private readonly looks = new Map<number, Look>();
  /** Whose disks have changed bytes by themselves, and who has a store from one of these. */
  private readonly damaged = new Set<number>();

  counts(): Counts {
    return { files: this.checked, metas: this.metaCount };
  }

  observe({ member }: Envelope, event: Read<typeof reads>): Evidence | null {
    this.noteDamage(member, event);
    if (event.type === 'bolt.open') {
      this.txids.set(member, event.txid);
      this.started.add(member);
      this.looks.delete(member);
    }
    if (event.type !== 'bolt.writeMeta') return null;
    const { txid, slot } = event;
    this.metaCount++;
    const before = this.txids.get(member) ?? txid - 1;
    this.txids.set(member, txid);
    if (txid !== before + 1) return `m${member} writes transaction ${txid} after ${before}`;
    if (slot === txid % 2) return null;
    return finding(`m${member} writes transaction ${txid} into meta page ${slot}`, {
      ...{ kind: 'page', page: slot, member },
    });
  }

  /** The member's disk may have changed bytes by itself, before anybody looked. */
  distrust(member: number): void {
    this.damaged.add(member);
  }

  /** What a start has found on its disk. */
  after(world: Inspected, members: readonly number[]): Evidence | null {
    if (this.started.size === 0) return null;
    for (const member of members) {
      const db = this.started.has(member) ? this.dbOf(world, member) : null;
      if (db === null) continue;
      this.started.delete(member);
      const problem = this.check(world.nowUs, member, db);
      if (problem !== null) return problem;
    }
    return null;
  }

  /** Files with a new commit, the one first that waits longest. */
  whole(world: Inspected): Evidence | null {
    const dueUs = (member: number): number => this.looks.get(member)?.dueUs ?? 0;
    const members = world.members.filter((member) => dueUs(member) <= world.nowUs);
    let pageCount = 0;
    for (const member of members.sort((a, b) => dueUs(a) - dueUs(b))) {
      const db = this.dbOf(world, member);
      if (db === null || db.meta.txid === this.looks.get(member)?.txid) continue;
      if (pageCount > 0 && pageCount + db.meta.highWater > pagesALook) return null;
      pageCount += db.meta.highWater;
      const problem = this.check(world.nowUs, member, db);
      if (problem !== null) return problem;
    }
    return null;
  }

  /** What rots is not the store's doing; a snapshot may carry it on. */
  private noteDamage(member: number, event: LabEvent): void {
    const isRotten = event.type === 'sim.bitRot' || event.type === 'sim.misdirect';
    const isLied = event.type === 'sim.disk' && event.lying > 0;
    const isCarried = event.type === 'snapshot.apply' && this.damaged.size > 0;
    if (isRotten || isLied || isCarried) this.damaged.add(member);
  }

  private dbOf(world: Inspected, member: number): Db | null {
    if (this.damaged.has(member)) return null;
    return world.state(member)?.store.backend.db ?? null;
  }

  private check(nowUs: number, member: number, db: Db): Evidence | null {
    const { txid, highWater } = db.meta;
    this.looks.set(member, { txid, dueUs: nowUs + restUs * highWater });
    this.checked++;
    const problem = pageFinding(db);
    if (problem === null) return null;
    const pages = problem.pages.map((page) => ({ kind: 'page', page, member }) as const);
    return finding(`m${member}: ${problem.text}`, ...pages);
  }
}
