/** What a power cut does to changes that were on their way to the disk. */
import { sectorBytes } from './chunked-file.ts';
import type { Prng } from '../base/prng.ts';

/** A change of a file's bytes that is not durable yet. */
export type FileOp =
  | { readonly kind: 'write'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

type Write = Extract<FileOp, { kind: 'write' }>;

export interface PowerCutCounts {
  kept: number;
  lost: number;
  torn: number;
}

/**
 * Each change is kept or lost on its own, in any combination; a write over several sectors may also be
 * torn: a prefix or any subset of its sectors arrived, each of them whole.
 * @param counts is added to
 * @returns the changes that survive, in order
 */
export function decideFates(fates: Prng, ops: readonly FileOp[], counts: PowerCutCounts): FileOp[] {
  const survivors: FileOp[] = [];
  for (const op of ops) {
    const parts = op.kind === 'write' ? decideWrite(fates, op) : fates.chance(1, 2) ? [op] : [];
    counts[parts.length === 0 ? 'lost' : parts[0] === op ? 'kept' : 'torn']++;
    survivors.push(...parts);
  }
  return survivors;
}

/** The write itself where it was kept, nothing where it was lost, else the sectors that arrived. */
function decideWrite(fates: Prng, write: Write): Write[] {
  const sectors = sectorsOf(write);
  const fate = fates.below(sectors.length > 1 ? 3 : 2);
  if (fate === 0) return [write];
  if (fate === 1) return [];
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
