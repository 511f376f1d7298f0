/** Turns records into frames whose checksums form a chain over the whole log. */
import { crc32c } from '../../base/checksum.ts';
import { WireWriter } from '../../base/wire.ts';
import { frameSize, writeFrame } from './record.ts';
import type { RecordParts, SummedRecord } from './record.ts';

export class Encoder {
  private runningCrc: number;

  /** @param crc the chain so far: 0 for a new log, else what the decoder or the segment before ended with */
  constructor(crc: number) {
    this.runningCrc = crc;
  }

  get crc(): number {
    return this.runningCrc;
  }

  /**
   * The frames of records, one behind the other. A crc record has null data: it leaves the chain as it is and
   * only states it.
   */
  encode(records: readonly RecordParts[]): Uint8Array {
    const summed = records.map((record) => this.sum(record));
    const writer = new WireWriter(summed.reduce((size, record) => size + frameSize(record), 0));
    for (const record of summed) writeFrame(writer, record);
    return writer.finish();
  }

  private sum({ type, data, tail }: RecordParts): SummedRecord {
    if (data !== null) this.runningCrc = crc32c(data, this.runningCrc);
    if (tail !== undefined) this.runningCrc = crc32c(tail, this.runningCrc);
    return { type, crc: this.runningCrc, data, tail };
  }
}
