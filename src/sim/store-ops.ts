/** What a real store is told: how operations change files, and which ones turn a state into another. */
import { ChunkedFile } from './chunked-file.ts';
import type { DiskImage } from '../engine/server/types.ts';
import type { StoreOp } from './types.ts';

/**
 * Applies operations in order; this is what every real store must do. A write makes its file and fills a gap
 * with zeros; a truncate makes its file and sets its size; a rename replaces the file that has the name.
 */
export function applyStoreOps(files: Map<string, ChunkedFile>, ops: readonly StoreOp[]): void {
  const open = (name: string): ChunkedFile => {
    const present = files.get(name);
    if (present !== undefined) return present;
    const made = new ChunkedFile();
    files.set(name, made);
    return made;
  };
  for (const op of ops) {
    if (op.kind === 'write') open(op.file).write(op.offset, op.data);
    else if (op.kind === 'truncate') open(op.file).truncate(op.sizeBytes);
    else if (op.kind === 'remove') files.delete(op.file);
    else {
      const file = open(op.file);
      files.delete(op.file);
      files.set(op.to, file);
    }
  }
}

/** The operations that turn `from` into `to`: only the sectors that differ are written. */
export function differenceOps(
  from: ReadonlyMap<string, ChunkedFile>,
  to: ReadonlyMap<string, ChunkedFile>,
): StoreOp[] {
  const ops: StoreOp[] = [];
  for (const file of [...from.keys()].sort()) if (!to.has(file)) ops.push({ kind: 'remove', file });
  for (const file of [...to.keys()].sort()) {
    const target = to.get(file) as ChunkedFile;
    const present = from.get(file) ?? new ChunkedFile();
    if (present.sizeBytes > target.sizeBytes || !from.has(file)) {
      ops.push({ kind: 'truncate', file, sizeBytes: Math.min(present.sizeBytes, target.sizeBytes) });
    }
    for (const [offset, count] of target.differences(present)) {
      ops.push({ kind: 'write', file, offset, data: target.read(offset, count) });
    }
    if (present.sizeBytes < target.sizeBytes)
      ops.push({ kind: 'truncate', file, sizeBytes: target.sizeBytes });
  }
  return ops;
}

/** Files as flat copies, by name ascending. */
export function toImage(files: ReadonlyMap<string, ChunkedFile>): DiskImage {
  return new Map([...files.keys()].sort().map((name) => [name, (files.get(name) as ChunkedFile).toBytes()]));
}

/** Copies that share their chunks. */
export function cloneFiles(files: ReadonlyMap<string, ChunkedFile>): Map<string, ChunkedFile> {
  return new Map([...files].map(([name, file]) => [name, file.clone()]));
}
