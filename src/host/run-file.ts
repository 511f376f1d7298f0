/** A run as a file, and what a store's content is compared by. */
import type { DiskImage } from '../engine/server/types.ts';
import type { LabState, RunFile } from './port.ts';
import type { Intervention } from '../sim/types.ts';

/** Over the sources of base, engine and sim; the build fills it in (engine-fingerprint.mjs). */
declare const engineFingerprint: string;

/** Changes whenever equal seeds and actions may give another chain hash. */
export const engineName = `quorum-lab 0.1.0 ${engineFingerprint}`;

/** The run file of a lab that can no longer be asked, from what its page has seen of it. */
export function lastRunFile(state: LabState, interventions: readonly Intervention[], error: string): RunFile {
  const { seed, members, preVote, settings, boot, moment, chainHash, origin, planted } = state;
  return {
    format: 'qlrun',
    version: 1,
    engine: engineName,
    seed,
    members,
    preVote,
    settings,
    boot,
    startedFromStore: boot > 1 || origin !== null,
    origin,
    moment,
    chainHash,
    interventions,
    ...(planted.length > 0 && { planted }),
    error,
  };
}

/** Says in words where two images of one member differ; an empty list when they are equal. */
export function differences(member: number, stored: DiskImage, durable: DiskImage): string[] {
  const found: string[] = [];
  const names = [...new Set([...stored.keys(), ...durable.keys()])].sort();
  for (const name of names) {
    const a = stored.get(name);
    const b = durable.get(name);
    if (a === undefined || b === undefined) {
      found.push(
        `member ${member}: ${name} is ${a === undefined ? 'not in the store' : 'only in the store'}`,
      );
    } else if (a.length !== b.length) {
      found.push(`member ${member}: ${name} has ${a.length} bytes in the store, ${b.length} on the disk`);
    } else {
      const at = a.findIndex((byte, i) => byte !== b[i]);
      if (at >= 0) found.push(`member ${member}: ${name} differs from byte ${at} on`);
    }
  }
  return found;
}
