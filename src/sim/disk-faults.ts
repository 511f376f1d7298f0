/** What is wrong with a member's disk, and what that did since it was last asked. */
import { sharedByForks } from '../base/fork.ts';
import { stream } from '../base/prng.ts';
import { drawDelay } from './delay.ts';
import type { Prng } from '../base/prng.ts';
import type { DiskErrorCode, DiskRequest } from '../engine/server/types.ts';
import type { DiskFault, DiskSettings } from './fault-types.ts';
import type { DiskConfig } from './world-config.ts';

/** Whoever has never set anything has this very object, in copies of a world too. */
export const usualDisk: DiskSettings = sharedByForks({
  syncMinUs: 0,
  syncMeanUs: 0,
  writeMinUs: 0,
  writeMeanUs: 0,
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
  | { readonly kind: 'misdirect'; readonly file: string; readonly offset: number; readonly to: number }
  | { readonly kind: 'stall'; readonly file: string; readonly stalledUs: number };

/** A page of the store; the lab's members write no other size. */
const pageBytes = 4096;
const storeFile = 'member/snap/db';

/**
 * Streams: `diskWrite`, `diskStall` and `misdirect`, each with the member, so that no fault shifts another's
 * draws.
 */
export class DiskFaults {
  settings: DiskSettings = usualDisk;
  private readonly config: DiskConfig;
  private readonly writeTimes: Prng;
  private readonly stalls: Prng;
  private readonly misdirects: Prng;
  private readonly errors = new Map<ErrorOn, ArmedError>();
  private isNextMisdirected = false;
  private notes: DiskNote[] = [];

  constructor(member: number, config: DiskConfig, seed: number, boot: number) {
    this.config = config;
    this.writeTimes = stream(seed, boot, 'diskWrite', member);
    this.stalls = stream(seed, boot, 'diskStall', member);
    this.misdirects = stream(seed, boot, 'misdirect', member);
  }

  /** What happened since the last call. */
  takeNotes(): DiskNote[] {
    return this.notes.splice(0);
  }

  arm(on: ErrorOn, code: DiskErrorCode, lasts: 'once' | 'always' | 'never'): void {
    if (lasts === 'never') this.errors.delete(on);
    else this.errors.set(on, { code, lasts });
  }

  /** The kinds of requests that will fail. */
  get armed(): readonly ErrorOn[] {
    return [...this.errors.keys()].sort();
  }

  armMisdirect(): void {
    this.isNextMisdirected = true;
  }

  get isMisdirectArmed(): boolean {
    return this.isNextMisdirected;
  }

  /** All as it was; what happened stays. */
  end(): void {
    this.settings = usualDisk;
    this.errors.clear();
    this.isNextMisdirected = false;
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

  /** Where a write goes: another page of the store where it is misdirected. */
  place({ file, offset }: Write, sizeBytes: number): number {
    const { misdirectPerMille } = this.settings;
    if (file !== storeFile) return offset;
    const isDrawn = this.misdirects.chance(misdirectPerMille, 1000);
    const pageCount = Math.floor(sizeBytes / pageBytes);
    if ((!isDrawn && !this.isNextMisdirected) || pageCount < 2) return offset;
    this.isNextMisdirected = false;
    const page = Math.floor(offset / pageBytes);
    const to = ((page + this.misdirects.between(1, pageCount - 1)) % pageCount) * pageBytes;
    this.notes.push({ kind: 'misdirect', file, offset, to });
    return to;
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

  /** What a sync of so many bytes takes longer: their way to the disk, and a stall where one is drawn. */
  extraUs(file: string, byteCount: number): number {
    const { bytesPerSecond, stallPerMille, stallUs } = this.settings;
    const carriedUs = bytesPerSecond === 0 ? 0 : Math.floor((byteCount * 1_000_000) / bytesPerSecond);
    if (!this.stalls.chance(stallPerMille, 1000)) return carriedUs;
    this.notes.push({ kind: 'stall', file, stalledUs: stallUs });
    return carriedUs + stallUs;
  }
}
