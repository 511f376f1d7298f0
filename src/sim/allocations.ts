/** Memory that a process asks for and does not get: the fault of the n-th allocation. */
import { backendFile } from '../engine/server/disk.ts';
import type { MemberInput, MemberOutput } from '../engine/server/types.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

export type Allocation = 'request' | 'message' | 'store';

/** Where a step ends for want of memory: so many of its disk's requests were done before. */
export interface Shortage {
  readonly of: Allocation;
  readonly sizeBytes: number;
  readonly doneCount: number;
}

/** From now on; 0 takes it back. */
export function failAllocation(world: World, member: number, nth: number): string | null {
  const { memory } = world.process(member);
  if (memory.allocationsLeft === nth) {
    return nth === 0 ? `no allocation of m${member} is to fail` : `m${member} is to fail like that already`;
  }
  memory.allocationsLeft = nth;
  world.reporter.tell(member, { type: 'sim.failAllocation', nth });
  return null;
}

/**
 * Counts a step's allocations. The modelled process allocates where it grows by bytes that come from outside:
 * for each client's request and each member's message that it takes in, and each time a write makes the
 * store's file larger, which is mapped whole. What it makes of these bytes inside is not counted.
 * @returns where the step ends; null where it does not
 */
export function shortageIn(
  world: World,
  { member, memory }: Process,
  input: MemberInput | null,
  { disk }: MemberOutput,
): Shortage | null {
  if (memory.allocationsLeft === 0) return null;
  if (input !== null && (input.kind === 'request' || input.kind === 'message') && isLast(memory))
    return { of: input.kind, sizeBytes: input.bytes.length, doneCount: 0 };
  let sizeBytes = world.disk(member).sizeOf(backendFile);
  for (const [doneCount, request] of disk.entries()) {
    if (request.kind !== 'write' || request.file !== backendFile) continue;
    const grownBytes = request.offset + request.data.length - sizeBytes;
    if (grownBytes <= 0) continue;
    if (isLast(memory)) return { of: 'store', sizeBytes: grownBytes, doneCount };
    sizeBytes += grownBytes;
  }
  return null;
}

function isLast(memory: Process['memory']): boolean {
  memory.allocationsLeft--;
  return memory.allocationsLeft === 0;
}
