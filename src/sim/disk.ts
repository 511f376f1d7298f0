/** A member's disk: a page cache over durable bytes, syncs that take their time, kills and power cuts. */
import { assert } from '../base/assert.ts';
import { stream } from '../base/prng.ts';
import { notedBlocks, WrittenBlocks } from '../base/blocks.ts';
import { ChunkedFile } from './chunked-file.ts';
import { drawFates, survivorsOf } from './power-cut.ts';
import { drawDelay } from './delay.ts';
import { DiskFaults, piecesOf } from './disk-faults.ts';
import { apply, dropChanges, hastened, makeDurable, makeNameDurable } from './disk-files.ts';
import { newInode, riskOf, storeChanges, storeNameOp } from './disk-files.ts';
import { applyStoreOps, cloneFiles, differenceOps, toImage } from './store-ops.ts';
import type { NodeId } from '../engine/raft/types.ts';
import type { DiskErrorCode, DiskImage, DiskRequest } from '../engine/server/types.ts';
import type { Prng } from '../base/prng.ts';
import type { AtRisk, Flush, Inode, NameOp, Sync } from './disk-files.ts';
import type { ChosenFates, PowerCutCounts } from './power-cut.ts';
import type { DiskConfig } from './world-config.ts';
import type { StoreCommit, StoreOp } from './types.ts';

type DiskWrite = Extract<DiskRequest, { kind: 'write' }>;
type DiskRead = Extract<DiskRequest, { kind: 'read' }>;

/** What a start reads: all of it. */
export const loadedFiles = 'member';

/**
 * Model. Writes go to the cache at once and a reader sees the cache. A sync completes after a drawn time and
 * makes durable what its file was asked before it; what follows it in the same file waits until then, and
 * the syncs that wait together are served together, but for barriers. The directory's changes are a journal:
 * a sync of any file makes all earlier ones durable, in order. A killed process changes nothing here. A power
 * cut keeps some prefix of the journal, and decides for each unsynced change of a file's running syncs (with
 * none running: of its changes since the last) whether it was kept, lost or torn at sectors; what waited
 * behind them is lost. A lying disk's syncs make nothing durable: the next honest one of the file does, and a
 * power cut until then decides over their changes too. A write that fails is not done, and one that waits for
 * a sync hears of it; a sync that fails drops its file's changes from the cache, so that a start reads what
 * is there. What the process asks after either is not done: it ends as soon as it hears of it.
 * Streams: `disk` for times, `powerCut` for fates; disk-faults.ts has more.
 */
export class Disk {
  readonly member: number;
  readonly faults: DiskFaults;
  /** How often bits of it have rotted. */
  rotCount = 0;
  private readonly times: Prng;
  private readonly fates: Prng;
  private readonly names = new Map<string, Inode>();
  private readonly durableNames = new Map<string, Inode>();
  /** The directory's changes since the last sync request. */
  private journal: NameOp[] = [];
  /** Syncs under way, in the order of their commits. */
  private live: Sync[] = [];
  /** What the real store holds when it has done all commits. */
  private storedFiles = new Map<string, ChunkedFile>();
  private commits: StoreCommit[] = [];
  private lastCommit = 0;
  private lastCommitUs = 0;
  private lastUrgent = 0;
  private slowness = 1;
  /** Changes of the directory that a lying disk said to be durable. */
  private liedNames: NameOp[] = [];
  /** The process whose request failed, and why. */
  private failed: { readonly epoch: number; readonly code: DiskErrorCode } | null = null;
  /** What is remembered of an earlier time. */
  private kept: Map<string, ChunkedFile> | null = null;

  constructor(member: number, image: DiskImage, config: DiskConfig, seed: number, boot: number) {
    this.member = member;
    this.faults = new DiskFaults(member, config, seed, boot);
    this.times = stream(seed, boot, 'disk', member);
    this.fates = stream(seed, boot, 'powerCut', member);
    for (const name of [...image.keys()].sort()) {
      const durable = ChunkedFile.from(image.get(name) as Uint8Array);
      const inode = newInode(durable, name);
      this.names.set(name, inode);
      this.durableNames.set(name, inode);
      this.storedFiles.set(name, durable.clone());
    }
  }

