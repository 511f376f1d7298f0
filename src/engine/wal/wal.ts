/** The write-ahead log: what raft must remember, appended to segment files under one chain of checksums. */
import type { Defects } from '../defects.ts';
import { assert } from '../../base/assert.ts';
import { silent } from '../../base/trace.ts';
import type { Trace } from '../../base/trace.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { WalError } from './errors.ts';
import type { WalEvent } from './events.ts';
import {
  decodeHardState,
  decodeSnapshot,
  encodeHardState,
  encodeSnapshot,
  entryRecord,
  recordType,
} from './record.ts';
import type { RecordParts, WalEntry, WalHardState, WalSnapshot } from './record.ts';
import { asRecord, replay } from './replay.ts';
import type { Replay } from './replay.ts';
import { listSegments, segmentOf, segmentSizeBytes, selectSegments } from './segment.ts';
import type { Segment } from './segment.ts';

/** Is told of each change to the files in order. Paths are relative to the data directory. */
export interface WalSink {
  write(file: string, offset: number, data: Uint8Array): void;
  /** All earlier writes to the file are to become durable; when they are, `Wal.synced` is called. */
  sync(file: string): void;
  truncate(file: string, sizeBytes: number): void;
  remove(file: string): void;
}

export interface WalOptions {
  readonly trace?: Trace<WalEvent>;
  /** The size from which a segment is full, in bytes. Default 64,000,000. */
  readonly segmentSizeBytes?: number;
  readonly defects?: Defects;
}

export interface OpenedWal extends Replay {
  readonly wal: Wal;
  /** Bytes of an unfinished last write, which the open cuts off. */
  readonly tornBytes: number;
}

/** The files of a data directory, by path; others than the log's may be among them. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Where a log goes on. */
interface End {
  /** All that are there, the one to go on in last. */
  readonly segments: readonly Segment[];
  readonly sizeBytes: number;
  readonly crc: number;
  readonly lastIndex: number;
  readonly hardState: WalHardState | null;
}

/**
 * An open log at its end. Entries are in the files in the order in which they were saved; where indexes
 * repeat, the later entry counts and what stood after it is withdrawn.
 * Segments are as long as what is in them: nothing is reserved in advance.
 */
export class Wal {
  private readonly sink: WalSink;
  private readonly trace: Trace<WalEvent>;
  private readonly storedMetadata: Uint8Array;
  private readonly fullBytes: number;
  private readonly encoder: Encoder;
  private segments: readonly Segment[];
  private segment: Segment;
  private sizeBytes: number;
  private hardState: WalHardState | null;
  private newestIndex: number;
  /**
   * The segment may hold what no sync of this process covers: something written since the last one or, at an
   * open, what a killed process has left to the page cache.
   */
  private dirty = true;
  /** The last index at each sync that is not yet done, oldest first. */
  private readonly syncing: number[] = [];

  private constructor(sink: WalSink, options: WalOptions, metadata: Uint8Array, end: End) {
    this.sink = sink;
    this.trace = options.trace ?? silent;
    this.fullBytes = options.segmentSizeBytes ?? segmentSizeBytes;
    this.storedMetadata = metadata;
    this.encoder = new Encoder(end.crc);
    this.segments = end.segments;
    this.segment = end.segments[end.segments.length - 1];
    this.sizeBytes = end.sizeBytes;
    this.hardState = end.hardState;
    this.newestIndex = end.lastIndex;
  }

  /**
   * Whether the files hold a log. One whose first write was never completed holds nothing that anyone was
   * told of, and counts as none.
   */
  static exists(files: Files): boolean {
    const [first] = listSegments(files.keys());
    if (first === undefined) return false;
    const headRecords = first.sequence === 0 ? 3 : 2;
    return countRecords(bytesOf(files, first), headRecords) === headRecords;
  }

  /**
   * Starts a log: crc, metadata and the mark of the empty snapshot, then a sync.
   * @param metadata whose log it is; every segment repeats it
   * @param leftovers the data directory's files, if a start broke off before
   * @source etcd wal/wal.go Create
   */
  static create(metadata: Uint8Array, sink: WalSink, options: WalOptions = {}, leftovers?: Files): Wal {
    for (const segment of listSegments(leftovers?.keys() ?? [])) sink.remove(segment.file);
    const end: End = { segments: [segmentOf(0, 0)], sizeBytes: 0, crc: 0, lastIndex: 0, hardState: null };
    const wal = new Wal(sink, options, metadata, end);
    const emptySnapshot = encodeSnapshot({ index: 0, term: 0 });
    wal.write([...wal.head(), { type: recordType.snapshot, data: emptySnapshot }]);
    wal.sync();
    return wal;
  }

