/** The log as raft's memory: what is saved comes back, and no power cut takes what a sync had promised. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from '../../../src/base/checksum.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { Decoder } from '../../../src/engine/wal/decoder.ts';
import { Encoder } from '../../../src/engine/wal/encoder.ts';
import { WalError } from '../../../src/engine/wal/errors.ts';
import type { WalErrorCode } from '../../../src/engine/wal/errors.ts';
import type { WalEvent } from '../../../src/engine/wal/events.ts';
import { recordType } from '../../../src/engine/wal/record.ts';
import type { WalEntry, WalHardState } from '../../../src/engine/wal/record.ts';
import { Wal } from '../../../src/engine/wal/wal.ts';
import { TestDisk } from './disk.ts';

const metadata = encodeUtf8('member one of three');
const origin = { index: 0, term: 0 };
const first = 'member/wal/0000000000000000-0000000000000000.wal';
const entry = (term: number, index: number, sizeBytes = 8): WalEntry => ({
  type: 0,
  term,
  index,
  data: new Uint8Array(sizeBytes).fill(term * 16 + (index % 16)),
});

interface History {
  readonly entries: readonly WalEntry[];
  readonly hardState: WalHardState | null;
}

/** A history as text: terms, indexes and the data's checksums, then the hard state. */
function textOf({ entries, hardState }: History): string {
  const texts = entries.map(({ term, index, data }) => `${term}/${index}/${data.length}/${crc32c(data)}`);
  return `${texts.join(' ')} ${hardState?.term} ${hardState?.vote} ${hardState?.commit}`;
}

/** What a log holds after each record of one more save, by the obvious means. */
function after(before: History, hardState: WalHardState | null, entries: readonly WalEntry[]): History[] {
  const histories: History[] = [];
  let { entries: kept } = before;
  for (const entry of entries) {
    kept = [...kept.slice(0, entry.index - 1), entry];
    histories.push({ entries: kept, hardState: before.hardState });
  }
  if (hardState !== null) histories.push({ entries: kept, hardState });
  return histories;
}

function open(disk: TestDisk): History & { wal: Wal } {
  const { wal, entries, hardState } = Wal.open(disk.files, origin, disk, { segmentSizeBytes: 2048 });
  return { wal, entries, hardState };
}

const save = fc.record({
  entryCount: fc.nat(3),
  back: fc.oneof(fc.constant(0), fc.nat(3)),
  sizeBytes: fc.nat(900),
  changesState: fc.boolean(),
});
const fates = fc.array(fc.boolean(), { minLength: 1, maxLength: 9 });
const action = fc.oneof(
  { weight: 4, arbitrary: save.map((values) => ({ kind: 'save' as const, ...values })) },
  { weight: 3, arbitrary: fc.constant({ kind: 'synced' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), fates }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const) }) },
);

test('a kill takes nothing; a power cut leaves what some record made, none before the last sync that was done', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40, size: 'max' }), (actions) => {
      let disk = new TestDisk();
      let wal = Wal.create(metadata, disk, { segmentSizeBytes: 2048 });
      let term = 1;
      /** All states since the last one that is known to be durable, which is the first of them. */
      let histories: History[] = [{ entries: [], hardState: null }];
      let syncing: History[] = [histories[0]];
      const completeSync = (): void => {
        const durable = syncing.shift();
        if (durable === undefined) return;
        disk.completeSync();
        wal.synced();
        histories = histories.slice(histories.indexOf(durable));
      };
      completeSync();
      for (const step of actions) {
        const now = histories[histories.length - 1];
        if (step.kind === 'synced') completeSync();
        else if (step.kind === 'save') {
          const from = Math.max(1, now.entries.length + 1 - step.back);
          const entries = Array.from({ length: step.entryCount }, (_, i) =>
            entry(++term, from + i, step.sizeBytes),
          );
          const hardState = step.changesState
            ? { term: ++term, vote: 2n ** 63n + 5n, commit: from - 1 }
            : null;
          histories.push(...after(now, hardState, entries));
          wal.save(hardState, entries, entries.length > 0);
          while (syncing.length < wal.syncsInFlight) syncing.push(histories[histories.length - 1]);
        } else if (step.kind === 'kill') {
          disk.kill();
          const { wal: reopened, ...found } = open(disk);
          expect(textOf(found)).toBe(textOf(now));
          wal = reopened;
          syncing = Array.from({ length: wal.syncsInFlight }, () => now);
        } else {
          let fate = 0;
          disk = new TestDisk(disk.powerCut(() => step.fates[fate++ % step.fates.length]));
          const opened = open(disk);
          const found = { entries: opened.entries, hardState: opened.hardState };
          const texts = histories.map(textOf);
          expect(texts).toContain(textOf(found));
          wal = opened.wal;
          histories = [found];
          syncing = Array.from({ length: wal.syncsInFlight }, () => found);
        }
      }
      const last = histories[histories.length - 1];
      expect(textOf(open(disk))).toBe(textOf(last));
    }),
    { numRuns: 150 },
  );
});