  /** What a process that boots now reads: the cache. */
  files(): DiskImage {
    return toImage(new Map([...this.names].map(([name, inode]) => [name, inode.cache])));
  }

  /** What is there after a power cut that keeps no unsynced write. */
  durable(): DiskImage {
    return toImage(this.durableFiles());
  }

  /** What a real store holds that has done every commit so far: syncs under way are in it already. */
  stored(): DiskImage {
    return toImage(this.storedFiles);
  }

  /** Syncs under way. */
  get syncCount(): number {
    return this.live.length;
  }

  /** The commits of the urgent syncs that will be complete by then. */
  commitsDueBy(timeUs: number): number[] {
    return this.live.filter(({ urgent, doneAt }) => urgent && doneAt <= timeUs).map(({ commit }) => commit);
  }

  /** The last commit that a store does without waiting for another; 0 where there is none. */
  get lastUrgentCommit(): number {
    return this.lastUrgent;
  }

  /** How many commits there were, and when the last was made; 0 where there is none. */
  get commitsMade(): { readonly count: number; readonly lastUs: number } {
    return { count: this.lastCommit, lastUs: this.lastCommitUs };
  }

  /** How many times as long a sync takes; 1: as the configuration says. */
  get slowFactor(): number {
    return this.slowness;
  }

  /** From now on; syncs under way keep their times, and every draw stays the same. */
  slowDown(factor: number): void {
    assert(Number.isSafeInteger(factor) && factor >= 1, 'disk: a factor is a whole number from 1');
    this.slowness = factor;
  }

  /** Does a request; for a sync the caller must call `complete` at its `doneAt`. */
  request(nowUs: number, epoch: number, request: DiskRequest): Sync | null {
    if (this.failed?.epoch === epoch) {
      if (request.kind !== 'sync') return null;
      return this.failedSync(nowUs, epoch, request, this.failed.code);
    }
    switch (request.kind) {
      case 'write':
        this.write(epoch, this.open(request.file), request);
        return null;
      case 'truncate': {
        const inode = this.open(request.file);
        inode.cache.truncate(request.sizeBytes);
        inode.open.push({ kind: 'truncate', sizeBytes: request.sizeBytes });
        return null;
      }
      case 'rename':
        this.rename(request.file, request.to);
        return null;
      case 'remove':
        this.remove(request.file);
        return null;
      case 'read':
        this.read(nowUs, request);
        return null;
      case 'sync':
        return this.sync(nowUs, epoch, request.file, request.id, !request.barrier);
      default:
        return request satisfies never;
    }
  }

  /** Whether a request of the process has failed: it will hear of it, and does nothing more until then. */
  hasFailed(epoch: number): boolean {
    return this.failed?.epoch === epoch;
  }

  /**
   * What kept the disk is over: each sync under way takes a usual one's mean time from now on. Returns them
   * as they are now, each to be completed at its `doneAt`; the earlier ones mean nothing any more.
   */
  hasten(nowUs: number): Sync[] {
    const { minUs, meanUs } = this.faults.syncDelay;
    const changed = new Map<Sync, Sync>();
    for (const inode of new Set(this.live.map((sync) => sync.inode))) {
      const syncs = hastened(inode, nowUs, minUs + meanUs);
      inode.syncs.splice(0).forEach((sync, i) => {
        sync.isLive = false;
        changed.set(sync, syncs[i]);
      });
      inode.syncs.push(...syncs);
      inode.lastFlush = syncs[syncs.length - 1].flush;
    }
    this.live = this.live.map((sync) => changed.get(sync) ?? sync);
    return [...this.live];
  }

  /** A live sync's time has come: what it was asked for is durable. */
  complete(sync: Sync): void {
    const { inode } = sync;
    assert(sync.isLive && inode.syncs[0] === sync, 'disk: the syncs of a file complete in order');
    sync.isLive = false;
    for (const earlier of this.live) {
      if (earlier.commit > sync.commit) break;
      if (earlier.names.length > 0) this.liedNames.push(...earlier.names.splice(0));
    }
    if (sync.isLie) inode.lied.push(...sync.ops);
    else {
      if (this.liedNames.length > 0)
        for (const op of this.liedNames.splice(0)) makeNameDurable(this.durableNames, op);
      if (inode.lied.length > 0) for (const op of inode.lied.splice(0)) makeDurable(inode, op);
      for (const op of sync.ops) makeDurable(inode, op);
    }
    inode.syncs.shift();
    this.live.splice(this.live.indexOf(sync), 1);
  }

