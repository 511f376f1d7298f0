/** What a power cut does to changes that were on their way to the disk. */
import { sectorBytes } from './chunked-file.ts';
import type { Block } from '../base/blocks.ts';
import type { Prng } from '../base/prng.ts';

/** A change of a file's bytes that is not durable yet. */
export type FileOp =
  | {
      readonly kind: 'write';
      readonly offset: number;
      readonly data: Uint8Array;
      /** The blocks that the data covers whole: all files that take the change share them. */
      readonly whole?: readonly Block[];
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
 * Each change is kept or lost on its own, in any combination; a write over several sectors may also be
 * torn: a prefix or any subset of its sectors arrived, each of them whole.
 * @param weights null: each fate that is possible is as likely
 * @param counts is added to
 * @returns the changes that survive, in order
 */
export function decideFates(
  fates: Prng,
  ops: readonly FileOp[],
  counts: PowerCutCounts,
  weights: FateWeights | null = null,
): FileOp[] {
  const survivors: FileOp[] = [];
  for (const op of ops) {
    const parts = op.kind === 'write' ? decideWrite(fates, op, weights) : isKept(fates, weights) ? [op] : [];
    counts[parts.length === 0 ? 'lost' : parts[0] === op ? 'kept' : 'torn']++;
    survivors.push(...parts);
  }
  return survivors;
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

/** The write itself where it was kept, nothing where it was lost, else the sectors that arrived. */
function decideWrite(fates: Prng, write: Write, weights: FateWeights | null): Write[] {
  const sectors = sectorsOf(write);
  const fate = drawFate(fates, sectors.length > 1, weights);
  if (fate === 'keep') return [write];
  if (fate === 'lose') return [];
  const subset = fates.chance(1, 2) ? sectors.filter(() => fates.chance(1, 2)) : [];
  if (subset.length > 0 && subset.length < sectors.length) return subset;
  return sectors.slice(0, fates.between(1, sectors.length - 1));
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
