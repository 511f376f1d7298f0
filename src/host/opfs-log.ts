/** The log of commits in a file: frames one behind the other, each with its place in the order. */
import { crc32c } from '../base/checksum.ts';
import { StoreError } from './page-store.ts';
import type { StoreWrite } from './store-record.ts';
import { damaged, unpackWrite } from './store-record.ts';

/** "QLF1", little-endian. */
const magic = 0x31464c51;
const headerBytes = 32;
const alignBytes = 8;

export interface LogFrame extends StoreWrite {
  readonly seq: number;
}

/**
 * A frame, little-endian: magic u32 | CRC-32C of the 24 bytes that follow, u32 | length of the record u32 |
 * zero u32 | boot f64 | number f64 | the record, with a checksum of its own | zeros up to a multiple of 8.
 * Numbers count up from 0 within a boot.
 */
export function packFrame(boot: number, seq: number, record: ArrayBuffer): Uint8Array {
  const frame = new Uint8Array(headerBytes + aligned(record.byteLength));
  const view = new DataView(frame.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(8, record.byteLength, true);
  view.setFloat64(16, boot, true);
  view.setFloat64(24, seq, true);
  view.setUint32(4, crc32c(frame, 0, 8, headerBytes), true);
  frame.set(new Uint8Array(record), headerBytes);
  return frame;
}

const aligned = (length: number): number => Math.ceil(length / alignBytes) * alignBytes;

interface Header {
  readonly length: number;
  readonly boot: number;
  readonly seq: number;
}

function headerAt(bytes: Uint8Array, view: DataView, at: number): Header | null {
  if (at + headerBytes > bytes.length || view.getUint32(at, true) !== magic) return null;
  if (view.getUint32(at + 4, true) !== crc32c(bytes, 0, at + 8, at + headerBytes)) return null;
  return {
    length: view.getUint32(at + 8, true),
    boot: view.getFloat64(at + 16, true),
    seq: view.getFloat64(at + 24, true),
  };
}

/**
 * Reads the frames of a boot up to the first that is torn. A write begins only when the one before is
 * durable, so no frame that counts can follow a torn one: where one does, the file is damaged.
 * @throws StoreError 'store damaged'
 */
export function readFrames(bytes: Uint8Array<ArrayBuffer>, boot: number, members: number): LogFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frames: LogFrame[] = [];
  let at = 0;
  for (;;) {
    const header = headerAt(bytes, view, at);
    if (header === null || header.boot !== boot) break;
    if (frames.length > 0 && header.seq !== frames[frames.length - 1].seq + 1) break;
    const from = at + headerBytes;
    const write = untorn(bytes.slice(from, from + header.length).buffer, members);
    if (write === null) break;
    frames.push({ seq: header.seq, ...write });
    at = from + aligned(header.length);
  }
  const last = frames.at(-1)?.seq ?? -1;
  for (let later = at + alignBytes; later + headerBytes <= bytes.length; later += alignBytes) {
    const header = headerAt(bytes, view, later);
    if (header?.boot === boot && header.seq > last)
      damaged('a record of the log is torn, and another follows');
  }
  return frames;
}

function untorn(record: ArrayBuffer, members: number): StoreWrite | null {
  try {
    return unpackWrite(record, members);
  } catch (error) {
    if (error instanceof StoreError) return null;
    throw error;
  }
}

/**
 * The frames of both log files from a number on, in order.
 * @throws StoreError 'store damaged' where one is missing
 */
export function joinFrames(logs: readonly (readonly LogFrame[])[], firstSeq: number): LogFrame[] {
  const frames = logs.flat().filter(({ seq }) => seq >= firstSeq);
  frames.sort((a, b) => a.seq - b.seq);
  frames.forEach(({ seq }, i) => {
    if (seq !== firstSeq + i) damaged('a record of the log is missing');
  });
  return frames;
}
