/**
 * What the page remembers of a stored lab in localStorage: a store of its own, so that a loss of the lab's is
 * seen.
 */
import type { LabState, StorageKind, StoreWitness } from './port.ts';
import { isCount } from './page-store.ts';

type Stored = Exclude<StorageKind, 'memory'>;

/** Written at most so often; a witness a second old still tells that there was something. */
const writeMs = 1000;

export class Witness {
  readonly #workspace: string;
  #written: StoreWitness | null = null;
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(workspace: string) {
    this.#workspace = workspace;
  }

  /** Of a lab in this store; null where nothing is remembered, or what is stands in no known form. */
  read(storage: Stored): StoreWitness | null {
    try {
      const text = localStorage.getItem(this.#key(storage)) ?? '{}';
      const { boot, commits, timeUs = 0 } = JSON.parse(text) as Partial<StoreWitness>;
      return isCount(boot) && isCount(commits) && isCount(timeUs) ? { storage, boot, commits, timeUs } : null;
    } catch {
      return null;
    }
  }

  /** Remembers how far the store has come. */
  see({ storage, boot, storedCommits: commits, storedUs: timeUs }: LabState): void {
    if (storage === 'memory') return;
    const isNew = this.#written?.boot !== boot;
    const now = performance.now();
    if (!isNew && (this.#written?.commits === commits || now - this.#writtenMs < writeMs)) return;
    this.#written = { boot, commits, timeUs };
    this.#writtenMs = now;
    this.#try(() => localStorage.setItem(this.#key(storage), JSON.stringify(this.#written)));
  }

  forget(storage: Stored): void {
    this.#written = null;
    this.#try(() => localStorage.removeItem(this.#key(storage)));
  }

  #key(storage: Stored): string {
    return `quorum-lab/${this.#workspace}${storage === 'opfs' ? '/opfs' : ''}`;
  }

  /** Where the page may not remember, there is no witness, and no harm. */
  #try(work: () => void): void {
    try {
      work();
    } catch {
      this.#written = null;
    }
  }
}
