/** A member's disk: a page cache over durable bytes, syncs that take their time, kills and power cuts. */
import { assert } from '../base/assert.ts';
import { stream } from '../base/prng.ts';
import { ChunkedFile } from './chunked-file.ts';
import { decideFates } from './power-cut.ts';
import { drawDelay } from './delay.ts';
import { applyStoreOps, cloneFiles, differenceOps, toImage } from './store-ops.ts';
import type { NodeId } from '../engine/raft/types.ts';
import type { DiskImage, DiskRequest } from '../engine/server/types.ts';
import type { Prng } from '../base/prng.ts';
import type { FileOp, PowerCutCounts } from './power-cut.ts';
import type { DiskConfig } from './world-config.ts';
import type { StoreCommit, StoreOp } from './types.ts';

/** One file, whatever its name is at present. */
interface Inode {
  readonly cache: ChunkedFile;
  readonly durable: ChunkedFile;
  /** Its name after a power cut; null where it would have none. */
  durableName: string | null;
  /** Its name in a store that has done all commits. */
  storedName: string | null;
  /** Changes after the last sync request. */
  open: FileOp[];
  /** Syncs under way, in order; only those of the first flush are on their way to the disk. */
  readonly syncs: Sync[];
  /** The last one's flush. */
  lastFlush: Flush | null;
}

/** One trip to the disk, which may serve several syncs of a file. Times in microseconds. */
interface Flush {
  readonly startAt: number;
  readonly doneAt: number;
  /** A barrier is served alone, so that nothing before or after it shares its trip. */
  readonly isBarrier: boolean;
}

/** A change of the directory. `name` null: the file loses its name. */
interface NameOp {
  readonly inode: Inode;
  readonly kind: 'create' | 'rename' | 'remove';
  readonly name: string | null;
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
  readonly commit: number;
  readonly urgent: boolean;
  /** False once complete, or cancelled by a power cut or an error. */
  isLive: boolean;
}

/**
 * Model. Writes go to the cache at once and a reader sees the cache. A sync completes after a drawn time and
 * makes durable what its file was asked before it; what follows it in the same file waits until then, and
 * the syncs that wait together are served together, but for barriers. The directory's changes are a journal:
 * a sync of any file makes all earlier ones durable, in order. A killed process changes nothing here. A power
 * cut keeps some prefix of the journal, and decides for each unsynced change of a file's running syncs (with
 * none running: of its changes since the last) whether it was kept, lost or torn at sectors; what waited
 * behind them is lost.
 * Streams: `disk` for times, `powerCut` for fates.
 */
export class Disk {
  readonly member: number;
  readonly #config: DiskConfig;
  readonly #times: Prng;
  readonly #fates: Prng;
  readonly #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  /** The directory's changes since the last sync request. */
  #journal: NameOp[] = [];
  /** Syncs under way, in the order of their commits. */
  #live: Sync[] = [];
  /** What the real store holds when it has done all commits. */
  #stored = new Map<string, ChunkedFile>();
  #commits: StoreCommit[] = [];
  #lastCommit = 0;
  #lastUrgent = 0;
  #slowFactor = 1;

