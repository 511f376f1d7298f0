/**
 * Storage buckets: a part of the browser's storage with a quota of its own, which the browser keeps to, and
 * which can be dropped as a whole, under whoever holds it open. Chromium has them.
 */
import { crc32c } from '../base/checksum.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { StoreError } from './page-store.ts';

/** The parts of a StorageBucket that are used here. */
interface Bucket {
  readonly indexedDB: IDBFactory;
  estimate(): Promise<StorageEstimate>;
}

interface Buckets {
  open(name: string, options?: { readonly quota?: number; readonly durability?: 'strict' }): Promise<Bucket>;
  delete(name: string): Promise<void>;
}

/** A stored lab's name, and of how many MiB its bucket is; null: it is in none. */
export interface StorePlace {
  readonly workspace: string;
  readonly bucketMiB?: number | null | undefined;
}

const mib = 1024 * 1024;
export const mostBucketMiB = 512;

/** Whether a bucket may have so many MiB; none at all may be asked for too. */
export const isBucketSize = (given: number | null | undefined): boolean =>
  !isInBucket(given) || (Number.isSafeInteger(given) && given >= 1 && given <= mostBucketMiB);

/** Null where this context has none: another browser, or a frame that may not store. */
function buckets(): Buckets | null {
  try {
    return (globalThis.navigator as { storageBuckets?: Buckets } | undefined)?.storageBuckets ?? null;
  } catch {
    return null;
  }
}

export const hasBuckets = (): boolean => buckets() !== null;

/**
 * What names a stored lab everywhere: its database, its lock and its witness. A lab in a bucket is another
 * one than the lab of the same name outside.
 */
export const placeName = ({ workspace, bucketMiB }: StorePlace): string =>
  isInBucket(bucketMiB) ? `${workspace}/bucket-${bucketMiB}` : workspace;

const isInBucket = (bucketMiB: number | null | undefined): bucketMiB is number =>
  bucketMiB !== undefined && bucketMiB !== null;

/** Buckets take small letters, digits, `-` and `_`, 64 at most: the checksum tells alike names apart. */
function bucketName(place: StorePlace): string {
  const name = placeName(place);
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9-]/g, '_');
  return `lab-${crc32c(encodeUtf8(name)).toString(16)}-${plain.slice(0, 48)}`;
}

/** Opens a lab's bucket, and makes it where there is none. @throws StoreError 'store refused' */
async function openBucket(place: StorePlace, bucketMiB: number): Promise<Bucket> {
  const own = buckets();
  if (own === null) throw new StoreError('store refused', 'This browser has no storage buckets.');
  try {
    return await own.open(bucketName(place), { quota: bucketMiB * mib, durability: 'strict' });
  } catch (error) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new StoreError('store refused', `The browser opens no bucket (${text}).`);
  }
}

/** Where a lab's database is. @throws StoreError 'store refused' */
export async function databasesOf(place: StorePlace): Promise<IDBFactory> {
  const { bucketMiB } = place;
  return isInBucket(bucketMiB) ? (await openBucket(place, bucketMiB)).indexedDB : indexedDB;
}

/** Deletes a lab's bucket with all that is in it; false where it is in none. Who holds it open loses it. */
export async function deleteBucket(place: StorePlace): Promise<boolean> {
  if (!isInBucket(place.bucketMiB)) return false;
  await buckets()?.delete(bucketName(place));
  return true;
}

/** What a lab's bucket holds and may hold, bytes; null where it is in none, or there is none yet. */
export async function bucketUse(place: StorePlace): Promise<{ usage: number; quota: number } | null> {
  const { bucketMiB } = place;
  if (!isInBucket(bucketMiB)) return null;
  try {
    const { usage = 0, quota = bucketMiB * mib } = await (await openBucket(place, bucketMiB)).estimate();
    return { usage, quota };
  } catch {
    return null;
  }
}
