/** Faults done to a member's disk, and the telling of what they did. */
import { stream } from '../base/prng.ts';
import { drawFlips } from './bit-rot.ts';
import { diskSettingNames, usualDisk } from './disk-faults.ts';
import type { DiskFault, DiskSettings } from './fault-types.ts';
import type { World } from './world.ts';

/** @returns null when it took effect, else why not */
export function doDiskFault(world: World, action: DiskFault): string | null {
  switch (action.type) {
    case 'disk':
      return changeDisk(world, action);
    case 'diskError':
      return armError(world, action);
    case 'bitRot':
      return rot(world, action);
    case 'misdirect':
      world.disk(action.member).faults.armMisdirect(action.how ?? 'write');
      world.reporter.tell(action.member, { type: 'sim.misdirect', how: 'armed', offset: 0, to: 0 });
      return null;
    default:
      return action satisfies never;
  }
}

function changeDisk(world: World, action: Extract<DiskFault, { type: 'disk' }>): string | null {
  const { member } = action;
  const { faults } = world.disk(member);
  const next = Object.fromEntries(
    diskSettingNames.map((name) => [name, action[name] ?? faults.settings[name]]),
  ) as unknown as DiskSettings;
  if (diskSettingNames.every((name) => next[name] === faults.settings[name])) {
    return `m${member}'s disk is like that already`;
  }
  faults.settings = next;
  if (diskSettingNames.some((name) => next[name] !== usualDisk[name])) world.reach.diskSettings++;
  world.reporter.tell(member, { type: 'sim.disk', ...next });
  return null;
}

function armError(world: World, action: Extract<DiskFault, { type: 'diskError' }>): string | null {
  const { member, on, code, lasts } = action;
  const { faults } = world.disk(member);
  if (lasts === 'never' && !faults.armed.includes(on)) return `no ${on} of m${member} is to fail`;
  faults.arm(on, code, lasts);
  world.reporter.tell(member, { type: 'sim.diskFault', on, code, lasts });
  return null;
}

/** Stream: `rot`, with the member and how often bits of it have rotted. */
function rot(world: World, action: Extract<DiskFault, { type: 'bitRot' }>): string | null {
  const { member, zone, bits, page } = action;
  const disk = world.disk(member);
  const draws = stream(world.config.seed, world.config.boot, 'rot', member, disk.rotCount);
  const flips = drawFlips(draws, disk.files(), zone, bits, page ?? null);
  if (flips.length === 0) {
    const where = zone === 'wal' || zone === 'snapshot' ? zone : `${zone} page`;
    return `m${member}'s disk has no ${where}${page === undefined ? '' : ` ${page}`}`;
  }
  for (const flip of flips) disk.corrupt(world.nowUs, flip.file, flip.offset, flip.bits);
  disk.rotCount++;
  world.reach.bitsRotten += bits;
  const offsets = flips.map(({ offset }) => offset);
  world.reporter.tell(member, { type: 'sim.bitRot', zone, file: flips[0].file, offsets });
  return null;
}

/** Tells and counts what the disk's faults did to a request. */
export function tellNotes(world: World, member: number): void {
  for (const note of world.disk(member).faults.takeNotes()) {
    if (note.kind === 'misdirect') {
      const { how, offset, to } = note;
      if (how === 'write') world.reach.misdirected++;
      else if (how === 'lose') world.reach.pagesLost++;
      else world.reach.misread++;
      world.reporter.tell(member, { type: 'sim.misdirect', how, offset, to });
    } else if (note.kind === 'stall') {
      world.reach.stalls++;
      world.reporter.tell(member, { type: 'sim.stall', file: note.file, stalledUs: note.stalledUs });
    } else if (note.kind === 'queue') {
      world.reach.operationsQueued++;
      world.reporter.tell(member, { type: 'sim.diskQueue', file: note.file, waitedUs: note.waitedUs });
    } else if (note.kind === 'read') {
      const { file, sizeBytes, doneAt } = note;
      world.reach.readsSlowed++;
      world.reporter.tell(member, { type: 'sim.diskRead', file, sizeBytes, doneAt });
    } else if (note.on === 'write') {
      if (note.code === 'ENOSPC') world.reach.diskFull++;
      else world.reach.writesFailed++;
    }
  }
}
