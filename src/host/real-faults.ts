/** What a browser may do to a stored lab, done to it from outside: it is not asked, and must notice. */
import { asError } from './crash.ts';
import { deleteStoredLab } from './idb-store.ts';
import { originRoot, removeFolder } from './opfs-files.ts';
import type { OpfsRoot } from './opfs-files.ts';
import type { StorageKind } from './port.ts';
import type { StorePlace } from './storage-bucket.ts';
import type { WallClock } from './wall-clock.ts';
import { wallClock } from './wall-clock.ts';

/** Files are let go of some time after the worker that held them has ended. */
const patienceMs = 4000;
const againMs = 50;

/**
 * Drops all that is stored of a lab under whoever holds it: a bucket as clearing a site's data does, a
 * database from a connection of our own. Files that a worker holds open cannot be deleted: it has ended
 * before.
 * @returns why it was not done, in a sentence; null: it is gone
 */
export async function dropStore(
  place: StorePlace,
  storage: Exclude<StorageKind, 'memory'>,
  root: OpfsRoot = originRoot,
  clock: WallClock = wallClock,
): Promise<string | null> {
  try {
    if (storage === 'opfs') await dropFiles(place.workspace, root, clock);
    else await deleteStoredLab(place);
    return null;
  } catch (error) {
    return asError(error).message;
  }
}

async function dropFiles(workspace: string, root: OpfsRoot, clock: WallClock): Promise<void> {
  const lateMs = clock.nowMs() + patienceMs;
  for (;;) {
    try {
      return await removeFolder(root, workspace);
    } catch (error) {
      if (clock.nowMs() >= lateMs) throw error;
    }
    await new Promise<void>((resolve) => clock.after(againMs, resolve));
  }
}
