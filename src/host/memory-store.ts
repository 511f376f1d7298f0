/** A store that keeps files in memory only: where the browser refuses storage, and in tests. */
import type { DiskImage } from '../engine/server/types.ts';
import { ChunkedFile } from '../sim/chunked-file.ts';
import { applyStoreOps, toImage } from '../sim/store-ops.ts';
import type { StoreCommit } from '../sim/types.ts';
import type { LabRecord, LabSetup, PageStore, Replacement, StoredLab } from './page-store.ts';
import { storeFormat } from './page-store.ts';
import type { InputsPart } from './stored-inputs.ts';
import { beginBoot, InputsFolder, noInputs } from './stored-inputs.ts';

/** A member's files, ready for store ops. */
export function fromImage(image: DiskImage): Map<string, ChunkedFile> {
  return new Map([...image].map(([name, bytes]) => [name, ChunkedFile.from(bytes)]));
}

/** Opened again, the same object holds what was written: a reload, as far as memory can have one. */
export class MemoryStore implements PageStore {
  readonly kind = 'memory';
  #record: LabRecord | null = null;
  #files: Map<string, ChunkedFile>[] = [];
  /** Takes this boot's writes. */
  #inputs = new InputsFolder(noInputs, 0);

  /** @param stored what another store held, to go on from without writing to it */
  constructor(stored: StoredLab | null = null) {
    if (stored === null || stored.fresh) return;
    this.#record = stored.record;
    this.#files = stored.images.map(fromImage);
    this.#inputs = new InputsFolder(stored.inputs, stored.record.boot);
  }

  async open(setup: LabSetup): Promise<StoredLab> {
    const before = this.#record;
    const record = before ?? { formatVersion: storeFormat, ...setup, boot: 0, timeUs: 0 };
    const opened = { ...record, boot: record.boot + 1 };
    this.#record = opened;
    if (before === null) this.#files = Array.from({ length: setup.members }, () => new Map());
    const images = await this.read();
    const inputs = beginBoot(before === null ? noInputs : this.#inputs.finish(), opened, images);
    this.#inputs = new InputsFolder(inputs, opened.boot);
    return { record: opened, fresh: before === null, images, inputs };
  }

  async replace({ record, images, inputs }: Replacement): Promise<LabRecord> {
    const boot = Math.max(record.boot, (this.#record?.boot ?? 0) + 1);
    this.#record = { ...record, boot };
    this.#files = images.map(fromImage);
    this.#inputs = new InputsFolder(inputs, boot);
    return this.#record;
  }

  /** Nobody else has it. */
  async seal(): Promise<string> {
    return 'memory';
  }

  async write(commits: readonly StoreCommit[], inputs: InputsPart | null = null): Promise<void> {
    this.#inputs.add(commits, inputs);
    for (const commit of commits) {
      // members may be added later
      while (this.#files.length < commit.member) this.#files.push(new Map());
      applyStoreOps(this.#files[commit.member - 1], commit.ops);
      if (this.#record === null) continue;
      this.#record = { ...this.#record, timeUs: Math.max(this.#record.timeUs, commit.timeUs) };
    }
  }

  async read(): Promise<readonly DiskImage[]> {
    return this.#files.map(toImage);
  }

  async close(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#record = null;
    this.#files = [];
  }
}
