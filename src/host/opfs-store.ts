/**
 * The store of a lab in the browser's private file system. A write appends one frame to a log and flushes it;
 * the log is folded in the background, and wholly at each open, into files that are the members' own, byte
 * for byte. Files are changed in place, so a folding that was cut off is done over from the log, which loses
 * its frames only when the files are durable.
 */
import { assert } from '../base/assert.ts';
import { crc32c } from '../base/checksum.ts';
import { nodeId } from '../engine/raft/types.ts';
import type { DiskImage } from '../engine/server/types.ts';
import type { StoreCommit, StoreOp } from '../sim/types.ts';
import type { OpfsFile, OpfsFolder, OpfsRoot } from './opfs-files.ts';
import { isAbsent, openFile, openFolder, originRoot, readAll } from './opfs-files.ts';
import { removeFolder, writeAll } from './opfs-files.ts';
import { OpfsHome } from './opfs-home.ts';
import type { LogFrame } from './opfs-log.ts';
import { packFrame } from './opfs-log.ts';
import { bytesOf, dataName, framesOf, imagesOf, logNames, slotNames } from './opfs-look.ts';
import type { OpfsMeta } from './opfs-meta.ts';
import { chooseMeta, packMeta } from './opfs-meta.ts';
import type { LabRecord, LabSetup, PageStore, Replacement, StoredLab } from './page-store.ts';
import { changedStore, StoreError, storeFormat } from './page-store.ts';
import { packWrite } from './store-record.ts';
import type { InputsPart } from './stored-inputs.ts';
import { beginBoot, InputsFolder, noInputs } from './stored-inputs.ts';
import { asStoreError } from './stored-lab.ts';
import type { WallClock } from './wall-clock.ts';
import { wallClock } from './wall-clock.ts';

/** A folding lets others in after so long. */
const foldSliceMs = 4;

/** Files that are written are looked for so often. */
const lookMs = 1000;

export interface OpfsStoreOptions {
  readonly workspace: string;
  readonly root?: OpfsRoot;
  readonly clock?: WallClock;
  /** The log is folded once it is longer. */
  readonly foldBytes?: number;
  /** Called when the files went away under the lab. */
  readonly lost?: (message: string) => void;
}

/** But for the record, which every lab has. */
const nothingStored = {
  generation: 0,
  inputs: noInputs,
  firstSeq: 0,
  folding: false,
  nextId: 1,
  files: [],
} as const;

/** What is open while the store is. */
interface Opened {
  readonly folder: OpfsFolder;
  readonly slots: readonly OpfsFile[];
  readonly logs: readonly OpfsFile[];
  readonly data: Map<number, OpfsFile>;
}

export class OpfsStore implements PageStore {
  readonly kind = 'opfs';
  readonly #workspace: string;
  readonly #root: OpfsRoot;
  readonly #clock: WallClock;
  readonly #foldBytes: number;
  #opened: Opened | null = null;
  /** The last that is durable. */
  #meta: OpfsMeta | null = null;
  /** Which of the two logs takes frames, how long it is, and the next frame's number. */
  #active = 0;
  #logBytes = 0;
  #nextSeq = 0;
  #folding: Promise<void> | null = null;
  /** A folding failed: the next open does it over, until then the log grows. */
  #foldFailed = false;
  #closing = false;
  readonly #lost: (message: string) => void;
  #lookedMs: number | null = null;

  constructor({ workspace, root = originRoot, clock = wallClock, foldBytes, lost }: OpfsStoreOptions) {
    this.#workspace = workspace;
    this.#lost = lost ?? (() => {});
    this.#root = root;
    this.#clock = clock;
    this.#foldBytes = foldBytes ?? 4 * 1024 * 1024;
  }

  open(setup: LabSetup): Promise<StoredLab> {
    return this.#openFiles((opened) => this.#openLab(opened, setup));
  }

