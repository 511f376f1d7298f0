/** What is wrong with a member's disk, and what that did since it was last asked. */
import { sharedByForks } from '../base/fork.ts';
import { stream } from '../base/prng.ts';
import { drawDelay } from './delay.ts';
import type { Prng } from '../base/prng.ts';
import type { DiskErrorCode, DiskImage, DiskRequest } from '../engine/server/types.ts';
import type { Astray, DiskFault, DiskSettings } from './fault-types.ts';
import type { DiskConfig } from './world-config.ts';

/** Whoever has never set anything has this very object, in copies of a world too. */
export const usualDisk: DiskSettings = sharedByForks({
  syncMinUs: 0,
  syncMeanUs: 0,
  writeMinUs: 0,
  writeMeanUs: 0,
  readMinUs: 0,
  readMeanUs: 0,
  operationsPerSecond: 0,
  stallPerMille: 0,
  stallUs: 0,
  bytesPerSecond: 0,
  quotaBytes: 0,
  misdirectPerMille: 0,
  lying: 0,
  keptWeight: 0,
  lostWeight: 0,
  tornWeight: 0,
});

export const diskSettingNames = Object.keys(usualDisk) as readonly (keyof DiskSettings)[];

type Write = Extract<DiskRequest, { kind: 'write' }>;
type ErrorOn = Extract<DiskFault, { type: 'diskError' }>['on'];

interface ArmedError {
  readonly code: DiskErrorCode;
  readonly lasts: 'once' | 'always';
}

/** What a fault of the disk did. */
export type DiskNote =
  | { readonly kind: 'error'; readonly on: ErrorOn; readonly file: string; readonly code: DiskErrorCode }
  | { readonly kind: 'misdirect'; readonly how: Astray; readonly offset: number; readonly to: number }
  | { readonly kind: 'stall'; readonly file: string; readonly stalledUs: number }
  | { readonly kind: 'queue'; readonly file: string; readonly waitedUs: number }
  | {
      readonly kind: 'read';
      readonly file: string;
      readonly sizeBytes: number;
      readonly doneAt: number;
    };

const noNotes: readonly DiskNote[] = [];

/** A page of the store; the lab's members write no other size. */
const pageBytes = 4096;
const storeFile = 'member/snap/db';

/** As cloud disks count: what is longer is so many operations more. */
const pieceBytes = 262_144;

/** How many operations it is to read or write so much at one place. */
export const piecesOf = (sizeBytes: number): number => Math.max(1, Math.ceil(sizeBytes / pieceBytes));

/**
 * Operations of the disk: a sync, each write that it takes along, each read; of each 256 KiB one. Streams:
 * `diskWrite`, `diskRead`, `diskStall` and `misdirect`, each with the member, so that no fault shifts
 * another's draws.
 */
export class DiskFaults {
  settings: DiskSettings = usualDisk;
  private readonly config: DiskConfig;
  private readonly writeTimes: Prng;
  private readonly readTimes: Prng;
  private readonly stalls: Prng;
  private readonly misdirects: Prng;
  private readonly errors = new Map<ErrorOn, ArmedError>();
  private readonly astray = new Set<Astray>();
  private notes: DiskNote[] = [];
  /** When all operations are done that were asked for, where there is a cap. */
  private queuedUntilUs = 0;

  constructor(member: number, config: DiskConfig, seed: number, boot: number) {
    this.config = config;
    this.writeTimes = stream(seed, boot, 'diskWrite', member);
    this.readTimes = stream(seed, boot, 'diskRead', member);
    this.stalls = stream(seed, boot, 'diskStall', member);
    this.misdirects = stream(seed, boot, 'misdirect', member);
  }

  /** What happened since the last call. */
  takeNotes(): readonly DiskNote[] {
    return this.notes.length === 0 ? noNotes : this.notes.splice(0);
  }

  arm(on: ErrorOn, code: DiskErrorCode, lasts: 'once' | 'always' | 'never'): void {
    if (lasts === 'never') this.errors.delete(on);
    else this.errors.set(on, { code, lasts });
  }

  /** The kinds of requests that will fail. */
  get armed(): readonly ErrorOn[] {
    return [...this.errors.keys()].sort();
  }

  armMisdirect(how: Astray): void {
    this.astray.add(how);
  }

  /** All as it was; what happened stays. */
  end(): void {
    this.settings = usualDisk;
    this.queuedUntilUs = 0;
    this.errors.clear();
    this.astray.clear();
  }

  /** Why this request fails now; null where it does not. An error for once is spent. */
  fail(on: ErrorOn, file: string): DiskErrorCode | null {
    const armed = this.errors.get(on);
    if (armed === undefined) return null;
    if (armed.lasts === 'once') this.errors.delete(on);
    this.notes.push({ kind: 'error', on, file, code: armed.code });
    return armed.code;
  }

  /** Why a write fails that makes the files so large. */
  failFull(file: string, usedBytes: number): DiskErrorCode | null {
    const { quotaBytes } = this.settings;
    if (quotaBytes === 0 || usedBytes <= quotaBytes) return null;
    this.notes.push({ kind: 'error', on: 'write', file, code: 'ENOSPC' });
    return 'ENOSPC';
  }

