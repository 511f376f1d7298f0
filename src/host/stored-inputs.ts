/** How a stored lab came to hold its files: the inputs of each boot, and what was stored of what they did. */
import { crc32c } from '../base/checksum.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { DiskImage } from '../engine/server/types.ts';
import { chainText, firstChain } from '../sim/chain-hash.ts';
import type { Intervention, StoreCommit } from '../sim/types.ts';
import { isCount, mostMembers } from './page-store.ts';
import { damaged } from './store-record.ts';

/** A longer history is let go of: the files are then the run's beginning. */
export const inputLimits = { interventions: 10_000, boots: 1000, textLength: 4 * 1024 * 1024 } as const;

/** Rides with a write to the store: both are there, or neither. */
export interface InputsPart {
  /** Those since the last part, in order. */
  readonly interventions: readonly Intervention[];
  /** The last moment between two plans; at most one plan later all of the write's commits are made. */
  readonly moment: number;
  /** Sixteen hex digits: the chain hash there. */
  readonly chainHash: string;
}

/** How far a boot had come when its last write was handed to the store. */
export interface BootEnd {
  readonly moment: number;
  readonly chainHash: string;
  /**
   * Which of each member's commits the store holds (index 0 is member 1), as spans, ascending: first, last,
   * first, last... One that the store refused is in none.
   */
  readonly stored: readonly (readonly number[])[];
}

/** One boot of a stored lab. With its beginning's files and the lab's own facts this is the whole run. */
export interface BootInputs {
  readonly boot: number;
  readonly startUs: number;
  /** `filesChecksum` of what it began with. */
  readonly files: number;
  readonly interventions: readonly Intervention[];
  /** Moment 0: nothing of it was stored. */
  readonly end: BootEnd;
}

/**
 * The boots so far, ascending; one that is not there stored nothing. Where the first is boot 1, which began
 * with empty disks, all of them can be done again; else what came before the first is not known. An empty
 * list: nothing is.
 */
export interface StoredInputs {
  readonly boots: readonly BootInputs[];
}

export const noInputs: StoredInputs = { boots: [] };

/** Whether all boots can be done again from empty disks. */
export const reachesGenesis = ({ boots }: StoredInputs): boolean =>
  boots.length > 0 && boots[0].boot === 1 && boots[0].files === filesChecksum([]);

/** CRC-32C over all members' files: their names, sizes and bytes, whatever order they are listed in. */
export function filesChecksum(images: readonly DiskImage[]): number {
  let crc = 0;
  images.forEach((image, i) => {
    for (const name of [...image.keys()].sort()) {
      const bytes = image.get(name) as Uint8Array;
      crc = crc32c(encodeUtf8(JSON.stringify([i + 1, name, bytes.length])), crc);
      crc = crc32c(bytes, crc);
    }
  });
  return crc >>> 0;
}

/** The history with a boot that begins: the lab was opened. */
export function beginBoot(
  before: StoredInputs,
  { boot, timeUs }: { readonly boot: number; readonly timeUs: number },
  images: readonly DiskImage[],
): StoredInputs {
  const end = { moment: 0, chainHash: chainText(firstChain), stored: [] };
  const begun = { boot, startUs: timeUs, files: filesChecksum(images), interventions: [], end };
  return bounded({ boots: [...before.boots, begun] });
}

/**
 * The history of a lab that goes on, with all that was done so far in its present boot, the last one.
 * @param stored how many commits of each member there were in it; index 0 is member 1
 */
export function withPresent(begun: StoredInputs, part: InputsPart, stored: readonly number[]): StoredInputs {
  const last = begun.boots.at(-1);
  if (last === undefined) return noInputs;
  const { interventions, moment, chainHash } = part;
  const spans = stored.map((count) => (count === 0 ? [] : [1, count]));
  const present = { ...last, interventions, end: { moment, chainHash, stored: spans } };
  return bounded({ boots: [...begun.boots.slice(0, -1), present] });
}

/** A history past its limits is worth nothing: neither is one that misses a part. */
function bounded(inputs: StoredInputs): StoredInputs {
  const count = inputs.boots.reduce((sum, { interventions }) => sum + interventions.length, 0);
  if (inputs.boots.length > inputLimits.boots || count > inputLimits.interventions) return noInputs;
  return JSON.stringify(inputs).length > inputLimits.textLength ? noInputs : inputs;
}

/** Adds the writes of one boot to a history, in order. */
export class InputsFolder {
  readonly #before: StoredInputs;
  readonly #begun: BootInputs | null;
  readonly #interventions: Intervention[];
  readonly #stored: number[][];
  #isLost = false;
  #end: InputsPart | null = null;

  /**
   * @param boot the store's, in which the writes came. The history's last boot is theirs: it has an earlier
   *   number where its lab was put into a store that had been opened more often.
   */
  constructor(before: StoredInputs, boot: number) {
    const last = before.boots.at(-1);
    this.#before = before;
    this.#begun = last !== undefined && last.boot <= boot ? last : null;
    this.#interventions = [...(this.#begun?.interventions ?? [])];
    this.#stored = (this.#begun?.end.stored ?? []).map((spans) => [...spans]);
  }

