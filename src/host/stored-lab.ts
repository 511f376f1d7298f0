/** What stored data must look like and what their faults mean, in whichever of the browser's stores. */
import type { LabRecord } from './page-store.ts';
import { isCount, StoreError, storeFormat } from './page-store.ts';
import { readSettings } from './settings-schema.ts';
import { damaged } from './store-record.ts';

/**
 * Checks a lab's record as it came from the store.
 * @throws StoreError 'store format' where another version of the lab wrote it, 'store damaged' where none did
 */
export function checkRecord(value: unknown): LabRecord | null {
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null) damaged('its record is no record');
  const record = value as Partial<LabRecord>;
  if (record.formatVersion !== storeFormat && record.formatVersion !== 1) {
    throw new StoreError(
      'store format',
      `The stored lab has format ${String(record.formatVersion)}; this version reads 1 and ${storeFormat}. ` +
        'Open it with the version that wrote it, or delete the stored data.',
    );
  }
  const { seed, members, preVote, boot, timeUs } = record;
  // labs that were stored before there were settings have none
  const settings = readSettings(record.settings ?? {});
  const whole = isCount(seed) && isCount(boot) && isCount(timeUs) && typeof preVote === 'boolean';
  if (settings === null || !whole || !isCount(members) || members < 1 || members > 9)
    damaged('its record has a wrong field');
  return { formatVersion: record.formatVersion, seed, members, preVote, settings, boot, timeUs };
}

/** What a failed request, transaction or file of the browser's means for a disk. */
export function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const name = (error as { name?: unknown } | null)?.name;
  const text = (error as { message?: unknown } | null)?.message;
  const detail = `${String(name)}${typeof text === 'string' && text !== '' ? `: ${text}` : ''}`;
  if (name === 'QuotaExceededError') {
    return new StoreError(
      'ENOSPC',
      `The browser's storage is full (${detail}). Delete data of this site to go on.`,
    );
  }
  if (name === 'VersionError') {
    return new StoreError('store format', `A newer version of the lab wrote the stored data (${detail}).`);
  }
  if (name === 'NoModificationAllowedError') {
    return new StoreError('store blocked', 'Another tab holds the stored lab open; close it and try again.');
  }
  return new StoreError('EIO', `The browser's storage failed (${detail}).`);
}