  /**
   * When so much of a file is read; now, where reads take no time. A copy that is made of it is not durable
   * before.
   */
  read(nowUs: number, { file, sizeBytes, into }: DiskRead): number {
    const doneAt = this.faults.readBy(nowUs, file, [sizeBytes], this.slowness);
    if (into !== undefined && doneAt > nowUs) this.open(into).notBeforeUs = doneAt;
    return doneAt;
  }

  /** When all files are read that a start asks for now; now, where reads take no time. */
  loadedBy(nowUs: number): number {
    const sizes = [...this.names.values()].map(({ cache }) => cache.sizeBytes);
    return this.faults.readBy(nowUs, loadedFiles, sizes, this.slowness);
  }

  /** How large the file is, as a reader sees it. */
  sizeOf(file: string): number {
    return this.names.get(file)?.cache.sizeBytes ?? 0;
  }

  /** How much all files hold, as a reader sees them. */
  get usedBytes(): number {
    let sum = 0;
    for (const { cache } of this.names.values()) sum += cache.sizeBytes;
    return sum;
  }

  get hasImage(): boolean {
    return this.kept !== null;
  }

  /** Remembers what is durable. */
  keepImage(): void {
    this.kept = cloneFiles(this.durableFiles());
  }

  /** The disk is as it was remembered, or as it is given; what was there since is gone. */
  restoreImage(nowUs: number, image: ReadonlyMap<string, ChunkedFile> | null = this.kept): void {
    assert(image !== null, 'disk: an image is restored that was kept');
    this.cancelSyncs();
    this.durableNames.clear();
    for (const [name, file] of cloneFiles(image)) this.durableNames.set(name, newInode(file, name));
    this.loseCache();
    this.correctStore(nowUs);
  }

  /** One byte of a file is another, for readers and for good, though a later write may cover it. */
  corrupt(nowUs: number, file: string, offset: number, flippedBits: number): void {
    const inode = this.names.get(file);
    assert(inode !== undefined && offset < inode.cache.sizeBytes, 'disk: a byte that is there can rot');
    for (const copy of [inode.cache, inode.durable]) {
      if (offset >= copy.sizeBytes) continue;
      copy.write(offset, Uint8Array.of(copy.read(offset, 1)[0] ^ flippedBits));
    }
    const name = inode.storedName;
    const stored = name === null ? undefined : this.storedFiles.get(name);
    if (name === null || stored === undefined || offset >= stored.sizeBytes) return;
    const data = Uint8Array.of(stored.read(offset, 1)[0] ^ flippedBits);
    stored.write(offset, data);
    this.commit(nowUs, true, [{ kind: 'write', file: name, offset, data }]);
  }

  /**
   * All syncs under way end with an error. Their changes stay in the cache, unsynced; the store is told what
   * puts it right.
   */
  failSyncs(nowUs: number): Sync[] {
    const failed = this.cancelSyncs();
    this.journal = [...failed.flatMap((sync) => sync.names), ...this.journal];
    for (const sync of [...failed].reverse()) sync.inode.open = [...sync.ops, ...sync.inode.open];
    const inodes = [
      ...this.inodes(),
      ...failed.map((sync) => sync.inode),
      ...this.journal.map(({ inode }) => inode),
    ];
    for (const inode of inodes) inode.storedName = inode.durableName;
    this.correctStore(nowUs);
    return failed;
  }

  /** What a power cut would decide over now. */
  get atRisk(): AtRisk {
    const names = [...this.liedNames, ...this.live.flatMap((sync) => sync.names), ...this.journal];
    const present = new Map([...this.names].map(([name, inode]) => [inode, name]));
    const files = [...this.inodes()].map((inode) => {
      const syncs = this.live.filter((sync) => sync.inode === inode);
      return riskOf(inode, present.get(inode), syncs);
    });
    return { names, files };
  }