  /** @param part null: nobody knows how these commits came about */
  add(commits: readonly StoreCommit[], part: InputsPart | null): void {
    if (part === null || this.#begun === null) this.#isLost = true;
    if (part === null || this.#isLost) return;
    for (const one of part.interventions) this.#interventions.push(one);
    for (const { member, commit } of commits) this.#addCommit(member, commit);
    this.#end = part;
  }

  finish(): StoredInputs {
    if (this.#isLost) return noInputs;
    if (this.#begun === null || this.#end === null) return this.#before;
    const { moment, chainHash } = this.#end;
    const end = { moment, chainHash, stored: this.#stored.map((spans) => [...spans]) };
    const boot = { ...this.#begun, interventions: [...this.#interventions], end };
    return bounded({ boots: [...this.#before.boots.slice(0, -1), boot] });
  }

  #addCommit(member: number, commit: number): void {
    while (this.#stored.length < member) this.#stored.push([]);
    const spans = this.#stored[member - 1];
    const last = spans.at(-1);
    if (last !== undefined && commit <= last) this.#isLost = true;
    else if (last !== undefined && commit === last + 1) spans[spans.length - 1] = commit;
    else spans.push(commit, commit);
  }
}

/** "QLI1", little-endian. */
const magic = 0x31494c51;
const headerBytes = 8;

/** A history as bytes, little-endian: magic u32 | CRC-32C of the rest, u32 | JSON as UTF-8. */
export function packInputs(inputs: StoredInputs): ArrayBuffer {
  const text = encodeUtf8(JSON.stringify(inputs));
  const bytes = new Uint8Array(headerBytes + text.length);
  const view = new DataView(bytes.buffer);
  bytes.set(text, headerBytes);
  view.setUint32(0, magic, true);
  view.setUint32(4, crc32c(text), true);
  return bytes.buffer;
}

/**
 * Reads what `packInputs` made; a store of an earlier format has none.
 * @throws StoreError 'store damaged' on anything else
 */
export function unpackInputs(value: unknown): StoredInputs {
  if (value === undefined) return noInputs;
  if (!(value instanceof ArrayBuffer) || value.byteLength < headerBytes)
    return damaged('its inputs are none');
  const view = new DataView(value);
  const text = new Uint8Array(value, headerBytes);
  if (view.getUint32(0, true) !== magic || view.getUint32(4, true) !== crc32c(text))
    return damaged('its inputs fail their checksum');
  return checkInputs(parsedJson(text));
}

/** @throws StoreError 'store damaged' */
export function parsedJson(text: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(text));
  } catch {
    return damaged('a text in it is no JSON');
  }
}

/**
 * Checks the form of a history; what an action says is checked where a run is read.
 * @throws StoreError 'store damaged'
 */
export function checkInputs(value: unknown): StoredInputs {
  const { boots } = (value ?? {}) as Partial<StoredInputs>;
  if (!Array.isArray(boots) || boots.length > inputLimits.boots)
    return damaged('its inputs are no list of boots');
  let last = 0;
  const checked = (boots as unknown[]).map((one): BootInputs => {
    const { boot, startUs, files, interventions, end } = (one ?? {}) as Partial<BootInputs>;
    const whole = isCount(boot) && boot > last && isCount(startUs) && isCount(files) && files < 2 ** 32;
    if (!whole) return damaged('a boot among its inputs has a wrong field');
    last = boot;
    const part = checkPart({ ...end, interventions });
    return { boot, startUs, files, interventions: part.interventions, end: checkEnd(end) };
  });
  return { boots: checked };
}

function checkEnd(value: unknown): BootEnd {
  const { moment, chainHash, stored } = value as BootEnd;
  const isSpans = (spans: unknown): boolean =>
    Array.isArray(spans) &&
    spans.length % 2 === 0 &&
    spans.every((at, i) => isCount(at) && (i === 0 || at >= spans[i - 1]));
  if (!Array.isArray(stored) || stored.length > mostMembers || !stored.every(isSpans))
    return damaged('the end of a boot has a wrong field');
  return { moment, chainHash, stored };
}

/** Checks a part as it came from the store. @throws StoreError 'store damaged' */
export function checkPart(value: unknown): InputsPart {
  const { interventions, moment, chainHash } = (value ?? {}) as Partial<InputsPart>;
  const isHash = typeof chainHash === 'string' && /^[0-9a-f]{16}$/.test(chainHash);
  if (!isCount(moment) || !isHash || !Array.isArray(interventions))
    return damaged('its inputs have a wrong field');
  for (const one of interventions as (Partial<Intervention> | null)[]) {
    const { moment: at, action } = one ?? {};
    if (!isCount(at) || typeof action !== 'object' || action === null || typeof action.type !== 'string')
      damaged('an action among its inputs is none');
  }
  return { interventions, moment, chainHash };
}