  constructor(member: number, image: DiskImage, config: DiskConfig, seed: number, boot: number) {
    this.member = member;
    this.#config = config;
    this.#times = stream(seed, boot, 'disk', member);
    this.#fates = stream(seed, boot, 'powerCut', member);
    for (const name of [...image.keys()].sort()) {
      const durable = ChunkedFile.from(image.get(name) as Uint8Array);
      const inode = newInode(durable, name);
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

  /** What a real store holds that has done every commit so far: syncs under way are in it already. */
  stored(): DiskImage {
    return toImage(this.#stored);
  }

  /** Syncs under way. */
  get syncCount(): number {
    return this.#live.length;
  }

  /** The commits of the urgent syncs that will be complete by then. */
  commitsDueBy(timeUs: number): number[] {
    return this.#live.filter(({ urgent, doneAt }) => urgent && doneAt <= timeUs).map(({ commit }) => commit);
  }

  /** The last commit that a store does without waiting for another; 0 where there is none. */
  get lastUrgentCommit(): number {
    return this.#lastUrgent;
  }

  /** How many times as long a sync takes; 1: as the configuration says. */
  get slowFactor(): number {
    return this.#slowFactor;
  }

  /** From now on; syncs under way keep their times, and every draw stays the same. */
  slowDown(factor: number): void {
    assert(Number.isSafeInteger(factor) && factor >= 1, 'disk: a factor is a whole number from 1');
    this.#slowFactor = factor;
  }

  /** Does a request; for a sync the caller must call `complete` at its `doneAt`. */
  request(nowUs: number, epoch: number, request: DiskRequest): Sync | null {
    switch (request.kind) {
      case 'write': {
        const inode = this.#open(request.file);
        // the process may use its buffer again
        const data = request.data.slice();
        inode.cache.write(request.offset, data);
        inode.open.push({ kind: 'write', offset: request.offset, data });
        return null;
      }
      case 'truncate': {
        const inode = this.#open(request.file);
        inode.cache.truncate(request.sizeBytes);
        inode.open.push({ kind: 'truncate', sizeBytes: request.sizeBytes });
        return null;
      }
      case 'rename':
        this.#rename(request.file, request.to);
        return null;
      case 'remove':
        this.#remove(request.file);
        return null;
      case 'sync':
        return this.#sync(nowUs, epoch, request.file, request.id, !request.barrier);
      default:
        return request satisfies never;
    }
  }

  /** A live sync's time has come: what it was asked for is durable. */
  complete(sync: Sync): void {
    const { inode } = sync;
    assert(sync.isLive && inode.syncs[0] === sync, 'disk: the syncs of a file complete in order');
    sync.isLive = false;
    for (const earlier of this.#live) {
      if (earlier.commit > sync.commit) break;
      for (const op of earlier.names.splice(0)) this.#makeNameDurable(op);
    }
    for (const op of sync.ops) makeDurable(inode, op);
    inode.syncs.shift();
    this.#live.splice(this.#live.indexOf(sync), 1);
  }

  /**
   * All syncs under way end with an error. Their changes stay in the cache, unsynced; the store is told what
   * puts it right.
   */
  failSyncs(nowUs: number): Sync[] {
    const failed = this.#cancelSyncs();
    this.#journal = [...failed.flatMap((sync) => sync.names), ...this.#journal];
    for (const sync of [...failed].reverse()) sync.inode.open = [...sync.ops, ...sync.inode.open];
    const inodes = [
      ...this.#inodes(),
      ...failed.map((sync) => sync.inode),
      ...this.#journal.map(({ inode }) => inode),
    ];
    for (const inode of inodes) inode.storedName = inode.durableName;
    this.#correctStore(nowUs);
    return failed;
  }

  /**
   * The power goes: unsynced changes meet their fates, the cache is gone, the store is told what puts it
   * right.
   */
  powerCut(nowUs: number): PowerCutCounts {
    const counts: PowerCutCounts = { kept: 0, lost: 0, torn: 0 };
    const inodes = this.#inodes();
    const cancelled = this.#cancelSyncs();
    const journal = [...cancelled.flatMap((sync) => sync.names), ...this.#journal];
    const kept = this.#fates.below(journal.length + 1);
    for (const op of journal.slice(0, kept)) this.#makeNameDurable(op);
    for (const inode of inodes) {
      const syncs = cancelled.filter((sync) => sync.inode === inode);
      const running = syncs.filter((sync) => sync.flush === syncs[0].flush);
      const ops = syncs.length > 0 ? running.flatMap((sync) => sync.ops) : inode.open;
      for (const op of decideFates(this.#fates, ops, counts)) makeDurable(inode, op);
      for (const sync of syncs) if (!running.includes(sync)) counts.lost += sync.ops.length;
      if (syncs.length > 0) counts.lost += inode.open.length;
    }
    this.#loseCache();
    this.#correctStore(nowUs);
    return counts;
  }

  /** Everything is gone, what was durable too: another disk, as it were. Returns the count of its files. */
  wipe(nowUs: number): number {
    this.#cancelSyncs();
    const count = this.#names.size;
    this.#durableNames.clear();
    this.#loseCache();
    this.#correctStore(nowUs);
    return count;
  }

  /** Whether there is any file, as a process that boots now would see. */
  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  /** The commits since the last call, in order. */
  takeCommits(): StoreCommit[] {
    return this.#commits.splice(0);
  }

  #open(name: string): Inode {
    const present = this.#names.get(name);
    if (present !== undefined) return present;
    const inode = newInode(new ChunkedFile(), null);
    this.#names.set(name, inode);
    this.#journal.push({ inode, kind: 'create', name });
    return inode;
  }

  #rename(file: string, to: string): void {
    const inode = this.#open(file);
    if (file === to) return;
    this.#names.delete(file);
    this.#names.set(to, inode);
    this.#journal.push({ inode, kind: 'rename', name: to });
  }

  #remove(file: string): void {
    const inode = this.#names.get(file);
    if (inode === undefined) return;
    this.#names.delete(file);
    this.#journal.push({ inode, kind: 'remove', name: null });
  }

  #sync(nowUs: number, epoch: number, file: string, id: number, urgent: boolean): Sync {
    const inode = this.#open(file);
    const ops = inode.open;
    const names = this.#journal;
    inode.open = [];
    this.#journal = [];
    const storeOps = [...names.map(storeNameOp), ...ops.map((op) => storeFileOp(inode, op))];
    applyStoreOps(this.#stored, storeOps);
    const commit = this.#commit(nowUs, urgent, storeOps);
    const flush = this.#flushFor(nowUs, inode, urgent);
    const { doneAt } = flush;
    const sync: Sync = { inode, file, id, epoch, doneAt, flush, ops, names, commit, urgent, isLive: true };
    inode.lastFlush = flush;
    inode.syncs.push(sync);
    this.#live.push(sync);
    return sync;
  }

  /** The file's next trip to the disk, where it has not begun; else a new one behind the last. */
  #flushFor(nowUs: number, inode: Inode, urgent: boolean): Flush {
    const last = inode.lastFlush;
    if (last !== null && urgent && !last.isBarrier && last.startAt > nowUs) return last;
    const startAt = Math.max(nowUs, last?.doneAt ?? 0);
    const doneAt = startAt + this.#slowFactor * Math.max(1, drawDelay(this.#times, this.#config.syncDelay));
    return { startAt, doneAt, isBarrier: !urgent };
  }

  #commit(timeUs: number, urgent: boolean, ops: readonly StoreOp[]): number {
    this.#lastCommit++;
    if (urgent) this.#lastUrgent = this.#lastCommit;
    this.#commits.push({ member: this.member as NodeId, commit: this.#lastCommit, timeUs, urgent, ops });
    return this.#lastCommit;
  }

  #makeNameDurable({ inode, name }: NameOp): void {
    if (inode.durableName !== null) this.#durableNames.delete(inode.durableName);
    inode.durableName = name;
    if (name === null) return;
    const replaced = this.#durableNames.get(name);
    if (replaced !== undefined) replaced.durableName = null;
    this.#durableNames.set(name, inode);
  }

  #loseCache(): void {
    this.#names.clear();
    this.#journal = [];
    for (const [name, inode] of this.#durableNames) {
      const survivor = newInode(inode.durable, name);
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
      sync.inode.lastFlush = null;
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
      ...this.#durableNames.values(),
      ...this.#names.values(),
      ...this.#live.map((sync) => sync.inode),
    ]);
  }
}

function newInode(durable: ChunkedFile, name: string | null): Inode {
  const cache = durable.clone();
  return { cache, durable, durableName: name, storedName: name, open: [], syncs: [], lastFlush: null };
}

function makeDurable(inode: Inode, op: FileOp): void {
  if (op.kind === 'write') inode.durable.write(op.offset, op.data);
  else inode.durable.truncate(op.sizeBytes);
}

/**
 * A change of the directory as the store does it; from now on the store knows the file under its new name.
 */
function storeNameOp({ inode, kind, name }: NameOp): StoreOp {
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
