/** What a lab's files are, and how far they have come: two slots, written in turn, so that one is whole. */
import { crc32c } from '../base/checksum.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { LabRecord } from './page-store.ts';
import { isCount, mostMembers } from './page-store.ts';
import { damaged, largestFileBytes, longestName } from './store-record.ts';
import type { StoredInputs } from './stored-inputs.ts';
import { checkInputs, noInputs, parsedJson } from './stored-inputs.ts';
import { checkRecord } from './stored-lab.ts';

/** "QLM1", little-endian. */
const magic = 0x314d4c51;
const headerBytes = 12;
/** All files of a lab together: more than this no lab writes. */
const largestLabBytes = 1024 * 1024 * 1024;

/** A member's file: kept in the file `f<id>`, whatever its name is. */
export interface OpfsFileRecord {
  readonly member: number;
  readonly name: string;
  readonly id: number;
  readonly sizeBytes: number;
  /** CRC-32C of each extent without its trailing zeros; an extent past the list's end is all zeros. */
  readonly crcs: readonly number[];
}

export interface OpfsMeta {
  /** Counts up with each write; the slot with the higher one counts. */
  readonly generation: number;
  readonly record: LabRecord;
  /** Without what the log's frames hold of them. */
  readonly inputs: StoredInputs;
  /** Log frames from this number on are still to be brought into the files. */
  readonly firstSeq: number;
  /** True: the files may hold parts of what the log's frames change. */
  readonly folding: boolean;
  /** Greater than any file's. */
  readonly nextId: number;
  readonly files: readonly OpfsFileRecord[];
}

/** A slot, little-endian: magic u32 | CRC-32C of all that follows u32 | length u32 | the meta as JSON. */
export function packMeta(meta: OpfsMeta): Uint8Array {
  const text = encodeUtf8(JSON.stringify(meta));
  const bytes = new Uint8Array(headerBytes + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(8, text.length, true);
  bytes.set(text, headerBytes);
  view.setUint32(4, crc32c(bytes, 0, 8), true);
  return bytes;
}

/** Null where the slot is torn. @throws StoreError 'store format' | 'store damaged' */
function unpackMeta(bytes: Uint8Array): OpfsMeta | null {
  if (bytes.length < headerBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = headerBytes + view.getUint32(8, true);
  if (view.getUint32(0, true) !== magic || end > bytes.length) return null;
  if (view.getUint32(4, true) !== crc32c(bytes, 0, 8, end)) return null;
  return checkMeta(parsedJson(bytes.subarray(headerBytes, end)));
}

function checkMeta(value: unknown): OpfsMeta {
  const { generation, record, inputs, firstSeq, folding, nextId, files } = (value ?? {}) as Partial<OpfsMeta>;
  const checked = checkRecord(record);
  const whole = isCount(generation) && isCount(firstSeq) && isCount(nextId) && typeof folding === 'boolean';
  if (checked === null || !whole || !Array.isArray(files)) return damaged('its record has a wrong field');
  let total = 0;
  for (const file of files as (Partial<OpfsFileRecord> | null)[]) {
    const { member, name, id, sizeBytes, crcs } = file ?? {};
    if (!isCount(member) || member < 1 || member > mostMembers) damaged('a file belongs to no member');
    if (typeof name !== 'string' || name === '' || name.length > longestName)
      damaged('a file has no proper name');
    if (!isCount(id) || id >= nextId) damaged('a file has no proper number');
    if (!isCount(sizeBytes) || sizeBytes > largestFileBytes) return damaged('a file has a wrong size');
    if (!Array.isArray(crcs) || !crcs.every(isCount)) damaged('a file has no proper checksums');
    total += sizeBytes;
  }
  if (total > largestLabBytes) damaged('its files claim too many bytes');
  // the first format had no inputs
  const history = inputs === undefined ? noInputs : checkInputs(inputs);
  return { generation, record: checked, inputs: history, firstSeq, folding, nextId, files };
}

/**
 * The slot that counts; null where the lab was never made. One slot is written at a time, so at most one may
 * be torn.
 * @param logged whether there is anything in the log
 * @throws StoreError 'store format' | 'store damaged'
 */
export function chooseMeta(slots: readonly Uint8Array[], logged: boolean): OpfsMeta | null {
  const metas = slots.map(unpackMeta).filter((meta) => meta !== null);
  metas.sort((a, b) => b.generation - a.generation);
  if (metas.length > 0) return metas[0];
  if (logged || slots.every((slot) => slot.length > 0)) damaged('neither of its two records is whole');
  return null;
}