test('a fresh log begins with checksum, metadata and the mark of the empty snapshot, then a sync', () => {
  const disk = new TestDisk();
  Wal.create(metadata, disk);
  expect(disk.log).toEqual([`write ${first}`, `sync ${first}`]);
  const { wal, ...read } = Wal.open(disk.files, origin, disk);
  expect(read).toEqual({ metadata, hardState: null, entries: [], lastIndex: 0, tornBytes: 0 });
  expect(wal.tail).toEqual({ file: first, sizeBytes: disk.files.get(first)?.length });
});

test('a log whose first write was torn counts as none and is created anew', () => {
  const whole = new TestDisk();
  Wal.create(metadata, whole);
  const bytes = whole.files.get(first) as Uint8Array;
  for (let size = 0; size < bytes.length; size++) {
    expect(Wal.exists(new Map([[first, bytes.slice(0, size)]]))).toBe(false);
  }
  expect(Wal.exists(whole.files)).toBe(true);
  const disk = new TestDisk(new Map([[first, bytes.slice(0, 20)]]));
  Wal.create(metadata, disk, {}, disk.files);
  expect(disk.files).toEqual(whole.files);
});

/** Where a segment's last record begins. */
function lastRecordAt(bytes: Uint8Array): number {
  const decoder = new Decoder([bytes]);
  let at = 0;
  for (let next = 0; decoder.next() !== null; next = decoder.offset) at = next;
  return at;
}

/** A log of several segments, all durable. */
function threeSegments(trace: WalEvent[]): TestDisk {
  const disk = new TestDisk();
  const options = {
    segmentSizeBytes: 1000,
    trace: { on: true, emit: (event: WalEvent) => void trace.push(event) },
  };
  const wal = Wal.create(metadata, disk, options);
  const settle = (): void => {
    while (wal.syncsInFlight > 0) wal.synced();
  };
  for (let index = 1; index <= 9; index++) {
    settle();
    wal.save(index === 1 ? { term: 1, vote: 1n, commit: 0 } : null, [entry(1, index, 300)], true);
  }
  settle();
  return disk;
}

test('a full segment is left for the next one, whose name says its first entry', () => {
  const events: WalEvent[] = [];
  const disk = threeSegments(events);
  const names = [
    '0000000000000000-0000000000000000',
    '0000000000000001-0000000000000004',
    '0000000000000002-0000000000000007',
  ];
  expect([...disk.files.keys()]).toEqual(names.map((name) => `member/wal/${name}.wal`));
  expect(events.filter(({ type }) => type === 'wal.cut')).toHaveLength(2);
  expect(events.findLast(({ type }) => type === 'wal.synced')).toEqual({ type: 'wal.synced', index: 9 });
  expect(Wal.open(disk.files, origin, disk).entries.map(({ index }) => index)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9,
  ]);
});

test('a log is read from the segment that holds its snapshot, and asks for the mark of that snapshot', () => {
  const disk = threeSegments([]);
  const { wal } = Wal.open(disk.files, origin, disk);
  wal.saveSnapshot({ index: 7, term: 1 });
  const read = Wal.open(disk.files, { index: 7, term: 1 }, disk);
  expect(read.entries.map(({ index }) => index)).toEqual([8, 9]);
  expect(read.hardState).toEqual({ term: 1, vote: 1n, commit: 0 });
  const refused: [number, number, WalErrorCode][] = [
    [7, 2, 'wal: snapshot mismatch'],
    [8, 1, 'wal: snapshot not found'],
  ];
  for (const [index, term, code] of refused) {
    expect(() => Wal.open(disk.files, { index, term }, disk)).toThrow(expect.objectContaining({ code }));
  }
});

