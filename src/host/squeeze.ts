/** Bytes squeezed and spelled in letters, and back: bounded, and a little at a time. */
import { Breath } from './wall-clock.ts';

/** Null where `most` bytes would not hold it. */
export function squeezed(bytes: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array | null> {
  return through(bytes, new CompressionStream('deflate-raw'), most);
}

/** Null where it is nothing that was squeezed, or unfolds to more than `most` bytes. */
export function unfolded(
  bytes: Uint8Array<ArrayBuffer>,
  most: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  return through(bytes, new DecompressionStream('deflate-raw'), most);
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      parts.push(next.value);
      length += next.value.length;
      if (length <= most) continue;
      await reader.cancel();
      return null;
    }
  } catch {
    return null;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Multiples of 3 and of 4: each slice is spelled by itself. */
const sliceBytes = 24_576;
const sliceLetters = 32_768;

/** Base64 as addresses take it: `-` and `_`, without `=`. */
export async function toLetters(bytes: Uint8Array): Promise<string> {
  const breath = new Breath();
  const slices: string[] = [];
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    const codes = String.fromCharCode(...bytes.subarray(at, at + sliceBytes));
    slices.push(btoa(codes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''));
    if (breath.isDue) await breath.take();
  }
  return slices.join('');
}

/** Null where it is not Base64 as addresses take it. */
export async function fromLetters(letters: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const breath = new Breath();
  const bytes = new Uint8Array(Math.floor((letters.length * 3) / 4));
  let length = 0;
  for (let at = 0; at < letters.length; at += sliceLetters) {
    const slice = letters.slice(at, at + sliceLetters);
    if (!/^[\w-]+$/.test(slice)) return null;
    try {
      const codes = atob(slice.replaceAll('-', '+').replaceAll('_', '/'));
      for (let i = 0; i < codes.length; i++) bytes[length++] = codes.charCodeAt(i);
    } catch {
      return null;
    }
    if (breath.isDue) await breath.take();
  }
  return bytes.slice(0, length);
}
