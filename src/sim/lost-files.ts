/** Files of a member that are deleted, as by `rm`: by hand, to make room. */
import { fileKindOf } from './crash-points.ts';
import { stopComing } from './starts.ts';
import type { Disk } from './disk.ts';
import type { FileKind } from './fault-types.ts';
import type { World } from './world.ts';

const filesOf = (disk: Disk, kind: FileKind): string[] =>
  [...disk.files().keys()].filter((name) => fileKindOf(name) === kind);

/** Whether there is any such file to delete. */
export const hasFiles = (disk: Disk, kind: FileKind): boolean => filesOf(disk, kind).length > 0;

/**
 * The process ends and the files go; as nothing is synced, a power cut may bring them back.
 * @returns null when it took effect, else why not
 */
export function loseFiles(world: World, member: number, kind: FileKind): string | null {
  const disk = world.disk(member);
  const lost = filesOf(disk, kind);
  if (lost.length === 0) return `m${member} has no such file`;
  const process = world.process(member);
  stopComing(world, process);
  if (process.status !== 'down') {
    world.reporter.tell(member, { type: 'sim.kill' });
    world.endProcess(process, 'down');
  }
  for (const file of lost) disk.request(world.nowUs, 0, { kind: 'remove', file });
  world.reach.filesLost += lost.length;
  world.reporter.tell(member, { type: 'sim.loseFiles', file: kind, fileCount: lost.length });
  return null;
}