  /** Whose log the files hold, as `create` was told; null where there is none. @throws as `Decoder.next` */
  static metadata(files: Files): Uint8Array | null {
    if (!Wal.exists(files)) return null;
    const decoder = new Decoder([bytesOf(files, listSegments(files.keys())[0])]);
    for (let record = decoder.next(); record !== null; record = decoder.next()) {
      if (record.type === recordType.metadata) return record.data;
    }
    return null;
  }

  /**
   * Where snapshots stand that a start may begin from: the marks up to the last hard state's commit index,
   * in their order.
   * @throws WalError as `Decoder.next` and `replay`
   * @source etcd wal/wal.go ValidSnapshotEntries
   */
  static snapshots(files: Files): WalSnapshot[] {
    const segments = soundSegments(files);
    const decoder = new Decoder(segments.map((segment) => bytesOf(files, segment)));
    const marks: WalSnapshot[] = [];
    let commit = 0;
    for (let record = decoder.next(); record !== null; record = decoder.next()) {
      const { type, data } = record;
      if (data === null) continue;
      if (type === recordType.snapshot) marks.push(asRecord(() => decodeSnapshot(data)));
      else if (type === recordType.state) commit = asRecord(() => decodeHardState(data)).commit;
    }
    return marks.filter(({ index }) => index <= commit);
  }

  /**
   * Reads the log from a snapshot on and makes it ready to go on where its sound records end: an unfinished
   * write at the end is cut off, and so is the space that etcd reserves.
   * @throws WalError: see `selectSegments`, `Decoder.next`, `replay`
   * @source etcd wal/wal.go Open, ReadAll; wal/repair.go
   */
  static open(files: Files, snapshot: WalSnapshot, sink: WalSink, options: WalOptions = {}): OpenedWal {
    const present = dropBrokenCut(files, sink);
    const segments = selectSegments(present, snapshot.index);
    const isChecked = options.defects?.walUnchecked !== true;
    const decoder = new Decoder(
      segments.map((segment) => bytesOf(files, segment)),
      isChecked,
    );
    const read = replay(decoder, snapshot);
    const segment = segments[segments.length - 1];
    const bytes = bytesOf(files, segment);
    const sizeBytes = decoder.offset;
    const tornBytes = sizeWithoutZeros(bytes, sizeBytes) - sizeBytes;
    const { hardState, lastIndex } = read;
    const end: End = { segments: present, sizeBytes, crc: decoder.crc, lastIndex, hardState };
    const wal = new Wal(sink, options, read.metadata, end);
    if (bytes.length > sizeBytes) wal.cutOff();
    wal.emitOpen(read.entries.length, tornBytes);
    return { wal, ...read, tornBytes };
  }

  /** The index of the last entry written, durable or not. */
  get lastIndex(): number {
    return this.newestIndex;
  }

  /** The segment that is being written, and its size in bytes. */
  get tail(): { readonly file: string; readonly sizeBytes: number } {
    return { file: this.segment.file, sizeBytes: this.sizeBytes };
  }

  /** How many syncs have been asked for and are not done. */
  get syncsInFlight(): number {
    return this.syncing.length;
  }

  /**
   * Appends entries, then the hard state, in one write.
   * @param hardState null when it has not changed
   * @param mustSync whether what is saved has to be durable before raft goes on
   * @source etcd wal/wal.go Save
   */
  save(hardState: WalHardState | null, entries: readonly WalEntry[], mustSync: boolean): void {
    if (hardState === null && entries.length === 0) return;
    if (this.isFull() && !this.dirty && this.syncing.length === 0) this.cut();
    const records = entries.map(entryRecord);
    if (hardState !== null) {
      this.hardState = hardState;
      records.push({ type: recordType.state, data: encodeHardState(hardState) });
    }
    if (entries.length > 0) this.newestIndex = entries[entries.length - 1].index;
    const sizeBytes = this.write(records);
    if (this.trace.on) {
      this.trace.emit({
        type: 'wal.append',
        firstIndex: entries.length > 0 ? entries[0].index : 0,
        entryCount: entries.length,
        hardState: hardState !== null,
        sizeBytes,
      });
    }
    if (mustSync || this.isFull()) this.sync();
  }

