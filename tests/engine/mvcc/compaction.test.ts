/** Compactions in pieces: what they leave, and what a crash between two pieces leaves to the next start. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { Backend, openDb } from '../../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { KvStore } from '../../../src/engine/mvcc/kvstore.ts';
import { decodeRevision, revisionText } from '../../../src/engine/mvcc/revision.ts';

const none = new Uint8Array(0);

function recordsOf(backend: Backend): string[] {
  const found: string[] = [];
  backend.readTx.forEach('key', (key) => void found.push(revisionText(decodeRevision(key))));
  return found;
}

function statesOf(kv: KvStore, from: number): string {
  const states: string[] = [];
  for (let revision = from; revision <= kv.revision; revision++) {
    const { kvs } = kv.read().range(none, none, { revision });
    states.push(
      kvs.map(({ key, modRevision, version }) => `${String(key)}:${modRevision}:${version}`).join(' '),
    );
  }
  return states.join('\n');
}

const change = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.boolean());

test('a compaction changes nothing that can still be read, and leaves no record that cannot', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), fc.nat(), (changes, at) => {
      const backend = Backend.open(openDb(new MemoryPager()));
      const kv = new KvStore(backend);
      for (const [key, isPut] of changes) {
        const txn = kv.write();
        if (isPut) txn.put(encodeUtf8(key), none, 0n);
        else txn.deleteRange(encodeUtf8(key), null);
        txn.end();
      }
      const revision = 1 + (at % kv.revision);
      const before = statesOf(kv, revision);
      const kept = kv.index.keep(revision);
      const deleted: string[] = [];
      kv.setOnDelete((key) => deleted.push(revisionText(decodeRevision(key))));
      const all = recordsOf(backend);
      kv.compact(revision);
      while (kv.compactions.run() !== null);
      expect(statesOf(kv, revision)).toBe(before);
      const isKept = (text: string): boolean => Number(text.split('_')[0]) > revision || kept.has(text);
      expect(recordsOf(backend)).toEqual(all.filter(isKept));
      expect(deleted).toEqual(all.filter((text) => !isKept(text)));
      if (revision === 1) return;
      const tooOld = (): unknown => kv.read().range(none, none, { revision: revision - 1 });
      expect(tooOld).toThrow('mvcc: required revision has been compacted');
    }),
    { numRuns: 150 },
  );
});

test('a compaction that a crash interrupts is finished by the next start', () => {
  const pager = new MemoryPager();
  const backend = Backend.open(openDb(pager));
  const kv = new KvStore(backend);
  for (let i = 0; i < 3500; i++) {
    const txn = kv.write();
    txn.put(encodeUtf8(`k${i % 10}`), none, 0n);
    txn.end();
  }
  backend.committed();
  kv.compact(3000);
  backend.committed();
  expect(kv.compactions.run()).toBe(10_000);
  const image = pager.image();

  const again = Backend.open(openDb(new MemoryPager(image)));
  const restarted = new KvStore(again);
  expect([restarted.compactRevision, restarted.compactions.isIdle]).toEqual([3000, false]);
  const left = recordsOf(again).length;
  expect(left).toBeLessThan(3500);
  expect(left).toBeGreaterThan(2000);
  while (restarted.compactions.run() !== null);
  while (kv.compactions.run() !== null);
  expect(recordsOf(again).length).toBe(501 + 10);
  expect(restarted.hashByRevision(0)).toEqual(kv.hashByRevision(0));
});
