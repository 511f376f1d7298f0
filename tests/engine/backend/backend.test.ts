/** The backend: readers see each group of writes at once, and a crash leaves the last durable commit. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../../../src/base/utf8.ts';
import { Backend, openDb } from '../../../src/engine/backend/backend.ts';
import type { BackendEvent } from '../../../src/engine/backend/events.ts';
import { bucketNames, encodeConsistentIndex, metaKeys } from '../../../src/engine/backend/schema.ts';
import type { BucketName } from '../../../src/engine/backend/schema.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';

const text = encodeUtf8;

interface Opened {
  readonly pager: MemoryPager;
  readonly backend: Backend;
  readonly events: BackendEvent[];
}

function open(image: Uint8Array | null = null, batchLimit = 10_000): Opened {
  const pager = new MemoryPager(image);
  const events: BackendEvent[] = [];
  const trace = { on: true, emit: (event: BackendEvent) => void events.push(event) };
  const backend = Backend.open(openDb(pager, { pageSize: 1024 }), { batchLimit, trace });
  if (backend.committing) backend.committed();
  return { pager, backend, events };
}

test("a new database has all of etcd's buckets, committed", () => {
  const { pager, backend } = open();
  expect(backend.pendingCount).toBe(0);
  const cursor = openDb(new MemoryPager(pager.image())).beginRead().cursor();
  const names: string[] = [];
  for (let item = cursor.first(); item !== null; item = cursor.next()) names.push(decodeUtf8(item.key));
  expect(names).toEqual([...bucketNames].sort());
});

test('readers see a group of writes when it is unlocked, not before', () => {
  const { backend } = open();
  backend.batchTx.put('meta', text('a'), text('1'));
  expect(backend.readTx.get('meta', text('a'))).toBeNull();
  expect(backend.batchTx.get('meta', text('a'))).toEqual(text('1'));
  backend.unlock();
  expect(backend.readTx.get('meta', text('a'))).toEqual(text('1'));
});

const name = fc.constantFrom<BucketName>('meta', 'key', 'members');
const key = fc.nat(20).map((n) => `k${n}`);
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), name, key, value: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), name, key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unlock' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);
type Model = Map<BucketName, Map<string, string>>;
const copyOf = (model: Model): Model =>
  new Map([...model].map(([bucket, pairs]) => [bucket, new Map(pairs)]));

type View = Pick<Backend['readTx'], 'range'>;

function contents(
  view: View,
  bucket: BucketName,
  from = '',
  to: string | null = null,
  limit = 0,
): [string, string][] {
  const pairs = view.range(bucket, text(from), to === null ? null : text(to), limit);
  return pairs.map(({ key, value }) => [decodeUtf8(key), decodeUtf8(value)]);
}

test('reads merge the pages with what came since, and a reopened file holds the last commit', () => {
  const bounds = fc.tuple(key, fc.option(key, { nil: null }), fc.nat(5));
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 80, size: 'max' }),
      bounds,
      (operations, [from, to, limit]) => {
        let { pager, backend } = open();
        const fresh: Model = new Map([
          ['meta', new Map()],
          ['key', new Map()],
          ['members', new Map()],
        ]);
        let [written, shown, stored] = [copyOf(fresh), copyOf(fresh), copyOf(fresh)];
        for (const step of operations) {
          if (step.kind === 'put') {
            backend.batchTx.put(step.name, text(step.key), text(`${step.value}`));
            written.get(step.name)?.set(step.key, `${step.value}`);
          } else if (step.kind === 'delete') {
            backend.batchTx.delete(step.name, text(step.key));
            written.get(step.name)?.delete(step.key);
          } else if (step.kind === 'reopen') {
            ({ pager, backend } = open(pager.image()));
            [written, shown] = [copyOf(stored), copyOf(stored)];
          } else {
            backend.unlock();
            shown = copyOf(written);
            if (step.kind === 'commit' && backend.commit('interval')) {
              backend.committed();
              stored = copyOf(written);
            }
          }
          for (const [view, model] of [
            [backend.readTx, shown],
            [backend.batchTx, written],
          ] as const) {
            for (const [bucket, pairs] of model) {
              const sorted = [...pairs].sort(([a], [b]) => (a < b ? -1 : 1));
              const inRange = sorted.filter(([k]) => k >= from && (to === null || k < to));
              expect(contents(view, bucket)).toEqual(sorted);
              expect(contents(view, bucket, from, to, limit)).toEqual(
                limit > 0 ? inRange.slice(0, limit) : inRange,
              );
            }
          }
        }
        expect(backend.db.beginRead().check()).toEqual([]);
      },
    ),
    { numRuns: 40 },
  );
});

test('at the limit a commit begins by itself; while it is on its way the next one waits', () => {
  const { backend, events } = open(null, 3);
  events.length = 0;
  const write = (count: number): void => {
    for (let i = 0; i < count; i++) backend.batchTx.put('meta', text(`k${i}`), text('v'));
    backend.unlock();
  };
  write(2);
  expect(backend.committing).toBe(false);
  write(1);
  expect(backend.committing).toBe(true);
  write(4);
  expect(backend.commit('interval')).toBe(false);
  expect(backend.pendingCount).toBe(4);
  backend.committed();
  expect(backend.committing).toBe(true);
  expect(backend.pendingCount).toBe(0);
  backend.committed();
  expect(backend.committing).toBe(false);
  expect(events.filter(({ type }) => type !== 'backend.put')).toEqual([
    { type: 'backend.commit', reason: 'limit', operationCount: 3, txid: 3 },
    { type: 'backend.committed', txid: 3, consistentIndex: 0 },
    { type: 'backend.commit', reason: 'limit', operationCount: 4, txid: 4 },
    { type: 'backend.committed', txid: 4, consistentIndex: 0 },
  ]);
});

test('the consistent index is stored with the commit that it belongs to', () => {
  const { pager, backend, events } = open();
  backend.setBeforeCommit((tx) => tx.put('meta', metaKeys.consistentIndex, encodeConsistentIndex(77)));
  expect(backend.commit('interval')).toBe(false);
  backend.batchTx.put('key', text('k'), text('v'));
  backend.unlock();
  expect(backend.consistentIndex).toBe(0);
  expect(backend.commit('interval')).toBe(true);
  backend.committed();
  expect(backend.consistentIndex).toBe(77);
  expect(events.at(-1)).toMatchObject({ type: 'backend.committed', consistentIndex: 77 });
  expect(open(pager.image()).backend.consistentIndex).toBe(77);
});

test('no page of the last durable commit changes before the next commit is durable', () => {
  const log: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  const pager = new MemoryPager(null, {
    write: (offset, bytes) => void log.push({ offset, bytes: bytes.slice() }),
    sync: () => {},
    truncate: () => {},
  });
  const backend = Backend.open(openDb(pager, { pageSize: 1024 }), { batchLimit: 5 });
  backend.committed();
  for (let round = 0; round < 60; round++) {
    const durable = pager.image();
    log.length = 0;
    for (let i = 0; i < 9; i++) {
      backend.batchTx.put('key', text(`k${(round * 7 + i * 5) % 90}`), text(`${round}`.repeat(20)));
      backend.unlock();
    }
    expect(backend.committing).toBe(true);
    for (let lost = 0; lost < log.length; lost++) {
      const torn = durable.slice();
      for (const { offset, bytes } of log.slice(lost)) {
        if (offset >= 2 * 1024 && offset + bytes.length <= torn.length) torn.set(bytes, offset);
      }
      if (lost % 5 === 0) expect(openDb(new MemoryPager(torn)).beginRead().check()).toEqual([]);
    }
    while (backend.committing) backend.committed();
  }
});

test('what is in use is the file without its free pages', () => {
  const { backend } = open();
  const write = (value: string): void => {
    for (let i = 0; i < 40; i++) backend.batchTx.put('key', text(`k${i}`), text(value));
    backend.unlock();
    backend.commit('force');
    backend.committed();
  };
  write('v'.repeat(200));
  const full = backend.sizeInUseBytes;
  for (let i = 0; i < 40; i++) backend.batchTx.delete('key', text(`k${i}`));
  write('w');
  write('x');
  expect(backend.sizeInUseBytes).toBeLessThan(full);
  expect(backend.sizeBytes).toBeGreaterThanOrEqual(full);
});
