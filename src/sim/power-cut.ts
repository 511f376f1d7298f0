/** What a power cut does to changes that were on their way to the disk. */
import { sectorBytes } from './chunked-file.ts';
import type { WrittenBlocks } from '../base/blocks.ts';
import type { Prng } from '../base/prng.ts';

/** A change of a file's bytes that is not durable yet. */
export type FileOp =
  | {
      readonly kind: 'write';
      readonly offset: number;
      readonly data: Uint8Array;
      /** What it makes of blocks: all files that take the change share them. */
      readonly blocks?: WrittenBlocks;
    }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

type Write = Extract<FileOp, { kind: 'write' }>;

export interface PowerCutCounts {
  kept: number;
  lost: number;
  torn: number;
}

/** How often a change is kept, lost or torn, against each other; not all zero. */
export interface FateWeights {
  readonly keeps: number;
  readonly loses: number;
  readonly tears: number;
}

/**
 * What a command says that a power cut does: `fates` has one for each change of the disk's `atRisk`, in its
 * order: `keep`, `lose`, or which sectors of a write arrive, counted from 0, as `0-3+6`. `names`: at most so
 * many of the directory's changes arrive, the first ones; absent: all.
 */
export interface ChosenFates {
  readonly fates: readonly string[];
  readonly names?: number;
}

const tornPattern = /^\d{1,6}(?:-\d{1,6})?(?:\+\d{1,6}(?:-\d{1,6})?)*$/;

/** Whether a text is a fate of some change. */
export const isFate = (text: string): boolean =>
  text === 'keep' || text === 'lose' || (text.length <= 100_000 && tornPattern.test(text));

/** How many sectors of the file a write touches; 0 for a change of the file's size. */
export const sectorCount = (op: FileOp): number =>
  op.kind === 'write' && op.data.length > 0
    ? Math.floor((op.offset + op.data.length - 1) / sectorBytes) - Math.floor(op.offset / sectorBytes) + 1
    : 0;

/** The sectors that a fate names, ascending; null where they do not ascend. */
function namedSectors(fate: string): number[] | null {
  const sectors: number[] = [];
  for (const range of fate.split('+')) {
    const [first, last = first] = range.split('-').map(Number);
    if (last < first || first <= (sectors.at(-1) ?? -1) || last - first > 1_000_000) return null;
    for (let sector = first; sector <= last; sector++) sectors.push(sector);
  }
  return sectors;
}

/** Why a change can not have such a fate, as a sentence; null where it can. */
export function fateProblem(op: FileOp, fate: string): string | null {
  if (!isFate(fate)) return `a fate is keep, lose, or the sectors that arrive: 0-3+6`;
  if (fate === 'keep' || fate === 'lose') return null;
  const count = sectorCount(op);
  if (count < 2) return `a change of ${count === 1 ? 'one sector' : "a file's size"} is kept or lost whole`;
  const sectors = namedSectors(fate);
  if (sectors === null) return `sectors are named once, in order, not as ${fate}`;
  if ((sectors.at(-1) ?? 0) >= count) return `this write has the sectors 0 to ${count - 1}`;
  return sectors.length === count ? 'a write whose sectors all arrive is kept' : null;
}

/**
 * What survives of the changes, by fates that must be possible.
 * @param counts is added to
 * @returns the changes that survive, in order
 */
export function survivorsOf(
  fates: readonly string[],
  ops: readonly FileOp[],
  counts: PowerCutCounts,
): FileOp[] {
  return ops.flatMap((op, i) => {
    const fate = fates[i];
    counts[fate === 'keep' ? 'kept' : fate === 'lose' ? 'lost' : 'torn']++;
    if (fate === 'keep') return [op];
    if (fate === 'lose' || op.kind !== 'write') return [];
    const sectors = sectorsOf(op);
    return (namedSectors(fate) ?? []).map((sector) => sectors[sector]);
  });
}

/**
 * A fate for each change: kept or lost on its own, in any combination; a write over several sectors may also
 * be torn: a prefix or any subset of its sectors arrives, each of them whole.
 * @param weights null: each fate that is possible is as likely
 */
export function drawFates(dice: Prng, ops: readonly FileOp[], weights: FateWeights | null): string[] {
  return ops.map((op) => {
    const sectors = sectorCount(op);
    const fate = drawFate(dice, sectors > 1, weights);
    return fate === 'tear' ? drawTear(dice, sectors) : fate;
  });
}

/** Whether a change that cannot be torn survives; weights that only tear leave it to chance. */
function isKept(fates: Prng, weights: FateWeights | null): boolean {
  if (weights === null || weights.keeps + weights.loses === 0) return fates.chance(1, 2);
  return fates.chance(weights.keeps, weights.keeps + weights.loses);
}

function drawFate(fates: Prng, canTear: boolean, weights: FateWeights | null): 'keep' | 'lose' | 'tear' {
  if (!canTear) return isKept(fates, weights) ? 'keep' : 'lose';
  const { keeps, loses, tears } = weights ?? { keeps: 1, loses: 1, tears: 1 };
  const draw = fates.below(keeps + loses + tears);
  if (draw < keeps) return 'keep';
  return draw < keeps + loses ? 'lose' : 'tear';
}

/** The sectors that arrive of a torn write, as a fate names them. */
function drawTear(dice: Prng, count: number): string {
  const all = Array.from({ length: count }, (_, sector) => sector);
  const subset = dice.chance(1, 2) ? all.filter(() => dice.chance(1, 2)) : [];
  if (subset.length > 0 && subset.length < count) return tornFate(subset);
  return tornFate(all.slice(0, dice.between(1, count - 1)));
}

/** Sectors as a fate names them: `0-3+6`. @param sectors ascending, one at least */
export function tornFate(sectors: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const sector of sectors) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === sector - 1) last[1] = sector;
    else ranges.push([sector, sector]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join('+');
}

/** The write cut at the sector borders of the file. */
function sectorsOf(write: Write): Write[] {
  const sectors: Write[] = [];
  for (let done = 0; done < write.data.length;) {
    const offset = write.offset + done;
    const count = Math.min(sectorBytes - (offset % sectorBytes), write.data.length - done);
    sectors.push({ kind: 'write', offset, data: write.data.subarray(done, done + count) });
    done += count;
  }
  return sectors;
}