  /** Where a write goes: another page of the store where it is misdirected; null: nowhere. */
  place({ file, offset }: Write, sizeBytes: number): number | null {
    const { misdirectPerMille } = this.settings;
    if (file !== storeFile) return offset;
    const isDrawn = this.misdirects.chance(misdirectPerMille, 1000);
    const pageCount = Math.floor(sizeBytes / pageBytes);
    if (offset < sizeBytes && this.astray.delete('lose')) {
      this.notes.push({ kind: 'misdirect', how: 'lose', offset, to: offset });
      return null;
    }
    if ((!isDrawn && !this.astray.has('write')) || pageCount < 2) return offset;
    this.astray.delete('write');
    const to = this.otherPage(Math.floor(offset / pageBytes), pageCount);
    this.notes.push({ kind: 'misdirect', how: 'write', offset, to });
    return to;
  }

  /** The files as a start reads them: with one page of the store in another's place, where that is armed. */
  read(files: DiskImage): DiskImage {
    const store = files.get(storeFile);
    const pageCount = Math.floor((store?.length ?? 0) / pageBytes);
    if (store === undefined || pageCount < 2 || !this.astray.delete('read')) return files;
    const offset = this.misdirects.below(pageCount) * pageBytes;
    const to = this.otherPage(Math.floor(offset / pageBytes), pageCount);
    const wrong = store.slice();
    wrong.set(store.subarray(to, to + pageBytes), offset);
    this.notes.push({ kind: 'misdirect', how: 'read', offset, to });
    return new Map([...files, [storeFile, wrong]]);
  }

  /** Where another page begins. */
  private otherPage(page: number, pageCount: number): number {
    return ((page + this.misdirects.between(1, pageCount - 1)) % pageCount) * pageBytes;
  }

  /** The distribution of a sync's time, before stalls and the way of its bytes. */
  get syncDelay(): DiskConfig['syncDelay'] {
    const { syncMinUs, syncMeanUs } = this.settings;
    if (syncMinUs === 0 && syncMeanUs === 0) return this.config.syncDelay;
    return { minUs: syncMinUs, meanUs: syncMeanUs };
  }

  /** What a write costs the next sync of its file. */
  writeUs(): number {
    const { writeMinUs: minUs, writeMeanUs: meanUs } = this.settings;
    return minUs === 0 && meanUs === 0 ? 0 : drawDelay(this.writeTimes, { minUs, meanUs });
  }

  /** Whether reads take any time. */
  get slowsReads(): boolean {
    const { readMinUs, readMeanUs, operationsPerSecond } = this.settings;
    return readMinUs + readMeanUs + operationsPerSecond > 0;
  }

  /** What it takes to read so much of a file, piece after piece. */
  private readUs(sizeBytes: number): number {
    const { readMinUs: minUs, readMeanUs: meanUs } = this.settings;
    let sumUs = this.carriedUs(sizeBytes);
    if (minUs + meanUs === 0) return sumUs;
    for (let i = piecesOf(sizeBytes); i > 0; i--) sumUs += drawDelay(this.readTimes, { minUs, meanUs });
    return sumUs;
  }

  /** When files of these sizes are read that are asked for now, by a disk so many times slower. */
  readBy(nowUs: number, file: string, sizes: readonly number[], slowness: number): number {
    if (!this.slowsReads) return nowUs;
    const sum = (of: (sizeBytes: number) => number) => sizes.reduce((all, size) => all + of(size), 0);
    const workUs = slowness * sum((size) => this.readUs(size));
    const doneAt = this.queue(nowUs, file, sum(piecesOf), nowUs + workUs);
    this.notes.push({ kind: 'read', file, sizeBytes: sum((size) => size), doneAt });
    return doneAt;
  }

  /**
   * When so many operations are done that are asked for now: they wait behind all that were asked for before.
   * Without a cap there is no queue, and it is now.
   * @param ownUs when the file itself would be done with them
   */
  queue(nowUs: number, file: string, count: number, ownUs: number): number {
    const { operationsPerSecond } = this.settings;
    if (operationsPerSecond === 0) {
      this.queuedUntilUs = 0;
      return ownUs;
    }
    const beginUs = Math.max(nowUs, this.queuedUntilUs);
    this.queuedUntilUs = beginUs + Math.ceil((count * 1_000_000) / operationsPerSecond);
    const waitedUs = this.queuedUntilUs - ownUs;
    if (waitedUs > 0) this.notes.push({ kind: 'queue', file, waitedUs });
    return Math.max(ownUs, this.queuedUntilUs);
  }

  private carriedUs(byteCount: number): number {
    const { bytesPerSecond } = this.settings;
    return bytesPerSecond === 0 ? 0 : Math.floor((byteCount * 1_000_000) / bytesPerSecond);
  }

  /** What a sync of so many bytes takes longer: their way to the disk, and a stall where one is drawn. */
  extraUs(file: string, byteCount: number): number {
    const { stallPerMille, stallUs } = this.settings;
    const carriedUs = this.carriedUs(byteCount);
    if (!this.stalls.chance(stallPerMille, 1000)) return carriedUs;
    this.notes.push({ kind: 'stall', file, stalledUs: stallUs });
    return carriedUs + stallUs;
  }
}
