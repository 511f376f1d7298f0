/** `npm run fuzz -- crash`: a power cut at every write of random commits; what is found must be the last commit. */
import { performance } from 'node:perf_hooks';
import { stream } from '../../src/base/prng.ts';
import type { Prng } from '../../src/base/prng.ts';
import { Db } from '../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import type { PageSink, SyncKind } from '../../src/engine/bolt/pager.ts';
import { apply, cloneModel, modelText, newModel, txText } from '../engine/bolt/model.ts';
import { randomHistory, randomOptions } from './bolt-histories.ts';
import type { History } from './bolt-histories.ts';
import { numberOption } from './options.ts';
import type { Defects } from '../../src/engine/defects.ts';

const sectorBytes = 512;
/** So many writes between two syncs are cut in all ways to keep and lose them; of more, a sample. */
const maxEnumerated = 4;
const sampled = 12;
const tornSamples = 3;

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

/** What was asked of the disk between two syncs, and the sync that ends it. */
interface Epoch {
  readonly changes: Change[];
  end: SyncKind | null;
}

/** What becomes of one change: all of it, nothing, or those of its sectors that are named. */
type Fate = 'kept' | 'lost' | readonly boolean[];

/** Collects epochs; the last one is open. A lying disk says that it has synced data before it has. */
class Disk implements PageSink {
  epochs: Epoch[] = [{ changes: [], end: null }];
  readonly #isLying: boolean;

  constructor(isLying: boolean) {
    this.#isLying = isLying;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#open.changes.push({ kind: 'write', offset, bytes: bytes.slice() });
  }

  truncate(sizeBytes: number): void {
    this.#open.changes.push({ kind: 'truncate', sizeBytes });
  }

  sync(what: SyncKind): void {
    if (this.#isLying && what === 'data') return;
    this.#open.end = what;
    this.epochs.push({ changes: [], end: null });
  }

  /** The epochs so far; new ones begin. */
  take(): Epoch[] {
    const taken = this.epochs;
    this.epochs = [{ changes: [], end: null }];
    return taken.filter(({ changes, end }) => changes.length > 0 || end !== null);
  }

  get #open(): Epoch {
    return this.epochs[this.epochs.length - 1];
  }
}

function applyChange(disk: MemoryPager, change: Change, fate: Fate): void {
  if (fate === 'lost') return;
  if (change.kind === 'truncate') {
    if (fate === 'kept' || fate[0]) disk.truncate(change.sizeBytes);
  } else if (fate === 'kept') disk.write(change.offset, change.bytes);
  else {
    fate.forEach((isThere, i) => {
      const at = i * sectorBytes;
      if (isThere) disk.write(change.offset + at, change.bytes.subarray(at, at + sectorBytes));
    });
  }
}

function torn(change: Change, prng: Prng): Fate {
  const sectors = change.kind === 'write' ? Math.ceil(change.bytes.length / sectorBytes) : 1;
  const cut = prng.below(sectors + 1);
  const shape = prng.below(3);
  return Array.from({ length: sectors }, (_, i) =>
    shape === 2 ? prng.chance(1, 2) : i < cut === (shape === 0),
  );
}

/** Ways in which a cut may leave an epoch: every boundary, every subset of few writes, and torn ones. */
function fatesOf({ changes }: Epoch, prng: Prng): Fate[][] {
  const ways: Fate[][] = [];
  const { length } = changes;
  if (length <= maxEnumerated) {
    for (let bits = 0; bits < 1 << length; bits++)
      ways.push(changes.map((_, i) => (((bits >> i) & 1) === 1 ? 'kept' : 'lost')));
  } else {
    for (let cut = 0; cut <= length; cut++) ways.push(changes.map((_, i) => (i < cut ? 'kept' : 'lost')));
    for (let i = 0; i < sampled; i++) ways.push(changes.map(() => (prng.chance(1, 2) ? 'kept' : 'lost')));
  }
  changes.forEach((one, cut) => {
    ways.push(changes.map((_, i) => (i < cut ? 'kept' : i > cut ? 'lost' : torn(one, prng))));
  });
  for (let i = 0; i < tornSamples; i++)
    ways.push(
      changes.map((one) => (prng.chance(1, 2) ? torn(one, prng) : prng.chance(1, 2) ? 'kept' : 'lost')),
    );
  return ways;
}

/** Whether a meta's sector, which is its first, has reached the disk. */
const hasReached = (fate: Fate): boolean => fate === 'kept' || (fate !== 'lost' && fate[0]);

export interface CrashResult {
  commits: number;
  /** Disks that were opened again. */
  states: number;
  /** Of these, those that a torn write left. */
  torn: number;
  readonly failures: string[];
}

export interface CrashOptions {
  /** Whether the disk may lose data that it said was synced: then files must come out damaged. */
  readonly isLying?: boolean;
  /** Bugs of whoever writes; who opens what a cut left has none. */
  readonly defects?: Defects;
}

/** Follows one history and cuts the power in all its commits. */
class CrashRun {
  readonly #history: History;
  readonly #seed: number;
  readonly #prng: Prng;
  readonly #result: CrashResult;
  readonly #disk: Disk;
  /** What is surely on the disk. */
  readonly #synced = new MemoryPager();
  /** Behind it that disk holds nothing but zeros. */
  #writtenBytes = 0;

