/** A run as a text short enough for an address: its few facts, squeezed and spelled in letters. */
import type { Result } from './port.ts';
import { badRun, readRunText, type Run } from './run-schema.ts';

/** Longer texts are no links; what they unfold to may not be longer than this either. */
const mostLetters = 8192;
const mostBytes = 1024 * 1024;

/** The part of an address after `#`. */
const prefix = 'run=';

/**
 * A run as the part of an address after `#`.
 * @returns or the code 'bad run' where it does not fit into one
 */
export async function linkOf(run: Run): Promise<Result<{ fragment: string }>> {
  const { interventions, ...facts } = run;
  const whole = { format: 'qlrun', version: 1, boot: 1, startedFromStore: false, ...facts, interventions };
  const bytes = await through(
    new TextEncoder().encode(JSON.stringify(whole)),
    new CompressionStream('deflate-raw'),
  );
  const letters = toLetters(bytes ?? new Uint8Array(0));
  if (bytes === null || letters.length > mostLetters)
    return badRun('This run has too many actions for a link: save it as a file.');
  return { ok: true, fragment: prefix + letters };
}

/**
 * Reads what `linkOf` made; whatever it is given, it ends soon and takes little memory.
 * @param fragment the address from `#` on
 * @returns or the code 'bad run'
 */
export async function readLink(fragment: string): Promise<Result<{ run: Run }>> {
  const letters = fragment.replace(/^#/, '').slice(prefix.length);
  const squeezed = letters.length > mostLetters ? null : fromLetters(letters);
  if (squeezed === null) return badRun('The link is damaged: it is no text of a run.');
  const bytes = await through(squeezed, new DecompressionStream('deflate-raw'));
  if (bytes === null) return badRun('The link is damaged, or unfolds to more than a run may be.');
  return readRunText(new TextDecoder().decode(bytes));
}

/** Null where the stream fails, or gives more than it may. */
async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      parts.push(next.value);
      length += next.value.length;
      if (length <= mostBytes) continue;
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

/** Base64 as addresses take it: `-` and `_`, without `=`. */
function toLetters(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Null where it is not Base64. */
function fromLetters(letters: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[\w-]+$/.test(letters)) return null;
  try {
    const text = atob(letters.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}
