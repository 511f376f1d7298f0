/** The log, its unstable tail and memory storage, against an obvious model. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silent } from '../../../src/base/trace.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { countWithin, entriesSize, entrySize } from '../../../src/engine/raft/entry-size.ts';
import { Unstable } from '../../../src/engine/raft/log-unstable.ts';
import { RaftLog } from '../../../src/engine/raft/log.ts';
import { RaftError } from '../../../src/engine/raft/errors.ts';
import { MemoryStorage } from '../../../src/engine/raft/storage.ts';
import type { Entry } from '../../../src/engine/raft/types.ts';
import { logIndex, term } from '../../../src/engine/raft/types.ts';
import { entry, storageWith } from './cluster.ts';

const ids = (entries: readonly Entry[] | null) => entries?.map((each) => `${each.term}/${each.index}`);

test('entries become stable only if index and term are still theirs', () => {
  const unstable = new Unstable(logIndex(5));
  unstable.truncateAndAppend([entry(1, 5), entry(1, 6), entry(1, 7)]);
  unstable.acceptInProgress();
  unstable.truncateAndAppend([entry(2, 6)]);
  expect(unstable.stableTo({ term: term(1), index: logIndex(6) })).toBe(false);
  expect(unstable.stableTo({ term: term(1), index: logIndex(7) })).toBe(false);
  expect(unstable.offset).toBe(5);
  expect(ids(unstable.nextEntries())).toEqual(['2/6']);
  expect(unstable.stableTo({ term: term(1), index: logIndex(5) })).toBe(true);
  expect(ids(unstable.entries)).toEqual(['2/6']);
  expect(unstable.stableTo({ term: term(2), index: logIndex(6) })).toBe(true);
  expect(unstable.entries).toEqual([]);
});

test('what replaces entries being written is handed out again from there', () => {
  const unstable = new Unstable(logIndex(5));
  unstable.truncateAndAppend([entry(1, 5), entry(1, 6), entry(1, 7)]);
  unstable.acceptInProgress();
  unstable.truncateAndAppend([entry(2, 4), entry(2, 5)]);
  expect([unstable.offset, unstable.offsetInProgress]).toEqual([4, 4]);
  expect(ids(unstable.nextEntries())).toEqual(['2/4', '2/5']);
});

test('entries handed out are not changed by what comes later', () => {
  const unstable = new Unstable(logIndex(5));
  const first = [entry(1, 5), entry(1, 6)];
  unstable.truncateAndAppend(first);
  const handedOut = unstable.nextEntries();
  unstable.truncateAndAppend([entry(2, 6), entry(2, 7)]);
  expect(ids(handedOut)).toEqual(['1/5', '1/6']);
  expect(ids(first)).toEqual(['1/5', '1/6']);
});

/** One change of a log: entries that replace its tail, a write that ends, or a compaction. */
const change = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), back: fc.nat(4), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant('write' as const) }),
  fc.record({ kind: fc.constant('compact' as const) }),
  fc.record({ kind: fc.constant('commit' as const) }),
);

test('storage and unstable tail together are one log, whatever is replaced while it is written', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.nat(60), (changes, maxSize) => {
      const storage = storageWith([1], [], {}, [], 2);
      const log = new RaftLog(storage, Infinity, silent);
      let model: Entry[] = [];
      let first = 3;
      let currentTerm = 1;
      for (const each of changes) {
        if (each.kind === 'append') {
          const end = first + model.length;
          const from = Math.max(log.committed + 1, end - each.back);
          if (from < end) currentTerm++;
          const entries = Array.from({ length: each.count }, (_, i) => entry(currentTerm, from + i, `${i}`));
          log.append(entries);
          model = [...model.slice(0, from - first), ...entries];
        } else if (each.kind === 'write') {
          storage.append(log.unstable.nextEntries());
          log.unstable.acceptInProgress();
          log.stableTo(log.lastEntryId());
        } else if (each.kind === 'commit') {
          log.commitTo(log.lastIndex());
          log.appliedTo(log.committed, 0);
        } else {
          // What is compacted is on disk: of entries that are still to be written nothing would be known.
          const index = Math.min(log.applied, storage.lastIndex(), log.unstable.offset - 1);
          if (index < first) continue;
          storage.compact(logIndex(index));
          model = model.slice(index + 1 - first);
          first = index + 1;
        }
        expect([log.firstIndex(), log.lastIndex()]).toEqual([first, first + model.length - 1]);
        expect(ids(log.allEntries())).toEqual(ids(model));
        const count = countWithin(model, 0, model.length, maxSize);
        expect(ids(log.entries(logIndex(first), maxSize))).toEqual(ids(model.slice(0, count)));
        expect(log.entries(logIndex(first - 1), maxSize)).toBeNull();
      }
    }),
    { numRuns: 200 },
  );
});

