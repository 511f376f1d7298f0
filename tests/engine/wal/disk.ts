/** A disk for the log's tests: a page cache that a power cut loses, keeps or tears, sector by sector. */
import type { WalSink } from '../../../src/engine/wal/wal.ts';

type Change =
  | { readonly kind: 'write'; readonly file: string; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly file: string; readonly sizeBytes: number }
  | { readonly kind: 'remove'; readonly file: string };

const sectorBytes = 512;

function apply(files: Map<string, Uint8Array>, change: Change): void {
  const before = files.get(change.file) ?? new Uint8Array(0);
  if (change.kind === 'remove') files.delete(change.file);
  else if (change.kind === 'truncate') files.set(change.file, before.slice(0, change.sizeBytes));
  else {
    const after = new Uint8Array(Math.max(before.length, change.offset + change.data.length));
    after.set(before);
    after.set(change.data, change.offset);
    files.set(change.file, after);
  }
}

/** The parts of a write that lie in one sector each. */
function sectorsOf(change: Change): Change[] {
  if (change.kind !== 'write') return [change];
  const parts: Change[] = [];
  const end = change.offset + change.data.length;
  for (let from = change.offset; from < end;) {
    const to = Math.min(end, from - (from % sectorBytes) + sectorBytes);
    const data = change.data.subarray(from - change.offset, to - change.offset);
    parts.push({ kind: 'write', file: change.file, offset: from, data });
    from = to;
  }
  return parts;
}

export class TestDisk implements WalSink {
  /** What the process sees. */
  readonly files = new Map<string, Uint8Array>();
  readonly log: string[] = [];
  #durable = new Map<string, Uint8Array>();
  #cached: Change[] = [];
  readonly #syncs: string[] = [];

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.files = new Map(files);
    this.#durable = new Map(files);
  }

  write(file: string, offset: number, data: Uint8Array): void {
    this.#change({ kind: 'write', file, offset, data });
  }

  truncate(file: string, sizeBytes: number): void {
    this.#change({ kind: 'truncate', file, sizeBytes });
  }

  remove(file: string): void {
    this.#change({ kind: 'remove', file });
  }

  sync(file: string): void {
    this.log.push(`sync ${file}`);
    this.#syncs.push(file);
  }

  /** Completes the oldest sync: everything cached of its file is durable (later writes too, as a disk may do). */
  completeSync(): void {
    const file = this.#syncs.shift();
    for (const change of this.#cached) if (change.file === file) apply(this.#durable, change);
    this.#cached = this.#cached.filter((change) => change.file !== file);
  }

  /** What is on the disk after a power cut: `survives` is asked for each sector that no sync had covered. */
  powerCut(survives: () => boolean): Map<string, Uint8Array> {
    const files = new Map(this.#durable);
    for (const change of this.#cached) {
      for (const part of sectorsOf(change)) if (part.kind !== 'write' || survives()) apply(files, part);
    }
    return files;
  }

  /** The process is gone, and who waited for its syncs; the page cache stays. */
  kill(): void {
    this.#syncs.length = 0;
  }

  #change(change: Change): void {
    this.log.push(`${change.kind} ${change.file}`);
    this.#cached.push(change);
    apply(this.files, change);
  }
}
