/** Reads what a lab has stored in the private file system: its files, and what the log still does to them. */
import type { DiskImage } from '../engine/server/types.ts';
import { applyStoreOps, toImage } from '../sim/store-ops.ts';
import { fromImage } from './memory-store.ts';
import type { OpfsFile, OpfsFolder, OpfsRoot } from './opfs-files.ts';
import { findFolder, isAbsent, originRoot, readAll } from './opfs-files.ts';
import type { LogFrame } from './opfs-log.ts';
import { joinFrames, readFrames } from './opfs-log.ts';
import type { OpfsFileRecord, OpfsMeta } from './opfs-meta.ts';
import { chooseMeta } from './opfs-meta.ts';
import type { StoredLab } from './page-store.ts';
import { StoreError, mostMembers, withoutUnused } from './page-store.ts';
import { damaged } from './store-record.ts';
import { InputsFolder } from './stored-inputs.ts';
import { asStoreError } from './stored-lab.ts';

/** The two slots of the meta. */
export const slotNames = ['meta0', 'meta1'] as const;
export const logNames = ['log0', 'log1'] as const;
/** The file that holds a member's file. */
export const dataName = (id: number): string => `f${id}`;

/**
 * The bytes of a file as its record says; in a folding that was cut off it may be shorter.
 * @throws StoreError 'store damaged' where some are missing
 */
export function bytesOf(
  file: OpfsFile,
  { name, member, sizeBytes }: OpfsFileRecord,
  { folding }: OpfsMeta,
): Uint8Array {
  if (!folding && file.getSize() < sizeBytes)
    damaged(`the file ${name} of m${member} is shorter than it should be`);
  return readAll(file, sizeBytes);
}

/** What is still to be brought into the files. @throws StoreError 'store damaged' */
export function framesOf(
  logs: readonly Uint8Array<ArrayBuffer>[],
  { record, firstSeq }: OpfsMeta,
): LogFrame[] {
  return joinFrames(
    logs.map((log) => readFrames(log, record.boot, mostMembers)),
    firstSeq,
  );
}

/** Each member's files: as they are, with the frames applied in memory. */
export async function imagesOf(
  { record, files }: OpfsMeta,
  frames: readonly LogFrame[],
  bytes: (file: OpfsFileRecord) => Promise<Uint8Array>,
): Promise<DiskImage[]> {
  const images = Array.from({ length: mostMembers }, () => new Map<string, Uint8Array>());
  for (const file of files) images[file.member - 1].set(file.name, await bytes(file));
  if (frames.length === 0) return withoutUnused(images, record.members);
  const changed = images.map(fromImage);
  for (const { commits } of frames) {
    for (const commit of commits) applyStoreOps(changed[commit.member - 1], commit.ops);
  }
  return withoutUnused(changed.map(toImage), record.members);
}

/** A folding of the tab that holds the lab may come in between; then one looks again. */
const looks = 5;

/**
 * What is stored of a lab, read without opening any of its files for writing, while another tab may hold
 * them; null where nothing is.
 * @throws StoreError as `PageStore.open`
 */
export async function readStoredOpfs(
  workspace: string,
  root: OpfsRoot = originRoot,
): Promise<StoredLab | null> {
  const folder = await findFolder(root, workspace);
  if (folder === null) return null;
  for (let look = 1; ; look++) {
    try {
      return await lookInto(folder);
    } catch (error) {
      if (look === looks) throw asStoreError(error);
    }
  }
}

async function lookInto(folder: OpfsFolder): Promise<StoredLab | null> {
  const bytesIn = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
    try {
      return new Uint8Array(await (await (await folder.getFileHandle(name)).getFile()).arrayBuffer());
    } catch (error) {
      if (isAbsent(error)) return new Uint8Array(0);
      throw error;
    }
  };
  const all = (names: readonly string[]) => Promise.all(names.map(bytesIn));
  const before = chooseMeta(await all(slotNames), false);
  if (before === null) return null;
  const frames = framesOf(await all(logNames), before);
  const images = await imagesOf(before, frames, async ({ id, sizeBytes }) => {
    const bytes = new Uint8Array(sizeBytes);
    bytes.set((await bytesIn(dataName(id))).subarray(0, sizeBytes));
    return bytes;
  });
  const after = chooseMeta(await all(slotNames), false);
  if (after?.generation !== before.generation)
    throw new StoreError('EIO', 'The stored lab changes too fast.');
  const timeUs = frames
    .flatMap(({ commits }) => commits)
    .reduce((us, commit) => Math.max(us, commit.timeUs), 0);
  const history = new InputsFolder(before.inputs, before.record.boot);
  for (const { commits, inputs } of frames) history.add(commits, inputs);
  return {
    inputs: history.finish(),
    record: { ...before.record, timeUs: Math.max(before.record.timeUs, timeUs) },
    fresh: false,
    images,
  };
}