  /**
   * The power goes: unsynced changes meet their fates, the cache is gone, the store is told what puts it
   * right.
   * @param chosen must be possible: see `fatesProblem` of cut-preview.ts; null: the dice decide
   */
  powerCut(nowUs: number, chosen: ChosenFates | null = null): PowerCutCounts & Required<ChosenFates> {
    const counts: PowerCutCounts = { kept: 0, lost: 0, torn: 0 };
    const { keptWeight: keeps, lostWeight: loses, tornWeight: tears } = this.faults.settings;
    const weights = keeps + loses + tears === 0 ? null : { keeps, loses, tears };
    const { names, files } = this.atRisk;
    this.cancelSyncs();
    const keptNames = chosen === null ? this.fates.below(names.length + 1) : (chosen.names ?? names.length);
    for (const op of names.slice(0, keptNames)) makeNameDurable(this.durableNames, op);
    const fates: string[] = [];
    for (const { inode, ops, behind } of files) {
      const given = chosen?.fates.slice(fates.length, fates.length + ops.length);
      const own = given ?? drawFates(this.fates, ops, weights);
      for (const op of survivorsOf(own, ops, counts)) makeDurable(inode, op);
      counts.lost += behind.length;
      fates.push(...own);
    }
    this.loseCache();
    this.correctStore(nowUs);
    return { ...counts, fates, names: keptNames };
  }

  /** Everything is gone, what was durable too: another disk, as it were. Returns the count of its files. */
  wipe(nowUs: number): number {
    this.cancelSyncs();
    const count = this.names.size;
    this.durableNames.clear();
    this.loseCache();
    this.correctStore(nowUs);
    return count;
  }

  /** Whether there is any file, as a process that boots now would see. */
  get isEmpty(): boolean {
    return this.names.size === 0;
  }

  /** The commits since the last call, in order. */
  takeCommits(): StoreCommit[] {
    return this.commits.splice(0);
  }

  private open(name: string): Inode {
    const present = this.names.get(name);
    if (present !== undefined) return present;
    const inode = newInode(new ChunkedFile(), null);
    this.names.set(name, inode);
    this.journal.push({ inode, kind: 'create', name });
    return inode;
  }

  private rename(file: string, to: string): void {
    const inode = this.open(file);
    if (file === to) return;
    this.names.delete(file);
    this.names.set(to, inode);
    this.journal.push({ inode, kind: 'rename', name: to });
  }

  private remove(file: string): void {
    const inode = this.names.get(file);
    if (inode === undefined) return;
    this.names.delete(file);
    this.journal.push({ inode, kind: 'remove', name: null });
  }

  private write(epoch: number, inode: Inode, request: DiskWrite): void {
    const { file, data } = request;
    const code = this.faults.fail('write', file) ?? this.failFull(request, inode.cache.sizeBytes);
    if (code !== null) {
      this.failed = { epoch, code };
      return;
    }
    inode.writesUs += this.faults.writeUs();
    inode.writeCount += piecesOf(request.data.length);
    const offset = this.faults.place(request, inode.cache.sizeBytes);
    if (offset === null) return;
    const noted = notedBlocks(data, offset);
    // the process may use its buffer again, but for the bytes of which blocks were made
    const own = noted === undefined ? data.slice() : data;
    const op = { kind: 'write', offset, data: own, blocks: noted ?? new WrittenBlocks(offset, own) } as const;
    apply(inode.cache, op);
    inode.open.push(op);
  }

  private failFull({ file, offset, data }: DiskWrite, sizeBytes: number): DiskErrorCode | null {
    const grownBytes = offset + data.length - sizeBytes;
    if (grownBytes <= 0 || this.faults.settings.quotaBytes === 0) return null;
    return this.faults.failFull(file, this.usedBytes + grownBytes);
  }

