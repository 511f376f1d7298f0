/** Turns records into frames whose checksums form a chain over the whole log. */
import { crc32c } from '../../base/checksum.ts';
import { encodeFrame } from './record.ts';

export class Encoder {
  private runningCrc: number;

  /** @param crc the chain so far: 0 for a new log, else what the decoder or the segment before ended with */
  constructor(crc: number) {
    this.runningCrc = crc;
  }

  get crc(): number {
    return this.runningCrc;
  }

  /** A crc record has null data: it leaves the chain as it is and only states it. */
  encode(type: number, data: Uint8Array | null): Uint8Array {
    if (data !== null) this.runningCrc = crc32c(data, this.runningCrc);
    return encodeFrame({ type, crc: this.runningCrc, data });
  }
}
