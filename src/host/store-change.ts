/** A lab that is open changes its store: it lets go of the one it has, or takes another. */
import type { Cluster } from '../sim/cluster.ts';
import type { DiskImage } from '../engine/server/types.ts';
import { asError } from './crash.ts';
import type { Opened } from './lab-parts.ts';
import { MemoryStore } from './memory-store.ts';
import type { PageStore, Replacement, StoredLab } from './page-store.ts';
import { storeFormat, withoutUnused } from './page-store.ts';
import type { LabOptions, Result, StoredWhere } from './port.ts';
import type { StorageHooks } from './storage.ts';
import { replaceStored } from './storage.ts';
import { noInputs, withPresent } from './stored-inputs.ts';

type Refusal = { readonly ok: false; readonly code: string; readonly message: string };
const refused = (code: string, message: string): Refusal => ({ ok: false, code, message });

/** What a released lab says of its storage. */
const letGo = 'Another timeline of this run is stored; this one lives in memory and ends with the page.';

/** Why neither can be done now; null: nothing stands in the way. */
function stopProblem({ scheduler }: Opened): Refusal | null {
  const { stopped } = scheduler;
  return stopped === null || stopped.kind === 'violation' ? null : refused('stopped', stopped.message);
}

/** Lets go of the store, once all is durable in it. Call it between two plans. */
export async function release(opened: Opened): Promise<Result<{ where: StoredWhere }>> {
  const { storage, options, disk, cluster } = opened;
  const { store, lock } = storage;
  if (store.kind === 'memory') return refused('not stored', 'This lab is not stored: it lives in memory.');
  const problem = stopProblem(opened);
  if (problem !== null) return problem;
  await disk.flush();
  if (disk.hasFailed) return refused('store failed', 'Its store has failed: what it holds is not all.');
  const sealed = await sealOf(store);
  if (!sealed.ok) return sealed;
  await store.close();
  const { record, images } = presentOf(storage.lab, cluster);
  const memory = new MemoryStore({ record, images, fresh: false, inputs: noInputs });
  disk.moveTo(memory, { commits: 0, lastUs: 0 });
  opened.storage = { ...storage, store: memory, lock: null, storageNotice: letGo, lossNotice: null };
  await lock?.release();
  const { workspace, bucketMiB } = options;
  const where = { workspace, bucketMiB, storage: store.kind === 'opfs' ? 'opfs' : 'auto' } as const;
  return { ok: true, where: { ...(storage.where ?? where), seal: sealed.seal } };
}

/** While the lock is still held, so that what another tab does from then on is seen. */
async function sealOf(store: PageStore): Promise<Result<{ seal: string }>> {
  try {
    return { ok: true, seal: await store.seal() };
  } catch (error) {
    const { code, message } = asError(error) as Error & { readonly code?: string };
    return refused(code === 'store changed' ? code : 'store failed', message);
  }
}

/** Takes a store, in place of all that it holds. Call it between two plans. */
export async function adopt(
  opened: Opened,
  where: StoredWhere,
  hooks: StorageHooks,
): Promise<Result<object>> {
  const { storage, options, disk, cluster } = opened;
  const problem = stopProblem(opened) ?? adoptProblem(opened, options);
  if (problem !== null) return problem;
  await disk.flush();
  const present = presentOf(storage.lab, cluster);
  const replaced = await replaceStored(where, present, hooks);
  if (!replaced.ok) return replaced;
  const { store, lock } = replaced;
  const { workspace, bucketMiB, storage: kind } = where;
  disk.moveTo(store, { commits: commitCount(cluster), lastUs: present.record.timeUs });
  const now = { workspace, bucketMiB, storage: kind };
  opened.storage = { ...storage, store, lock, where: now, storageNotice: null, lossNotice: null };
  return { ok: true };
}

function adoptProblem({ storage }: Opened, { lookOnly, planted }: LabOptions): Refusal | null {
  if (storage.store.kind !== 'memory') return refused('stored already', 'This lab is stored already.');
  if (lookOnly) return refused('look only', 'This tab only looks: nothing of it is stored.');
  if (planted !== undefined && planted.length > 0)
    return refused('planted', 'Bugs are planted in this run: what is stored stays free of them.');
  return null;
}

const commitCount = (cluster: Cluster): number =>
  cluster.members.reduce((sum, member) => sum + cluster.commitsMade(member).count, 0);

/**
 * A lab as a store is to hold it: what its disks were asked for so far, and all inputs that led there.
 * @param begun what it began with
 */
export function presentOf({ record, inputs }: StoredLab, cluster: Cluster): Replacement {
  const images = storedImages(cluster);
  const made = images.map((_, i) =>
    cluster.members.includes(i + 1) ? cluster.commitsMade(i + 1) : { count: 0, lastUs: 0 },
  );
  const timeUs = Math.max(record.timeUs, ...made.map(({ lastUs }) => lastUs));
  const part = { interventions: [...cluster.interventions], ...cluster.whole };
  return {
    record: { ...record, formatVersion: storeFormat, timeUs },
    images: withoutUnused(images, record.members),
    inputs: withPresent(
      inputs,
      part,
      made.map(({ count }) => count),
    ),
  };
}

/** What each member's store holds once all is done that was asked of it; index 0 is member 1. */
export function storedImages(cluster: Cluster): DiskImage[] {
  const { members } = cluster;
  const count = Math.max(...members);
  return Array.from({ length: count }, (_, i) =>
    members.includes(i + 1) ? cluster.stored(i + 1) : new Map<string, Uint8Array>(),
  );
}
