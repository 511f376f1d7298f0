/** The files that a run began with, as a text in its file: packed, squeezed, spelled in letters. */
import { crc32c } from '../base/checksum.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { DiskImage } from '../engine/server/types.ts';
import type { Result } from './port.ts';
import { mostMembers } from './page-store.ts';
import { fromLetters, squeezed, toLetters, unfolded } from './squeeze.ts';
import { longestName } from './store-record.ts';
import { Breath } from './wall-clock.ts';

/** What a run file holds at most: members' files as they are, and as letters. */
export const imageLimits = { bytes: 64 * 1024 * 1024, letters: 12 * 1024 * 1024, files: 4096 } as const;

/** "QLD1", little-endian. */
const magic = 0x31444c51;
const headerBytes = 12;
/** Checked between two looks at the clock. */
const sliceBytes = 1024 * 1024;

/**
 * Packs, little-endian: magic u32 | CRC-32C of all that follows u32 | file count u32 | files, by member and
 * name. A file: member u32 | name and data, each: length u32 | bytes.
 * @returns null where it is more than a run file holds
 */
export async function packImages(images: readonly DiskImage[]): Promise<string | null> {
  const files = images.flatMap((image, i) =>
    [...image.keys()].sort().map((name) => ({
      member: i + 1,
      name: encodeUtf8(name),
      data: image.get(name) as Uint8Array,
    })),
  );
  const size = files.reduce((sum, { name, data }) => sum + 12 + name.length + data.length, headerBytes);
  if (size > imageLimits.bytes || files.length > imageLimits.files) return null;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(8, files.length, true);
  let at = headerBytes;
  const put = (part: Uint8Array): void => {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  };
  for (const { member, name, data } of files) {
    view.setUint32(at, member, true);
    at += 4;
    put(name);
    put(data);
  }
  view.setUint32(4, await checksum(bytes), true);
  const small = await squeezed(bytes, Math.floor((imageLimits.letters * 3) / 4));
  return small === null ? null : toLetters(small);
}

/** Of all behind the header's first half. */
async function checksum(bytes: Uint8Array): Promise<number> {
  const breath = new Breath();
  let crc = 0;
  for (let at = 8; at < bytes.length; at += sliceBytes) {
    crc = crc32c(bytes, crc, at, Math.min(bytes.length, at + sliceBytes));
    if (breath.isDue) await breath.take();
  }
  return crc >>> 0;
}

type Refusal = { readonly ok: false; readonly code: 'bad run'; readonly message: string };
const refused = (why: string): Refusal => ({
  ok: false,
  code: 'bad run',
  message: `The files that it began with cannot be read: ${why}.`,
});

/**
 * Reads what `packImages` made, a little at a time, whatever it is given.
 * @param members the run's first members: there is an image for each, and for those behind that have files
 * @returns or the code 'bad run'
 */
export async function unpackImages(
  letters: string,
  members: number,
): Promise<Result<{ images: readonly DiskImage[] }>> {
  if (letters.length > imageLimits.letters) return refused('they are too many');
  const small = await fromLetters(letters);
  if (small === null) return refused('their text is damaged');
  const bytes = await unfolded(small, imageLimits.bytes);
  if (bytes === null) return refused('they are damaged, or unfold to more than a run may hold');
  if (bytes.length < headerBytes) return refused('they are cut short');
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) !== magic) return refused('they are in no form that is known');
  if (view.getUint32(4, true) !== (await checksum(bytes))) return refused('they fail their checksum');
  return imagesIn(bytes, view, members);
}

function imagesIn(
  bytes: Uint8Array,
  view: DataView,
  members: number,
): Result<{ images: readonly DiskImage[] }> {
  const count = view.getUint32(8, true);
  if (count > imageLimits.files) return refused('they are too many');
  const images = Array.from({ length: mostMembers }, () => new Map<string, Uint8Array>());
  let at = headerBytes;
  const take = (): Uint8Array | null => {
    if (at + 4 > bytes.length) return null;
    const from = at + 4;
    const end = from + view.getUint32(at, true);
    if (end > bytes.length) return null;
    at = end;
    return bytes.subarray(from, end);
  };
  let most = members;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) return refused('they are cut short');
    const member = view.getUint32(at, true);
    at += 4;
    const [named, data] = [take(), take()];
    if (named === null || data === null) return refused('they are cut short');
    const name = named.length > longestName ? '' : decodeUtf8(named);
    if (member < 1 || member > mostMembers || name === '') return refused('one has no proper name');
    if (images[member - 1].has(name)) return refused('two have the same name');
    images[member - 1].set(name, data);
    most = Math.max(most, member);
  }
  if (at !== bytes.length) return refused('there is more than its list says');
  return { ok: true, images: images.slice(0, most) };
}
