/** A database that a real etcd 3.4.23 wrote: the store reads it, and answers what that etcd answered. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { equalBytes } from '../../../src/base/bytes.ts';
import { Backend, openDb } from '../../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { KvStore } from '../../../src/engine/mvcc/kvstore.ts';
import { decodeKeyValue, encodeKeyValue } from '../../../src/engine/pb/hot.ts';

const none = new Uint8Array(0);

function openGolden(): { backend: Backend; store: KvStore } {
  const image = new Uint8Array(gunzipSync(readFileSync('tests/testdata/mvcc/a-small.raw.db.gz')));
  const backend = Backend.open(openDb(new MemoryPager(image)));
  return { backend, store: new KvStore(backend) };
}

test('revision, live keys, sizes, consistent index and HashKV are those of the real etcd', () => {
  const { backend, store } = openGolden();
  expect(store.revision).toBe(352);
  expect(store.compactRevision).toBe(80);
  expect(backend.consistentIndex).toBe(405);
  expect([backend.sizeBytes, backend.db.freePageCount]).toEqual([704512, 3]);
  expect(store.index.countAlive()).toBe(199);
  expect(store.read().range(none, none, { countOnly: true }).count).toBe(199);
  expect(store.hashByRevision(0)).toEqual({ hash: 2026065878, currentRevision: 352, compactRevision: 80 });
});

test('every record of the real etcd, decoded and encoded again, is the same bytes', () => {
  const { backend } = openGolden();
  let count = 0;
  backend.readTx.forEach('key', (_key, value) => {
    expect(equalBytes(encodeKeyValue(decodeKeyValue(value)), value)).toBe(true);
    count++;
  });
  expect(count).toBe(395);
});

test('the history above the compaction can be read, below it not', () => {
  const { store } = openGolden();
  const read = store.read();
  expect(read.range(none, none, { revision: 80 }).revision).toBe(352);
  expect(() => read.range(none, none, { revision: 79 })).toThrow(
    'mvcc: required revision has been compacted',
  );
  expect(() => read.range(none, none, { revision: 353 })).toThrow(
    'mvcc: required revision is a future revision',
  );
  for (const { modRevision, createRevision, version } of read.range(none, none, { revision: 200 }).kvs) {
    expect(modRevision).toBeLessThanOrEqual(200);
    expect(createRevision).toBeLessThanOrEqual(modRevision);
    expect(version).toBeGreaterThan(0);
  }
});