  /** Marks where a snapshot of the state machine stands, then syncs. @source etcd wal/wal.go SaveSnapshot */
  saveSnapshot(snapshot: WalSnapshot): void {
    this.write([{ type: recordType.snapshot, data: encodeSnapshot(snapshot) }]);
    this.newestIndex = Math.max(this.newestIndex, snapshot.index);
    this.sync();
  }

  /**
   * A start will not read behind a snapshot at `index` any more: removes the segments that lie before the one
   * it begins in, but for the newest `keep`.
   * @source etcd wal/wal.go ReleaseLockTo; pkg/fileutil/purge.go
   */
  release(index: number, keep: number): void {
    const first = this.segments.findLastIndex((segment) => segment.firstIndex < index);
    const count = Math.min(first, this.segments.length - keep);
    for (const { file } of this.segments.slice(0, Math.max(0, count))) {
      this.sink.remove(file);
      if (this.trace.on) this.trace.emit({ type: 'wal.purge', segment: file });
    }
    if (count > 0) this.segments = this.segments.slice(count);
  }

  /** The oldest sync in flight is done. */
  synced(): void {
    const index = this.syncing.shift();
    assert(index !== undefined, 'wal: a sync is done that was not asked for');
    if (this.trace.on) this.trace.emit({ type: 'wal.synced', index });
  }

  private isFull(): boolean {
    return this.sizeBytes >= this.fullBytes;
  }

  /**
   * Goes on in a new segment. Only a segment that is durable as a whole is left: so a power cut can tear the
   * last segment alone, and a full one grows until a moment at which none of its syncs is in flight.
   * @source etcd wal/wal.go cut
   */
  private cut(): void {
    this.segment = segmentOf(this.segment.sequence + 1, this.newestIndex + 1);
    this.segments = [...this.segments, this.segment];
    this.sizeBytes = 0;
    const records = this.head();
    if (this.hardState !== null) {
      records.push({ type: recordType.state, data: encodeHardState(this.hardState) });
    }
    this.write(records);
    if (this.trace.on) this.trace.emit({ type: 'wal.cut', segment: this.segment.file });
    this.sync();
  }

  private head(): RecordParts[] {
    return [
      { type: recordType.crc, data: null },
      { type: recordType.metadata, data: this.storedMetadata },
    ];
  }

  private write(records: readonly RecordParts[]): number {
    const data = this.encoder.encode(records);
    this.sink.write(this.segment.file, this.sizeBytes, data);
    this.sizeBytes += data.length;
    this.dirty = true;
    return data.length;
  }

  private sync(): void {
    this.dirty = false;
    this.syncing.push(this.newestIndex);
    this.sink.sync(this.segment.file);
    if (this.trace.on) this.trace.emit({ type: 'wal.sync' });
  }

  /** What follows the sound records must be gone for good before new records end in the midst of it. */
  private cutOff(): void {
    this.sink.truncate(this.segment.file, this.sizeBytes);
    this.sync();
  }

  private emitOpen(entryCount: number, tornBytes: number): void {
    if (!this.trace.on) return;
    this.trace.emit({ type: 'wal.open', segment: this.segment.file, entryCount, tornBytes });
  }
}

function bytesOf(files: Files, segment: Segment): Uint8Array {
  const bytes = files.get(segment.file);
  assert(bytes !== undefined, 'wal: a listed segment is among the files');
  return bytes;
}

/**
 * The segments, without a last one whose head was never completed: it holds nothing yet, and is written anew.
 * @throws WalError 'wal: file not found' when there is none at all
 */
function dropBrokenCut(files: Files, sink: WalSink): readonly Segment[] {
  const sound = soundSegments(files);
  for (const { file } of listSegments(files.keys()).slice(sound.length)) sink.remove(file);
  return sound;
}

/** @throws WalError 'wal: file not found' when there is no segment at all */
function soundSegments(files: Files): readonly Segment[] {
  const segments = listSegments(files.keys());
  const last = segments.at(-1);
  if (last === undefined) throw new WalError('wal: file not found', 'there is no segment');
  const isSound = segments.length === 1 || countRecords(bytesOf(files, last), 3) === 3;
  return isSound ? segments : segments.slice(0, -1);
}

/** How many sound records a segment begins with, up to a limit. */
function countRecords(segment: Uint8Array, limit: number): number {
  const decoder = new Decoder([segment]);
  let count = 0;
  while (count < limit && decoder.next() !== null) count++;
  return count;
}

/** The end of the last byte behind `from` that is not zero. */
function sizeWithoutZeros(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end--;
  return end;
}