  /** A sync that ends with an error, after the time of one. */
  private failedSync(
    nowUs: number,
    epoch: number,
    { file, id }: Pick<Sync, 'file' | 'id'>,
    error: DiskErrorCode,
  ): Sync {
    const inode = this.open(file);
    const flush = this.flushFor(nowUs, inode, file, false, 0);
    const nothing = { ops: [], names: [], commit: 0, urgent: false, isLie: false };
    return { inode, file, id, epoch, ...nothing, doneAt: flush.doneAt, flush, error, isLive: true };
  }

  private sync(nowUs: number, epoch: number, file: string, id: number, urgent: boolean): Sync {
    const inode = this.open(file);
    const code = this.faults.fail('sync', file);
    if (code !== null) {
      this.failed = { epoch, code };
      dropChanges(inode);
      return this.failedSync(nowUs, epoch, { file, id }, code);
    }
    const ops = inode.open;
    const names = this.journal;
    inode.open = [];
    this.journal = [];
    const nameOps = names.map(storeNameOp);
    applyStoreOps(this.storedFiles, nameOps);
    const commit = this.commit(nowUs, urgent, [...nameOps, ...storeChanges(this.storedFiles, inode, ops)]);
    const byteCount = ops.reduce((sum, op) => sum + (op.kind === 'write' ? op.data.length : 0), 0);
    const flush = this.flushFor(nowUs, inode, file, urgent, byteCount);
    const { doneAt } = flush;
    const isLie = this.faults.settings.lying > 0;
    const asked = { inode, file, id, epoch, doneAt, flush, ops, names, commit, urgent };
    const sync: Sync = { ...asked, error: null, isLie, isLive: true };
    inode.lastFlush = flush;
    inode.syncs.push(sync);
    this.live.push(sync);
    return sync;
  }

  /** The file's next trip to the disk, where it has not begun; else a new one behind the last. */
  private flushFor(nowUs: number, inode: Inode, file: string, urgent: boolean, byteCount: number): Flush {
    const last = inode.lastFlush;
    if (last !== null && urgent && !last.isBarrier && last.startAt > nowUs) return last;
    const startAt = Math.max(nowUs, last?.doneAt ?? 0, inode.notBeforeUs);
    const drawnUs = Math.max(1, drawDelay(this.times, this.faults.syncDelay));
    const workUs = drawnUs + inode.writesUs + this.faults.extraUs(file, byteCount);
    const doneAt = this.faults.queue(nowUs, file, inode.writeCount + 1, startAt + this.slowness * workUs);
    inode.writesUs = 0;
    inode.writeCount = 0;
    return { startAt, doneAt, isBarrier: !urgent };
  }

  private commit(timeUs: number, urgent: boolean, ops: readonly StoreOp[]): number {
    this.lastCommit++;
    this.lastCommitUs = timeUs;
    if (urgent) this.lastUrgent = this.lastCommit;
    this.commits.push({ member: this.member as NodeId, commit: this.lastCommit, timeUs, urgent, ops });
    return this.lastCommit;
  }

  private loseCache(): void {
    this.names.clear();
    this.journal = [];
    this.liedNames = [];
    for (const [name, inode] of this.durableNames) {
      const survivor = newInode(inode.durable, name);
      this.names.set(name, survivor);
      this.durableNames.set(name, survivor);
    }
  }

  private durableFiles(): Map<string, ChunkedFile> {
    return new Map([...this.durableNames].map(([name, inode]) => [name, inode.durable]));
  }

  private cancelSyncs(): Sync[] {
    const cancelled = this.live;
    this.live = [];
    for (const sync of cancelled) {
      sync.isLive = false;
      sync.inode.syncs.length = 0;
      sync.inode.lastFlush = null;
    }
    return cancelled;
  }

  /** Tells the store what turns all that it was told so far into the durable state. */
  private correctStore(nowUs: number): void {
    const durable = this.durableFiles();
    const ops = differenceOps(this.storedFiles, durable);
    this.storedFiles = cloneFiles(durable);
    if (ops.length > 0) this.commit(nowUs, true, ops);
  }

  /** Every file that has a name or a sync under way, in an order that only the requests decide. */
  private inodes(): Set<Inode> {
    return new Set([
      ...this.durableNames.values(),
      ...this.names.values(),
      ...this.live.map((sync) => sync.inode),
    ]);
  }
}
