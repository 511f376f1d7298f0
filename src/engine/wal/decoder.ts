/** Reads the records of a log's segments and tells an unfinished last write from a damaged file. */
import { crc32c } from '../../base/checksum.ts';
import { WireError } from '../../base/wire.ts';
import { WalError } from './errors.ts';
import {
  decodeFrameSize,
  decodeRecord,
  decodeRecordAtStart,
  frameHeaderBytes,
  recordSize,
  recordType,
} from './record.ts';
import type { WalRecord } from './record.ts';

/** A disk writes a sector wholly or not at all. */
const sectorBytes = 512;
/** No record is longer: what claims to be is damage. @source etcd wal/decoder.go maxWALEntrySizeLimit */
const maxRecordBytes = 10 * 1024 * 1024;

export class Decoder {
  private readonly segments: readonly Uint8Array[];
  private segment = 0;
  private readOffset = 0;
  private runningCrc = 0;
  private endsTorn = false;

  private readonly isChecked: boolean;

  /**
   * @param segments the files' bytes in order; only the last may end in an unfinished write
   * @param isChecked false: a planted mistake, see `Defects.walUnchecked`
   */
  constructor(segments: readonly Uint8Array[], isChecked = true) {
    this.segments = segments;
    this.isChecked = isChecked;
  }

  /** The checksum chain after the last record. */
  get crc(): number {
    return this.runningCrc;
  }

  /** Where the next record begins in its segment: after the last `next()`, the end of the sound records. */
  get offset(): number {
    return this.readOffset;
  }

  /** The log ended within a record: the write that it belonged to was never completed. */
  get torn(): boolean {
    return this.endsTorn;
  }

  /**
   * The next record, or null where the records end: at the file's end, at a zero length, or at a record of
   * the last segment that was written in part.
   * @throws WalError 'wal: max entry size limit exceeded' | 'unexpected EOF' | 'wal: bad record' |
   *   'walpb: crc mismatch' | 'wal: crc mismatch' when the files are damaged
   * @source etcd wal/decoder.go decodeRecord
   */
  next(): WalRecord | null {
    if (this.endsTorn) return null;
    while (this.segment < this.segments.length) {
      const bytes = this.segments[this.segment];
      const left = bytes.length - this.readOffset;
      if (left >= frameHeaderBytes && !isZero(bytes, this.readOffset, this.readOffset + frameHeaderBytes)) {
        return this.record(bytes);
      }
      if (!this.isLast() || !this.endsSector()) this.refuseWhole(bytes, 0);
      if (left > 0 && left < frameHeaderBytes) return this.unfinished();
      if (this.isLast()) return null;
      this.segment++;
      this.readOffset = 0;
    }
    return null;
  }

  private isLast(): boolean {
    return this.segment === this.segments.length - 1;
  }

  /** Whether the next length is the last of its sector: a power cut may have taken it and left its record. */
  private endsSector(): boolean {
    return (this.readOffset + frameHeaderBytes) % sectorBytes === 0;
  }

  private record(bytes: Uint8Array): WalRecord | null {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const { size, padding } = decodeFrameSize(view, this.readOffset);
    if (size + padding >= maxRecordBytes) {
      throw new WalError('wal: max entry size limit exceeded', `at byte ${this.readOffset}`);
    }
    if (padding !== (8 - (size % 8)) % 8) throw new WalError('wal: bad record', `a length ${this.where()}`);
    const from = this.readOffset + frameHeaderBytes;
    const end = from + size + padding;
    if (end > bytes.length) {
      this.refuseWhole(bytes, size);
      return this.unfinished();
    }
    const record = this.check(bytes.subarray(from, from + size), () => hasZeroSector(bytes, from, end));
    if (record !== null) this.readOffset = end;
    return record;
  }

  /** Decodes a record and takes it into the chain; a record that does not fit may have been torn. */
  private check(body: Uint8Array, isTorn: () => boolean): WalRecord | null {
    let record: WalRecord;
    try {
      record = decodeRecord(body);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      if (this.isLast() && isTorn()) return this.unfinished();
      throw new WalError('wal: bad record', `${error.message} ${this.where()}`);
    }
    if (record.type === recordType.crc) {
      if (this.runningCrc !== 0 && record.crc !== this.runningCrc)
        throw new WalError('wal: crc mismatch', this.where());
      this.runningCrc = record.crc;
      return record;
    }
    const crc = record.data === null ? this.runningCrc : crc32c(record.data, this.runningCrc);
    if (record.crc !== crc && this.isChecked) {
      if (this.isLast() && isTorn()) return this.unfinished();
      throw new WalError('walpb: crc mismatch', this.where());
    }
    this.runningCrc = crc;
    return record;
  }

  /**
   * A write that was never completed leaves no whole record behind a length that says otherwise: then the
   * length is damaged. Taken for an unfinished write, it would cut off all that follows, acknowledged or not.
   * etcd's repair does so.
   */
  private refuseWhole(bytes: Uint8Array, size: number): void {
    const record = decodeRecordAtStart(bytes.subarray(this.readOffset + frameHeaderBytes));
    if (record === null || record.type === 0 || recordSize(record) === size) return;
    // a segment begins with the checksum that its log goes on from, whatever that is
    const start = this.runningCrc === 0 ? record.crc : this.runningCrc;
    const crc = record.data === null ? start : crc32c(record.data, this.runningCrc);
    if (record.crc === crc) throw new WalError('wal: bad record', `its length is wrong ${this.where()}`);
  }

  private unfinished(): null {
    if (!this.isLast()) throw new WalError('unexpected EOF', this.where());
    this.endsTorn = true;
    return null;
  }

  private where(): string {
    return `in segment ${this.segment} at byte ${this.readOffset}`;
  }
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Whether a part of [from, end) that lies in one sector is all zero: that sector was never written. */
function hasZeroSector(bytes: Uint8Array, from: number, end: number): boolean {
  for (let start = from; start < end;) {
    const stop = Math.min(end, start - (start % sectorBytes) + sectorBytes);
    if (isZero(bytes, start, stop)) return true;
    start = stop;
  }
  return false;
}
