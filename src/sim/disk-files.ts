/** Files, their changes that are not durable yet, and the syncs that make them so. */
import { assert } from '../base/assert.ts';
import { ChunkedFile } from './chunked-file.ts';
import type { DiskErrorCode } from '../engine/server/types.ts';
import type { FileOp } from './power-cut.ts';
import type { StoreOp } from './types.ts';

/** One file, whatever its name is at present. */
export interface Inode {
  cache: ChunkedFile;
  readonly durable: ChunkedFile;
  /** Its name after a power cut; null where it would have none. */
  durableName: string | null;
  /** Its name in a store that has done all commits. */
  storedName: string | null;
  /** Changes after the last sync request. */
  open: FileOp[];
  /** Changes that a lying disk said to be durable. */
  lied: FileOp[];
  /** What the writes since the last sync take, in microseconds. */
  writesUs: number;
  /** How many operations they are. */
  writeCount: number;
  /** It is a copy, and what it is made of is read by then: no sync begins before. */
  notBeforeUs: number;
  /** Syncs under way, in order; only those of the first flush are on their way to the disk. */
  readonly syncs: Sync[];
  /** The last one's flush. */
  lastFlush: Flush | null;
}

/** One trip to the disk, which may serve several syncs of a file. Times in microseconds. */
export interface Flush {
  readonly startAt: number;
  readonly doneAt: number;
  /** A barrier is served alone, so that nothing before or after it shares its trip. */
  readonly isBarrier: boolean;
}

/** A change of the directory. `name` null: the file loses its name. */
export interface NameOp {
  readonly inode: Inode;
  readonly kind: 'create' | 'rename' | 'remove';
  readonly name: string | null;
}

/** What a power cut decides over: the changes that were asked for and are not durable. */
export interface AtRisk {
  /** The directory's changes, in order: the first so many arrive. */
  readonly names: readonly NameOp[];
  readonly files: readonly RiskyFile[];
}

export interface RiskyFile {
  readonly inode: Inode;
  /** As it is called now; where it has no name any more, as it was. */
  readonly name: string;
  /** Each arrives or not on its own, but for those that wait behind a sync that runs: they never do. */
  readonly ops: readonly FileOp[];
  /** How many of `ops`, the first ones, a lying disk has said to be durable; then: those of running syncs. */
  readonly liedCount: number;
  readonly syncingCount: number;
  readonly behind: readonly FileOp[];
}

/** A request to make a file durable, under way. */
export interface Sync {
  readonly inode: Inode;
  readonly file: string;
  /** The request's id and the process that waits for it. */
  readonly id: number;
  readonly epoch: number;
  readonly doneAt: number;
  readonly flush: Flush;
  readonly ops: readonly FileOp[];
  /** The directory's changes before this request; emptied once they are durable. */
  readonly names: NameOp[];
  /** 0: it has none, for it fails. */
  readonly commit: number;
  readonly urgent: boolean;
  /** How it ends; null: what it was asked for is durable. */
  readonly error: DiskErrorCode | null;
  /** It will be said to be done, and is not. */
  readonly isLie: boolean;
  /** False once complete, or cancelled by a power cut or an error. */
  isLive: boolean;
}

/** A file's changes at a power cut, given its syncs under way. */
export function riskOf(inode: Inode, name: string | undefined, syncs: readonly Sync[]): RiskyFile {
  const running = syncs.filter((sync) => sync.flush === syncs[0].flush);
  const syncing = running.flatMap((sync) => sync.ops);
  const later = syncs.filter((sync) => !running.includes(sync)).flatMap((sync) => sync.ops);
  const unsynced = syncs.length > 0 ? syncing : inode.open;
  return {
    inode,
    name: name ?? inode.storedName ?? inode.durableName ?? '',
    ops: [...inode.lied, ...unsynced],
    liedCount: inode.lied.length,
    syncingCount: syncing.length,
    behind: syncs.length > 0 ? [...later, ...inode.open] : [],
  };
}

export function newInode(durable: ChunkedFile, name: string | null): Inode {
  const cache = durable.clone();
  const unsynced = {
    open: [],
    lied: [],
    writesUs: 0,
    writeCount: 0,
    notBeforeUs: 0,
    syncs: [],
    lastFlush: null,
  };
  return { cache, durable, durableName: name, storedName: name, ...unsynced };
}

/**
 * The file's syncs under way, each done a trip after the one before it, where they are not done sooner: the
 * same syncs with other times.
 */
export function hastened(inode: Inode, nowUs: number, tripUs: number): Sync[] {
  const trips = new Map<Flush, Flush>();
  let freeAt = nowUs;
  return inode.syncs.map((sync) => {
    const { flush } = sync;
    const known = trips.get(flush);
    const startAt = Math.min(flush.startAt, freeAt);
    const trip = known ?? { ...flush, startAt, doneAt: Math.min(flush.doneAt, freeAt + tripUs) };
    trips.set(flush, trip);
    freeAt = Math.max(nowUs, trip.doneAt);
    return { ...sync, flush: trip, doneAt: trip.doneAt };
  });
}

export function makeDurable(inode: Inode, op: FileOp): void {
  apply(inode.durable, op);
}

export function apply(file: ChunkedFile, op: FileOp): void {
  if (op.kind === 'write') file.write(op.offset, op.data, op.blocks);
  else file.truncate(op.sizeBytes);
}

/**
 * A change of the directory as the store does it; from now on the store knows the file under its new name.
 */
export function storeNameOp({ inode, kind, name }: NameOp): StoreOp {
  const file = inode.storedName;
  inode.storedName = name;
  if (kind === 'create' && name !== null) return { kind: 'truncate', file: name, sizeBytes: 0 };
  assert(file !== null, 'disk: the store does not know a file that changes its name');
  return name === null ? { kind: 'remove', file } : { kind: 'rename', file, to: name };
}

function storeFileOp(inode: Inode, op: FileOp): StoreOp {
  const file = inode.storedName;
  assert(file !== null, 'disk: the store does not know a file that is written');
  return op.kind === 'write'
    ? { kind: 'write', file, offset: op.offset, data: op.data }
    : { kind: 'truncate', file, sizeBytes: op.sizeBytes };
}

/** Makes changes of a file in what a store holds. @returns what the store is told */
export function storeChanges(
  stored: Map<string, ChunkedFile>,
  inode: Inode,
  ops: readonly FileOp[],
): StoreOp[] {
  const told = ops.map((op) => storeFileOp(inode, op));
  const name = inode.storedName;
  if (name === null || ops.length === 0) return told;
  const file = stored.get(name) ?? new ChunkedFile();
  stored.set(name, file);
  for (const op of ops) apply(file, op);
  return told;
}

/** The file's changes since its last sync are gone from the cache. */
export function dropChanges(inode: Inode): void {
  inode.writesUs = 0;
  inode.writeCount = 0;
  inode.open = [];
  inode.cache = inode.durable.clone();
  for (const op of [...inode.lied, ...inode.syncs.flatMap((sync) => sync.ops)]) apply(inode.cache, op);
}

/** A change of the directory is among what a power cut leaves. */
export function makeNameDurable(durableNames: Map<string, Inode>, { inode, name }: NameOp): void {
  if (inode.durableName !== null) durableNames.delete(inode.durableName);
  inode.durableName = name;
  if (name === null) return;
  const replaced = durableNames.get(name);
  if (replaced !== undefined) replaced.durableName = null;
  durableNames.set(name, inode);
}
