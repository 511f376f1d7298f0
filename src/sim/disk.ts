/** A member's disk: a page cache over durable bytes, syncs that take their time, kills and power cuts. */
import { assert } from '../base/assert.ts';
import { stream } from '../base/prng.ts';
import { ChunkedFile } from './chunked-file.ts';
import { decideFates } from './power-cut.ts';
import { drawDelay } from './delay.ts';
import { applyStoreOps, cloneFiles, differenceOps, toImage } from './store-ops.ts';
import type { DiskImage, DiskRequest } from '../engine/server/types.ts';
import type { Prng } from '../base/prng.ts';
import type { FileOp, PowerCutCounts } from './power-cut.ts';
import type { DiskConfig } from './world-config.ts';
import type { StoreCommit, StoreOp } from './types.ts';

/** One file, whatever its name is at present. */
export interface Inode {
  /** What processes call it; null once removed or replaced. */
  name: string | null;
  /** What it is called after a power cut; null where it would not be there. */
  durableName: string | null;
  /** What it is called in a store that has done all commits. */
  storedName: string | null;
  readonly cache: ChunkedFile;
  readonly durable: ChunkedFile;
  /** Changes after the last sync request. */
  open: FileOp[];
  /** Syncs requested and not complete, in order. Only the first one's changes are on their way to the disk. */
  readonly syncs: Sync[];
  /** When the last of them will be complete, microseconds. */
  busyUntil: number;
}

/** A request to make a file durable, under way. */
export interface Sync {
  readonly inode: Inode;
  readonly file: string;
  /** The request's id and the process that waits for it. */
  readonly id: number;
  readonly epoch: number;
  readonly doneAt: number;
  readonly ops: readonly FileOp[];
  /** Files removed before this request: their names are gone when it completes (one journal serves a disk). */
  readonly removals: readonly Inode[];
  readonly commit: number;
  readonly urgent: boolean;
  /** False after a power cut or an error: its completion means nothing. */
  isLive: boolean;
}

/**
 * Model. Writes go to the cache at once and a reader sees the cache. A sync completes after a drawn time and makes
 * durable what its file was asked before it; what follows it in the same file waits until then. A killed process
 * changes nothing here. A power cut decides for each unsynced change of the running sync (or, with none running,
 * of the changes since the last) whether it was kept, lost or torn at sectors; what waited behind is lost.
 * Streams: `disk` for times, `powerCut` for fates.
 */
export class Disk {
  readonly member: number;
  readonly #config: DiskConfig;
  readonly #times: Prng;
  readonly #fates: Prng;
  readonly #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  #removals: Inode[] = [];
  /** Syncs requested and not complete, in the order of their commits. */
  #live: Sync[] = [];
  /** What the real store holds when it has done all commits. */
  #stored = new Map<string, ChunkedFile>();
  #commits: StoreCommit[] = [];
  #lastCommit = 0;
  #lastUrgent = 0;

  constructor(member: number, image: DiskImage, config: DiskConfig, seed: number, boot: number) {
    this.member = member;
    this.#config = config;
    this.#times = stream(seed, boot, 'disk', member);
    this.#fates = stream(seed, boot, 'powerCut', member);
    for (const name of [...image.keys()].sort()) {
      const durable = ChunkedFile.from(image.get(name) as Uint8Array);
      const inode = newInode(name, durable);
      inode.durableName = name;
      inode.storedName = name;
      this.#names.set(name, inode);
      this.#durableNames.set(name, inode);
      this.#stored.set(name, durable.clone());
    }
  }

