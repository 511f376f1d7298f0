/** The hand-written codecs against the protobuf library, and the bytes that etcd 3.4 writes. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { WireError } from '../../../src/base/wire.ts';
import { KeyValueSchema } from '../../../src/engine/pb/gen/kv_pb.ts';
import { EntrySchema, HardStateSchema, MessageSchema } from '../../../src/engine/pb/gen/raft_pb.ts';
import { decodeEntry, decodeKeyValue, encodeEntry, encodeKeyValue } from '../../../src/engine/pb/hot.ts';

const bytes = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 120, maxLength: 300 }));
const revision = fc.oneof(fc.constant(0), fc.nat(300), fc.maxSafeNat());
const keyValue = fc.record({
  key: bytes,
  createRevision: revision,
  modRevision: revision,
  version: revision,
  value: bytes,
  lease: fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
});
const entry = fc.record({
  type: fc.nat(2),
  term: revision,
  index: revision,
  data: fc.option(bytes, { nil: null }),
});

test('a KeyValue has the same bytes by hand as by the library, and is read back whole', () => {
  fc.assert(
    fc.property(keyValue, (kv) => {
      const byHand = encodeKeyValue(kv);
      const message = create(KeyValueSchema, {
        key: kv.key,
        value: kv.value,
        lease: kv.lease,
        createRevision: BigInt(kv.createRevision),
        modRevision: BigInt(kv.modRevision),
        version: BigInt(kv.version),
      });
      expect(byHand).toEqual(toBinary(KeyValueSchema, message));
      expect(decodeKeyValue(byHand)).toEqual(kv);
    }),
  );
});

test('an Entry has the same bytes by hand as by the library with every number set, and is read back', () => {
  fc.assert(
    fc.property(entry, (record) => {
      const byHand = encodeEntry(record);
      const message = create(EntrySchema, {
        Type: record.type,
        Term: BigInt(record.term),
        Index: BigInt(record.index),
        ...(record.data === null ? {} : { Data: record.data }),
      });
      expect(byHand).toEqual(toBinary(EntrySchema, message));
      expect(decodeEntry(byHand)).toEqual(record);
    }),
  );
});

test('explicit zero fields are written, as etcd 3.4 writes them', () => {
  expect(toHex(encodeEntry({ type: 0, term: 2, index: 5, data: null }))).toBe('080010021805');
  expect(toHex(toBinary(HardStateSchema, create(HardStateSchema, { term: 1n, vote: 0n, commit: 0n })))).toBe(
    '080110001800',
  );
});

test('a field number above 15 and fields in another order are read', () => {
  const unknown = [0x82, 0x01, 0x02, 0xff, 0xff, 0x99, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 0xa5, 0x01, 1, 2, 3, 4];
  const record = decodeEntry(Uint8Array.from([0x18, 7, ...unknown, 0x10, 3, 0xa0, 0x01, 0x80, 0x01]));
  expect(record).toEqual({ type: 0, term: 3, index: 7, data: null });
});

test('any cut of a message is either a shorter message or a WireError, never another exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (garbage) => {
      for (const decode of [decodeKeyValue, decodeEntry]) {
        try {
          decode(garbage);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }
    }),
  );
  const whole = encodeKeyValue({
    key: encodeUtf8('k'),
    createRevision: 1,
    modRevision: 1,
    version: 1,
    value: new Uint8Array(9),
    lease: 0n,
  });
  expect(() => decodeKeyValue(whole.subarray(0, whole.length - 1))).toThrow('unexpected end');
});

test('a raft message keeps the order of fields and a reader of today skips what it does not know', () => {
  const entries = [{ Term: 4n, Index: 9n }];
  const message = create(MessageSchema, { type: 3, to: 2n, from: 1n, term: 4n, entries });
  const again = fromBinary(MessageSchema, toBinary(MessageSchema, message));
  expect(again.entries[0]).toMatchObject({ Term: 4n, Index: 9n });
  expect(toHex(toBinary(MessageSchema, message))).toBe('0803100218012004' + '3a0410041809');
});