test('a page of entries is the longest prefix within the size, and at least one entry', () => {
  const texts = fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(texts, fc.nat(200), (data, maxSize) => {
      const entries = data.map((text, i) => entry(300, 1 + i, text));
      const count = countWithin(entries, 0, entries.length, maxSize);
      expect(count).toBeGreaterThanOrEqual(1);
      if (count > 1) expect(entriesSize(entries.slice(0, count))).toBeLessThanOrEqual(maxSize);
      if (count < entries.length) expect(entriesSize(entries.slice(0, count + 1))).toBeGreaterThan(maxSize);
    }),
  );
});

test('an entry is as large as its protobuf form', () => {
  expect(entrySize(entry(1, 1))).toBe(4);
  expect(entrySize(entry(127, 128))).toBe(5);
  expect(entrySize(entry(1, 1, 'abc'))).toBe(9);
  expect(entrySize({ ...entry(1, 1), type: 'EntryConfChange' })).toBe(6);
});

test('the search for a common past stops at the first term that is not above the other', () => {
  const log = new RaftLog(storageWith([1], [1, 3, 3, 5, 5]), Infinity, silent);
  const find = (index: number, other: number) => log.findConflictByTerm(logIndex(index), term(other));
  expect(find(7, 5)).toEqual({ index: 7, term: 5 });
  expect(find(7, 4)).toEqual({ index: 5, term: 3 });
  expect(find(7, 2)).toEqual({ index: 3, term: 1 });
  expect(find(7, 0)).toEqual({ index: 1, term: 0 });
});

test('applying pauses at the size limit and goes on when some is acknowledged', () => {
  const log = new RaftLog(storageWith([1], [1, 1, 1]), 10, silent);
  log.commitTo(logIndex(5));
  const first = log.nextCommittedEntries(true);
  expect(ids(first)).toEqual(['1/3', '1/4']);
  log.acceptApplying(logIndex(4), entriesSize(first), true);
  expect(log.hasNextCommittedEntries(true)).toBe(false);
  log.appliedTo(logIndex(4), entriesSize(first));
  expect(ids(log.nextCommittedEntries(true))).toEqual(['1/5']);
});

test('memory storage refuses what is compacted, and skips it in an append', () => {
  const storage = storageWith([1], [1, 1, 2]);
  storage.compact(logIndex(4));
  expect([storage.firstIndex(), storage.lastIndex(), storage.term(logIndex(4))]).toEqual([5, 5, 1]);
  const compacted = new RaftError('requested index is unavailable due to compaction');
  expect(() => storage.term(logIndex(3))).toThrow(compacted);
  expect(() => storage.entries(logIndex(4), logIndex(6), Infinity)).toThrow(compacted);
  expect(() => storage.compact(logIndex(4))).toThrow(compacted);
  storage.append([entry(3, 3), entry(3, 4), entry(3, 5), entry(3, 6)]);
  expect(ids(storage.entries(logIndex(5), logIndex(7), Infinity))).toEqual(['3/5', '3/6']);
  expect(() => storage.append([entry(3, 9)])).toThrow('missing log entry [last: 6, append at: 9]');
});

test('memory storage keeps the newest snapshot', () => {
  const storage = new MemoryStorage();
  storage.append([entry(1, 1), entry(1, 2)]);
  const made = storage.createSnapshot(logIndex(2), null, encodeUtf8('s'));
  expect(made).toMatchObject({ index: 2, term: 1 });
  const older = new RaftError('requested index is older than the existing snapshot');
  expect(() => storage.createSnapshot(logIndex(2), null, encodeUtf8('s'))).toThrow(older);
  expect(() => storage.applySnapshot({ ...made, index: logIndex(1) })).toThrow(older);
});