  constructor(seed: number, commits: number, { isLying, defects }: CrashOptions, result: CrashResult) {
    this.#disk = new Disk(isLying === true);
    this.#seed = seed;
    const history = randomHistory(seed, commits);
    this.#history = { ...history, options: { ...history.options, ...(defects && { defects }) } };
    this.#prng = stream(seed, 'crash');
    this.#result = result;
  }

  run(): void {
    const { options, transactions } = this.#history;
    const disk = this.#disk;
    let pager = new MemoryPager(null, disk);
    let db = Db.open(pager, options);
    let model = newModel();
    // a file is made before it is a database: cuts begin behind that
    for (const epoch of disk.take()) this.#settle(epoch);
    for (const { ops, commit, reopen } of transactions) {
      const tx = db.beginWrite();
      const next = cloneModel(model);
      for (const op of ops) apply(next, tx, op);
      if (commit) tx.commit();
      else tx.rollback();
      this.#cutAll(disk.take(), modelText(model), modelText(next));
      if (!commit) continue;
      this.#result.commits++;
      model = next;
      if (!reopen) continue;
      pager = new MemoryPager(pager.image(), disk);
      db = Db.open(pager, { ...options, noFreelistSync: this.#prng.chance(1, 2) });
      this.#cutAll(disk.take(), modelText(model), modelText(model));
    }
  }

  #cutAll(epochs: readonly Epoch[], before: string, after: string): void {
    let reached = before;
    epochs.forEach((epoch, i) => {
      const isMeta = epoch.end === 'meta';
      for (const fates of fatesOf(epoch, this.#prng)) {
        const crashed = this.#syncedCopy();
        epoch.changes.forEach((change, k) => applyChange(crashed, change, fates[k]));
        const text = isMeta && hasReached(fates[fates.length - 1]) ? after : reached;
        this.#open(crashed, text, `epoch ${i} (${epoch.end ?? 'open'}), fates ${JSON.stringify(fates)}`);
        if (fates.some((fate) => typeof fate !== 'string')) this.#result.torn++;
      }
      this.#settle(epoch);
      if (isMeta) reached = after;
    });
    this.#open(this.#syncedCopy(), reached, 'after the last sync');
  }

  #settle({ changes }: Epoch): void {
    for (const change of changes) {
      applyChange(this.#synced, change, 'kept');
      if (change.kind === 'write')
        this.#writtenBytes = Math.max(this.#writtenBytes, change.offset + change.bytes.length);
    }
  }

  #syncedCopy(): MemoryPager {
    const copy = new MemoryPager(this.#synced.copy(0, this.#writtenBytes));
    if (copy.sizeBytes < this.#synced.sizeBytes) copy.truncate(this.#synced.sizeBytes);
    return copy;
  }

  /** Opens what a cut left, with whatever options, and goes on writing in it now and then. */
  #open(crashed: MemoryPager, text: string, what: string): void {
    this.#result.states++;
    const failures: string[] = [];
    try {
      const db = Db.open(crashed, randomOptions(this.#prng));
      this.#look(db, text, failures);
      if (this.#prng.chance(1, 8)) {
        const tx = db.beginWrite();
        apply(newModel(), tx, { kind: 'createBucket', path: [7], key: 0, size: 0 });
        tx.root.bucket(Uint8Array.of(0x42, 0x37))?.put(Uint8Array.of(1), new Uint8Array(700));
        tx.commit();
        const reader = db.beginRead();
        for (const { text: found } of reader.check()) failures.push(`after another commit: ${found}`);
        reader.rollback();
      }
    } catch (error) {
      failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    const where = `seed ${this.#seed}, commit ${this.#result.commits}, ${what}`;
    for (const failure of failures.slice(0, 1)) this.#result.failures.push(`${where}: ${failure}`);
  }

  #look(db: Db, text: string, failures: string[]): void {
    const reader = db.beginRead();
    for (const { text: found } of reader.check()) failures.push(found);
    const actual = txText(reader);
    if (actual !== text) failures.push(`expected ${text.slice(0, 200)}, found ${actual.slice(0, 200)}`);
    reader.rollback();
  }
}

const commitsOfHistory = 10;

/** Cuts the power in `commits` commits of random histories. */
export function fuzzCrashes(firstSeed: number, commits: number, options: CrashOptions = {}): CrashResult {
  const result: CrashResult = { commits: 0, states: 0, torn: 0, failures: [] };
  for (let seed = firstSeed; result.commits < commits; seed++)
    new CrashRun(seed, Math.min(commitsOfHistory, commits - result.commits), options, result).run();
  return result;
}

/** `[--commits 1000] [--seed 0]` @returns the exit code */
export function run(args: readonly string[]): number {
  const commits = numberOption(args, 'commits', 1000);
  const seed = numberOption(args, 'seed', 0);
  console.log(
    `crash: ${commits} commits of histories from seed ${seed} on, ${commitsOfHistory} commits each`,
  );
  const start = performance.now();
  const { states, torn: tornCount, failures } = fuzzCrashes(seed, commits);
  for (const failure of failures.slice(0, 20)) console.log(failure);
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`${states} disks after a cut, ${tornCount} of them with torn writes; ${seconds} s`);
  console.log(`${states - failures.length} passed, ${failures.length} failed`);
  if (failures.length > 0)
    console.log(`replay one: npm run fuzz -- crash --commits ${commitsOfHistory} --seed N`);
  return failures.length === 0 ? 0 : 1;
}
