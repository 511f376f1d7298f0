/** What keeps a lab's disks: the contract of the stores, their errors, and the record of a stored lab. */
import type { DiskErrorCode, DiskImage } from '../engine/server/types.ts';
import type { MemberSettings } from '../sim/member-settings.ts';
import type { StoreCommit } from '../sim/types.ts';
import type { StorageKind } from './port.ts';
import type { InputsPart, StoredInputs } from './stored-inputs.ts';

/** A whole number from 0. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * The format that is written: 2 holds the inputs of all boots beside the files. Stores of format 1, which
 * hold files alone, are read too and are of format 2 from then on; any other number is refused.
 */
export const storeFormat = 2;

/** A stored lab: what it was made with, how often it was opened, and how far its clock had come. */
export interface LabRecord {
  readonly formatVersion: number;
  readonly seed: number;
  readonly members: number;
  readonly preVote: boolean;
  readonly settings: MemberSettings;
  /** From 1; counted up durably by each open. */
  readonly boot: number;
  /** Virtual microseconds: the time of the last durable commit. */
  readonly timeUs: number;
}

/** What a new lab would be made with; a stored one keeps its own. */
export type LabSetup = Pick<LabRecord, 'seed' | 'members' | 'preVote' | 'settings'>;

export interface StoredLab {
  /** With the boot of this open already counted. */
  readonly record: LabRecord;
  /** True: nothing was stored. */
  readonly fresh: boolean;
  /** Each member's files; index 0 is member 1. */
  readonly images: readonly DiskImage[];
  /** How they came to be; the last boot is the one that now begins, where its inputs are kept at all. */
  readonly inputs: StoredInputs;
}

export type StoreErrorCode =
  DiskErrorCode | 'store format' | 'store damaged' | 'store blocked' | 'store refused' | 'store changed';

/** Members that were added later are kept behind the first ones: so many at most in all. */
export const mostMembers = 9;

/** Images of the first members and of those added later: without the empty ones at the end. */
export function withoutUnused(images: readonly DiskImage[], members: number): DiskImage[] {
  let count = images.length;
  while (count > members && images[count - 1].size === 0) count--;
  return images.slice(0, count);
}

/** What a store is to hold instead of what it holds: a lab that goes on. */
export type Replacement = Pick<StoredLab, 'record' | 'images' | 'inputs'>;

/** Somebody else had the store in the meantime: what is there now is not this lab's to replace. */
export const changedStore = (): StoreError =>
  new StoreError(
    'store changed',
    'The stored lab was opened or deleted in another tab meanwhile: what is stored now is left alone.',
  );

/** A fault of the browser's storage or of what is in it. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Keeps the members' files of one lab. Calls do not overlap: whoever owns the store issues one `write` at a
 * time.
 */
export interface PageStore {
  readonly kind: StorageKind;
  /**
   * Reads what is stored and counts the boot up, durably; makes the record of a new lab where there is none.
   * @throws StoreError 'store format' | 'store damaged' | 'store refused' | EIO
   */
  open(setup: LabSetup): Promise<StoredLab>;
  /**
   * Opens the store with another lab in the place of all that is stored: durably and at once, or not at all,
   * wherever it is cut off. It counts as an open: the record's boot is later than any before, so that what
   * somebody still writes who held the store earlier counts for nothing. Writes go on behind the lab's own.
   * @param seal of what may be replaced; null: whatever is there
   * @throws StoreError as `open`, ENOSPC, and 'store changed' where something else is stored than was sealed;
   * what was stored is then as it was
   */
  replace(lab: Replacement, seal?: string | null): Promise<LabRecord>;
  /**
   * Makes all ops of all commits durable at once, with the inputs that led to them, or nothing of it.
   * @param inputs those since the last write; without them the stored run cannot be done again from its
   *   beginning
   * @throws StoreError ENOSPC | EIO
   */
  write(commits: readonly StoreCommit[], inputs?: InputsPart | null): Promise<void>;
  /** Each member's files as the store itself gives them back. */
  read(): Promise<readonly DiskImage[]>;
  /**
   * Ends the work in the background. From then on the store is only closed.
   * @returns what names all that is stored: whoever opens, writes or replaces it later changes that
   * @throws StoreError 'store changed' where somebody else has opened it since; or EIO: then it goes on
   */
  seal(): Promise<string>;
  close(): Promise<void>;
  /** Forgets everything and closes. @throws StoreError 'store blocked' where another tab holds it open */
  destroy(): Promise<void>;
}