  /** The new files lie beside the old ones until one write of the meta makes them the lab's. */
  replace(lab: Replacement, seal: string | null = null): Promise<LabRecord> {
    return this.#openFiles((opened) => this.#replaceLab(opened, lab, seal));
  }

  async #openFiles<Value>(work: (opened: Opened) => Promise<Value>): Promise<Value> {
    const folder = await openFolder(this.#root, this.#workspace);
    const handles: OpfsFile[] = [];
    try {
      for (const name of [...slotNames, ...logNames]) handles.push(await openFile(folder, name, this.#clock));
      const opened = { folder, slots: handles.slice(0, 2), logs: handles.slice(2), data: new Map() };
      this.#opened = opened;
      const done = await work(opened);
      if (this.#closing) throw new StoreError('store refused', 'The lab was closed while it opened.');
      return done;
    } catch (error) {
      if (this.#opened === null) for (const handle of handles) handle.close();
      this.#release();
      throw asStoreError(error);
    }
  }

  async write(commits: readonly StoreCommit[], inputs: InputsPart | null = null): Promise<void> {
    const log = this.#opened?.logs[this.#active];
    const boot = this.#meta?.record.boot;
    if (log === undefined || boot === undefined || this.#closing) {
      throw new StoreError('EIO', 'The stored lab is closed.');
    }
    const frame = packFrame(boot, this.#nextSeq, packWrite({ commits, inputs }));
    try {
      writeAll(log, frame, this.#logBytes);
      log.flush();
    } catch (error) {
      this.#forgetTail(log);
      await this.#lookForFiles();
      throw asStoreError(error);
    }
    this.#nextSeq++;
    this.#logBytes += frame.length;
    if (this.#isFoldDue) this.#folding ??= this.#foldInBackground();
    await this.#lookNowAndThen();
  }

  async read(): Promise<readonly DiskImage[]> {
    await this.#folding;
    const { opened, meta } = this.#present();
    try {
      const frames = framesOf(
        opened.logs.map((log) => readAll(log)),
        meta,
      );
      return await imagesOf(meta, frames, async (file) => bytesOf(await this.#dataFile(file.id), file, meta));
    } catch (error) {
      throw asStoreError(error);
    }
  }

  async seal(): Promise<string> {
    this.#closing = true;
    await this.#folding;
    try {
      // the files are open to one alone
      if (this.#opened === null) throw changedStore();
      return sealOf(this.#opened, storedMeta(this.#opened));
    } catch (error) {
      this.#closing = false;
      throw asStoreError(error);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#folding;
    this.#release();
  }

  async destroy(): Promise<void> {
    await this.close();
    await removeFolder(this.#root, this.#workspace);
  }

  /** Resolves when no folding is under way. */
  async folded(): Promise<void> {
    await this.#folding;
  }

  /**
   * A browser that drops its files may let those who have them open write on: they are looked for by name now
   * and then, and where a write fails.
   */
  async #lookNowAndThen(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    this.#lookedMs ??= nowMs;
    if (nowMs - this.#lookedMs < lookMs) return;
    this.#lookedMs = nowMs;
    await this.#lookForFiles();
  }

  async #lookForFiles(): Promise<void> {
    try {
      await this.#opened?.folder.getFileHandle(slotNames[0]);
    } catch (error) {
      if (isAbsent(error)) this.#lost('The browser dropped the lab’s files.');
    }
  }

  get #isFoldDue(): boolean {
    return this.#logBytes > this.#foldBytes && !this.#foldFailed && !this.#closing;
  }

  #present(): { readonly opened: Opened; readonly meta: OpfsMeta } {
    assert(this.#opened !== null && this.#meta !== null, 'store: used before it is open');
    return { opened: this.#opened, meta: this.#meta };
  }

  #release(): void {
    const opened = this.#opened;
    this.#opened = null;
    if (opened === null) return;
    for (const file of [...opened.slots, ...opened.logs, ...opened.data.values()]) file.close();
  }

  /** Does what is left of the last boot, and counts the new one. */
  async #openLab(opened: Opened, setup: LabSetup): Promise<StoredLab> {
    const logs = opened.logs.map((log) => readAll(log));
    const before = storedMeta(opened);
    const record = before?.record ?? { formatVersion: storeFormat, ...setup, boot: 0, timeUs: 0 };
    this.#meta = before ?? { ...nothingStored, record };
    const frames = before === null ? [] : framesOf(logs, this.#meta);
    const { boot } = record;
    const opening = { formatVersion: storeFormat, boot: boot + 1 };
    await this.#foldFrames(frames, (folded) => ({ ...folded, ...opening }), 0, true);
    for (const log of opened.logs) emptied(log);
    this.#active = 0;
    this.#logBytes = 0;
    this.#nextSeq = 0;
    await this.#sweep(opened);
    const images = await this.read();
    const meta = this.#present().meta;
    const inputs = beginBoot(meta.inputs, meta.record, images);
    this.#writeMeta({ ...meta, inputs });
    return { record: meta.record, fresh: before === null, images, inputs };
  }

  /**
   * What is there is not touched before the switch: a log that waits to be folded, a folding that was cut
   * off. Frames that it leaves in the logs are of an earlier boot.
   */
  async #replaceLab(opened: Opened, lab: Replacement, seal: string | null): Promise<LabRecord> {
    const before = storedMeta(opened);
    if (seal !== null && sealOf(opened, before) !== seal) throw changedStore();
    const record = { ...lab.record, boot: Math.max(lab.record.boot, (before?.record.boot ?? 0) + 1) };
    const meta = before ?? { ...nothingStored, record };
    this.#meta = meta;
    const home = new OpfsHome({ ...meta, files: [] }, (id) => this.#dataFile(id));
    try {
      for (const commit of wholeFiles(lab.images)) await home.apply(commit);
      const files = await home.finish();
      const { nextId } = home;
      this.#writeMeta({ ...meta, record, inputs: lab.inputs, firstSeq: 0, folding: false, nextId, files });
    } catch (error) {
      await this.#takeBack(opened, meta);
      throw error;
    }
    for (const log of opened.logs) this.#forgetTail(log);
    await this.#sweep(opened);
    return record;
  }

  /** A replacement has failed: nothing of it may count with the next open. */
  async #takeBack(opened: Opened, meta: OpfsMeta): Promise<void> {
    try {
      emptied(opened.slots[(meta.generation + 1) % 2]);
    } catch {
      // The store fails: its next open finds the one lab or the other, and sweeps.
      return;
    }
    await this.#sweep(opened);
  }

  /**
   * Brings frames into the files: first tells that it will, last that it has. Only then may the frames go.
   * @param verify compares what the frames leave alone with its checksums, too
   */
  async #foldFrames(
    frames: readonly LogFrame[],
    recordOf: (folded: LabRecord) => LabRecord,
    firstSeq: number,
    verify: boolean,
  ): Promise<void> {
    const meta = this.#present().meta;
    const home = new OpfsHome(meta, (id) => this.#dataFile(id));
    const history = new InputsFolder(meta.inputs, meta.record.boot);
    for (const { commits, inputs } of frames) history.add(commits, inputs);
    if (verify && !meta.folding) await home.verify();
    if (frames.length > 0) this.#writeMeta({ ...meta, folding: true });
    let since = this.#clock.nowMs();
    let { timeUs } = meta.record;
    for (const commit of frames.flatMap(({ commits }) => commits)) {
      await home.apply(commit);
      timeUs = Math.max(timeUs, commit.timeUs);
      if (this.#clock.nowMs() - since < foldSliceMs) continue;
      await new Promise<void>((resolve) => this.#clock.hop(resolve));
      since = this.#clock.nowMs();
    }
    if (verify && meta.folding) await home.verify();
    const files = await home.finish();
    const record = recordOf({ ...meta.record, timeUs });
    const inputs = history.finish();
    this.#writeMeta({ ...meta, record, inputs, firstSeq, folding: false, nextId: home.nextId, files });
    for (const id of home.removed) await this.#removeData(id);
  }

  /**
   * Never rejects: what cannot be folded stays in the log. New frames go to the other log meanwhile, which is
   * empty: a folding that succeeded emptied it, and after one that failed there is no other.
   */
  async #foldInBackground(): Promise<void> {
    try {
      while (this.#isFoldDue) {
        const { opened, meta } = this.#present();
        const full = opened.logs[this.#active];
        const firstSeq = this.#nextSeq;
        this.#active = 1 - this.#active;
        this.#logBytes = 0;
        await this.#foldFrames(framesOf([readAll(full)], meta), (folded) => folded, firstSeq, false);
        emptied(full);
      }
    } catch {
      this.#foldFailed = true;
    } finally {
      this.#folding = null;
    }
  }

  /** Writes the older slot, so that the newer one stays whole until this one is. */
  #writeMeta(meta: OpfsMeta): void {
    const next = { ...meta, generation: this.#present().meta.generation + 1 };
    const slot = this.#present().opened.slots[next.generation % 2];
    const bytes = packMeta(next);
    writeAll(slot, bytes, 0);
    slot.truncate(bytes.length);
    slot.flush();
    this.#meta = next;
  }

  /** What was refused must not come back with the next open. The next write goes to the same place. */
  #forgetTail(log: OpfsFile): void {
    try {
      log.truncate(this.#logBytes);
      log.flush();
    } catch {
      // The store fails: its disk is told so by the write itself.
    }
  }

  async #dataFile(id: number): Promise<OpfsFile> {
    const { opened } = this.#present();
    const file = opened.data.get(id) ?? (await openFile(opened.folder, dataName(id), this.#clock));
    opened.data.set(id, file);
    return file;
  }

  async #removeData(id: number): Promise<void> {
    const { opened } = this.#present();
    opened.data.get(id)?.close();
    opened.data.delete(id);
    await opened.folder.removeEntry(dataName(id)).catch(() => {});
  }

  /** Deletes what a folding or a replacement that was cut off left behind. */
  async #sweep({ folder, data }: Opened): Promise<void> {
    const known = new Set<string>([...slotNames, ...logNames]);
    for (const { id } of this.#present().meta.files) known.add(dataName(id));
    for (const [id, file] of data) {
      if (known.has(dataName(id))) continue;
      file.close();
      data.delete(id);
    }
    const left: string[] = [];
    for await (const name of folder.keys()) if (!known.has(name)) left.push(name);
    for (const name of left) await folder.removeEntry(name).catch(() => {});
  }
}

/** What is stored there; null: nothing is. @throws StoreError 'store format' | 'store damaged' */
function storedMeta({ slots, logs }: Opened): OpfsMeta | null {
  return chooseMeta(
    slots.map((slot) => readAll(slot)),
    logs.some((log) => log.getSize() > 0),
  );
}

/** The generation counts what is done to the files; the logs grow with each write, which names its run. */
function sealOf({ logs }: Opened, meta: OpfsMeta | null): string {
  const contents = [...(meta === null ? [] : [packMeta(meta)]), ...logs.map((log) => readAll(log))];
  return JSON.stringify([meta?.generation, ...contents.map((bytes) => [bytes.length, crc32c(bytes)])]);
}

/** What makes files, as commits; index 0 is member 1. */
function* wholeFiles(images: readonly DiskImage[]): Iterable<StoreCommit> {
  for (const [i, image] of images.entries()) {
    for (const [file, data] of image) {
      const size: StoreOp = { kind: 'truncate', file, sizeBytes: data.length };
      const ops: StoreOp[] = data.length === 0 ? [size] : [{ kind: 'write', file, offset: 0, data }];
      yield { member: nodeId(i + 1), commit: 0, timeUs: 0, urgent: true, ops };
    }
  }
}

function emptied(file: OpfsFile): void {
  file.truncate(0);
  file.flush();
}