test('a damaged log is refused: bits that turned, a missing segment, a segment that ends too early', () => {
  const { files } = threeSegments([]);
  const [one, two] = [...files.keys()];
  const damage = (file: string, change: (bytes: Uint8Array) => Uint8Array): Map<string, Uint8Array> =>
    new Map(files).set(file, change((files.get(file) as Uint8Array).slice()));
  const flipped = (bytes: Uint8Array): Uint8Array => bytes.fill(bytes[300] ^ 1, 300, 301);
  const without = new Map(files);
  without.delete(two);
  const cases: [ReadonlyMap<string, Uint8Array>, WalErrorCode][] = [
    [damage(one, flipped), 'walpb: crc mismatch'],
    [damage(one, (bytes) => bytes.slice(0, bytes.length - 8)), 'unexpected EOF'],
    [damage(one, (bytes) => bytes.slice(0, lastRecordAt(bytes))), 'wal: crc mismatch'],
    [damage(one, (bytes) => bytes.fill(0xff, 0, 8)), 'wal: max entry size limit exceeded'],
    [without, 'wal: file not found'],
  ];
  for (const [damaged, code] of cases) {
    expect(() => Wal.open(damaged, origin, new TestDisk())).toThrow(expect.objectContaining({ code }));
  }
});

/** What becomes of a log when any one bit of its newest segment's first bytes turns, other than that it is refused. */
function afterAnyBit(files: ReadonlyMap<string, Uint8Array>, byteCount: number): Set<string> {
  const [newest, bytes] = [...files].at(-1) as [string, Uint8Array];
  const outcomes = new Set<string>();
  for (let bit = 0; bit < 8 * Math.min(bytes.length, byteCount); bit++) {
    const turned = bytes.slice();
    turned[bit >> 3] ^= 1 << (bit & 7);
    const damaged = new Map(files).set(newest, turned);
    try {
      Wal.snapshots(damaged);
      outcomes.add(Wal.exists(damaged) ? textOf(Wal.open(damaged, origin, new TestDisk())) : 'no log');
    } catch (error) {
      if (!(error instanceof WalError)) throw error;
    }
  }
  return outcomes;
}

test('no bit that turns makes a log shorter, or one that never was: it is refused, or found whole', () => {
  const disk = new TestDisk();
  const wal = Wal.create(metadata, disk);
  wal.save({ term: 3, vote: 7n, commit: 0 }, [entry(1, 1, 64), entry(1, 2, 41)], true);
  wal.save({ term: 3, vote: 7n, commit: 2 }, [entry(2, 3, 512), entry(3, 4, 0)], true);
  for (const { files } of [disk, threeSegments([])]) {
    const whole = textOf(Wal.open(files, origin, new TestDisk()));
    expect([...afterAnyBit(files, 900)].filter((outcome) => outcome !== whole)).toEqual([]);
  }
});

/** Two records of which the second one's length, at `at`, was never written; then a record is asked for three times. */
function readBehindLostLength(at: number, ...behind: Uint8Array[]): unknown[] {
  const record = (sizeBytes: number) => ({ type: recordType.entry, data: new Uint8Array(sizeBytes).fill(9) });
  const log = new Encoder(0).encode([record(at - 24), record(100)]);
  expect(new Decoder([log.slice(0, at)]).next()?.type).toBe(recordType.entry);
  const decoder = new Decoder([log.fill(0, at, at + 8), ...behind]);
  return [decoder.next()?.type, decoder.next()];
}

test('a lost sector that ends with a length is an unfinished write, whatever follows it; any other lost length is damage', () => {
  expect(readBehindLostLength(504)).toEqual([recordType.entry, null]);
  for (const at of [496, 512]) expect(() => readBehindLostLength(at)).toThrow('wal: bad record');
  expect(() => readBehindLostLength(504, new Uint8Array(16))).toThrow('wal: bad record');
});

test('a log of two members is refused', () => {
  const names = ['one', 'two'].map((name) => ({ type: recordType.metadata, data: encodeUtf8(name) }));
  const log = new Encoder(0).encode(names);
  expect(() => Wal.open(new Map([[first, log]]), origin, new TestDisk())).toThrow(
    'wal: conflicting metadata found',
  );
});