  /** What a process that boots now reads: the cache. */
  files(): DiskImage {
    return toImage(new Map([...this.#names].map(([name, inode]) => [name, inode.cache])));
  }

  /** What is there after a power cut that keeps no unsynced write. */
  durable(): DiskImage {
    return toImage(this.#durableFiles());
  }

  /** What a real store holds that has done every commit so far: running syncs are in it already. */
  stored(): DiskImage {
    return toImage(this.#stored);
  }

  /** Syncs under way. */
  get syncCount(): number {
    return this.#live.length;
  }

  /** The last commit that a store does without waiting for another; 0 where there is none. */
  get lastUrgentCommit(): number {
    return this.#lastUrgent;
  }

  /** Does a request; for a sync the caller must call `complete` at its `doneAt`. */
  request(nowUs: number, epoch: number, request: DiskRequest): Sync | null {
    if (request.kind === 'write') {
      const inode = this.#open(request.file);
      // the process may use its buffer again
      const data = request.data.slice();
      inode.cache.write(request.offset, data);
      inode.open.push({ kind: 'write', offset: request.offset, data });
    } else if (request.kind === 'truncate') {
      const inode = this.#open(request.file);
      inode.cache.truncate(request.sizeBytes);
      inode.open.push({ kind: 'truncate', sizeBytes: request.sizeBytes });
    } else if (request.kind === 'rename') this.#rename(request.file, request.to);
    else if (request.kind === 'remove') this.#remove(request.file);
    else return this.#sync(nowUs, epoch, request.file, request.id, !request.barrier);
    return null;
  }

  /** A live sync's time has come: what it was asked for is durable. */
  complete(sync: Sync): void {
    const inode = sync.inode;
    assert(sync.isLive && inode.syncs[0] === sync, 'disk: the syncs of a file complete in order');
    inode.syncs.shift();
    this.#live.splice(this.#live.indexOf(sync), 1);
    sync.isLive = false;
    for (const op of sync.ops) this.#makeDurable(inode, op);
    for (const removed of sync.removals) this.#forget(removed);
  }

  /** All syncs under way end with an error. Their changes stay in the cache, unsynced; the store is put right. */
  failSyncs(nowUs: number): Sync[] {
    const failed = this.#cancelSyncs();
    for (const sync of [...failed].reverse()) {
      const inode = sync.inode;
      inode.open = [...sync.ops, ...inode.open];
      inode.busyUntil = 0;
      inode.storedName = inode.durableName;
      for (const removed of sync.removals) removed.storedName = removed.durableName;
      this.#removals.unshift(...sync.removals);
    }
    this.#correctStore(nowUs);
    return failed;
  }

  /** The power goes: unsynced changes meet their fates, the cache is gone, the store is told what to put right. */
  powerCut(nowUs: number): PowerCutCounts {
    const counts: PowerCutCounts = { kept: 0, lost: 0, torn: 0 };
    const inodes = this.#inodes();
    const removals = [...this.#live.flatMap((sync) => sync.removals), ...this.#removals];
    const running = new Map([...inodes].map((inode) => [inode, inode.syncs[0]]));
    const cancelled = this.#cancelSyncs();
    for (const inode of inodes) {
      const first = running.get(inode);
      const survivors = decideFates(this.#fates, first?.ops ?? inode.open, inode.durableName === null, counts);
      for (const op of survivors) this.#makeDurable(inode, op);
      if (first !== undefined) counts.lost += inode.open.length;
    }
    for (const sync of cancelled) if (running.get(sync.inode) !== sync) counts.lost += sync.ops.length;
    for (const removed of removals) if (this.#fates.chance(1, 2)) this.#forget(removed);
    this.#loseCache();
    this.#correctStore(nowUs);
    return counts;
  }

  /** The commits since the last call, in order. */
  takeCommits(): StoreCommit[] {
    const commits = this.#commits;
    this.#commits = [];
    return commits;
  }

  #open(name: string): Inode {
    const present = this.#names.get(name);
    if (present !== undefined) return present;
    const inode = newInode(name, new ChunkedFile());
    inode.open.push({ kind: 'create', name });
    this.#names.set(name, inode);
    return inode;
  }

  #rename(file: string, to: string): void {
    const inode = this.#open(file);
    if (file === to) return;
    const replaced = this.#names.get(to);
    if (replaced !== undefined) replaced.name = null;
    this.#names.delete(file);
    this.#names.set(to, inode);
    inode.name = to;
    inode.open.push({ kind: 'rename', to });
  }

  #remove(file: string): void {
    const inode = this.#names.get(file);
    if (inode === undefined) return;
    this.#names.delete(file);
    inode.name = null;
    inode.open = [];
    this.#removals.push(inode);
  }

  #sync(nowUs: number, epoch: number, file: string, id: number, urgent: boolean): Sync {
    const inode = this.#open(file);
    const ops = inode.open;
    const removals = this.#removals;
    inode.open = [];
    this.#removals = [];
    const storeOps = storeOpsOf(inode, ops, removals);
    const commit = this.#commit(nowUs, urgent, storeOps);
    applyStoreOps(this.#stored, storeOps);
    const doneAt = Math.max(nowUs, inode.busyUntil) + Math.max(1, drawDelay(this.#times, this.#config.syncDelay));
    inode.busyUntil = doneAt;
    const sync: Sync = { inode, file, id, epoch, doneAt, ops, removals, commit, urgent, isLive: true };
    inode.syncs.push(sync);
    this.#live.push(sync);
    return sync;
  }

  #commit(timeUs: number, urgent: boolean, ops: readonly StoreOp[]): number {
    this.#lastCommit++;
    if (urgent) this.#lastUrgent = this.#lastCommit;
    this.#commits.push({ member: this.member as StoreCommit['member'], commit: this.#lastCommit, timeUs, urgent, ops });
    return this.#lastCommit;
  }

  #makeDurable(inode: Inode, op: FileOp): void {
    if (op.kind === 'write') inode.durable.write(op.offset, op.data);
    else if (op.kind === 'truncate') inode.durable.truncate(op.sizeBytes);
    else {
      this.#forget(inode);
      const name = op.kind === 'create' ? op.name : op.to;
      const replaced = this.#durableNames.get(name);
      if (replaced !== undefined) replaced.durableName = null;
      this.#durableNames.set(name, inode);
      inode.durableName = name;
    }
  }

  /** Takes a file's name from the durable directory. */
  #forget(inode: Inode): void {
    if (inode.durableName !== null) this.#durableNames.delete(inode.durableName);
    inode.durableName = null;
  }

  #loseCache(): void {
    this.#names.clear();
    this.#removals = [];
    for (const [name, inode] of [...this.#durableNames]) {
      const survivor = newInode(name, inode.durable);
      survivor.durableName = name;
      survivor.storedName = name;
      this.#names.set(name, survivor);
      this.#durableNames.set(name, survivor);
    }
  }

  #durableFiles(): Map<string, ChunkedFile> {
    return new Map([...this.#durableNames].map(([name, inode]) => [name, inode.durable]));
  }

  #cancelSyncs(): Sync[] {
    const cancelled = this.#live;
    this.#live = [];
    for (const sync of cancelled) {
      sync.isLive = false;
      sync.inode.syncs.length = 0;
    }
    return cancelled;
  }

  /** Tells the store what turns all that it was told so far into the durable state. */
  #correctStore(nowUs: number): void {
    const durable = this.#durableFiles();
    const ops = differenceOps(this.#stored, durable);
    this.#stored = cloneFiles(durable);
    if (ops.length > 0) this.#commit(nowUs, true, ops);
  }

  /** Every file that has a name or a sync under way, in an order that only the requests decide. */
  #inodes(): Set<Inode> {
    return new Set([
      ...this.#durableNames.values(), ...this.#names.values(), ...this.#live.map((sync) => sync.inode),
    ]);
  }
}

function newInode(name: string, durable: ChunkedFile): Inode {
  return {
    name, durableName: null, storedName: null, cache: durable.clone(), durable, open: [], syncs: [], busyUntil: 0,
  };
}

/** A sync's changes in the store's terms, under the names that the store knows at that point. */
function storeOpsOf(inode: Inode, ops: readonly FileOp[], removals: readonly Inode[]): StoreOp[] {
  const storeOps: StoreOp[] = [];
  for (const removed of removals) {
    if (removed.storedName !== null) storeOps.push({ kind: 'remove', file: removed.storedName });
    removed.storedName = null;
  }
  for (const op of ops) {
    if (op.kind === 'create') {
      inode.storedName = op.name;
      storeOps.push({ kind: 'truncate', file: op.name, sizeBytes: 0 });
      continue;
    }
    const file = inode.storedName;
    assert(file !== null, 'disk: a change of a file that the store does not know');
    if (op.kind === 'write') storeOps.push({ kind: 'write', file, offset: op.offset, data: op.data });
    else if (op.kind === 'truncate') storeOps.push({ kind: 'truncate', file, sizeBytes: op.sizeBytes });
    else {
      storeOps.push({ kind: 'rename', file, to: op.to });
      inode.storedName = op.to;
    }
  }
  return storeOps;
}
