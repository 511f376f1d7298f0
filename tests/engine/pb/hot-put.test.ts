/** A put's messages by hand against the protobuf library: the same bytes, the same messages, or nothing. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../src/base/bytes.ts';
import { InternalRaftRequestSchema } from '../../../src/engine/pb/gen/raft_internal_pb.ts';
import { PutRequestSchema, PutResponseSchema } from '../../../src/engine/pb/gen/rpc_pb.ts';
import * as hot from '../../../src/engine/pb/hot-put.ts';

const bytes = fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ minLength: 120, maxLength: 300 }));
const u64 = fc.oneof(fc.constant(0n), fc.nat(300).map(BigInt), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const i64 = fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const count = fc.oneof(fc.constant(0), fc.nat(300), fc.maxSafeNat());
const put = fc.record({
  key: bytes,
  value: bytes,
  lease: i64,
  prevKv: fc.boolean(),
  ignoreValue: fc.boolean(),
  ignoreLease: fc.boolean(),
});
const header = fc.record({ clusterId: u64, memberId: u64, revision: count, raftTerm: count });

const headerMessage = ({ revision, raftTerm, ...ids }: hot.HeaderFields) => ({
  ...ids,
  revision: BigInt(revision),
  raftTerm: BigInt(raftTerm),
});

test('a put, its entry and its answer have the same bytes by hand as by the library, and are read back', () => {
  fc.assert(
    fc.property(put, u64, count, header, (fields, id, authRevision, head) => {
      const message = create(PutRequestSchema, fields);
      const request = hot.encodePutRequest(fields);
      expect(request).toEqual(toBinary(PutRequestSchema, message));
      expect(hot.readPutRequest(request)).toEqual(message);
      const logged = hot.encodeLoggedPut(id, authRevision, fields);
      const entry = { header: { ID: id, authRevision: BigInt(authRevision) }, put: message };
      const internal = create(InternalRaftRequestSchema, entry);
      expect(logged).toEqual(toBinary(InternalRaftRequestSchema, internal));
      expect(hot.readLoggedPut(logged)).toEqual({ id, authRevision, put: message });
      const answer = hot.encodePutResponse(head);
      const response = create(PutResponseSchema, { header: headerMessage(head) });
      expect(answer).toEqual(toBinary(PutResponseSchema, response));
      expect(hot.readPutResponse(answer)).toEqual(head);
    }),
  );
});

/** What the library makes of bytes; null where it refuses them. */
function byLibrary(schema: DescMessage, data: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    return fromBinary(schema, data) as unknown as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

function compare(data: Uint8Array): void {
  const request = hot.readPutRequest(data);
  if (request !== null) expect(request).toEqual(byLibrary(PutRequestSchema, data));
  const logged = hot.readLoggedPut(data);
  if (logged !== null) {
    const { id: ID, authRevision, put: body } = logged;
    const internal = { header: { ID, authRevision: BigInt(authRevision) }, put: body };
    const byHand = create(InternalRaftRequestSchema, internal);
    expect(byHand).toEqual(byLibrary(InternalRaftRequestSchema, data));
  }
  const answer = hot.readPutResponse(data);
  if (answer !== null) {
    const byHand = create(PutResponseSchema, { header: headerMessage(answer) });
    expect(byHand).toEqual(byLibrary(PutResponseSchema, data));
  }
}

/** Fields with tags of all wire types, lengths that fit or not, varints that are longer than they must be. */
const varint = fc.oneof(
  fc.nat(127).map((byte) => [byte]),
  fc.array(fc.integer({ min: 128, max: 255 }), { maxLength: 10 }).map((head) => [...head, 1]),
  fc.nat(3).map((byte) => [128 + byte, 128, 0]),
);
const field = fc.oneof(
  fc.tuple(fc.nat(7), varint).map(([number, value]) => [number * 8, ...value]),
  fc
    .tuple(fc.nat(5), fc.uint8Array({ maxLength: 6 }), fc.integer({ min: -1, max: 1 }))
    .map(([number, data, off]) => [number * 8 + 2, Math.max(0, data.length + off), ...data]),
  fc.constantFrom([0xa2, 0x06, 0x00], [0xa2, 0x06, 0x02, 0x08, 0x05], [0x0d, 1, 2, 3, 4], [0x0b], [0x0c]),
);

test('what is read by hand of any bytes is what the library reads, also of unknown and repeated fields', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 5 }), fc.boolean(), (fields, isPut) => {
      const data = Uint8Array.from(fields.flat());
      compare(data);
      if (isPut) compare(concatBytes([Uint8Array.of(0x22, data.length), data, Uint8Array.of(0xa2, 0x06, 0)]));
      else compare(concatBytes([Uint8Array.of(0x0a, data.length), data]));
    }),
    { numRuns: 2000 },
  );
});

test('every cut, and every byte turned, of a put, its entry and its answer is read as the library does', () => {
  const fields = { key: Uint8Array.of(107), value: new Uint8Array(3), lease: -1n };
  const whole = { ...fields, prevKv: true, ignoreValue: true, ignoreLease: true };
  const head = { clusterId: 2n ** 63n, memberId: 1n, revision: 300, raftTerm: 2 };
  const messages = [
    hot.encodePutRequest(whole),
    hot.encodeLoggedPut(2n ** 60n, 7, whole),
    hot.encodePutResponse(head),
  ];
  for (const message of messages) {
    for (let at = 0; at < message.length; at++) {
      compare(message.subarray(0, at));
      for (let bit = 0; bit < 8; bit++) {
        const changed = message.slice();
        changed[at] ^= 1 << bit;
        compare(changed);
      }
    }
  }
});

test('a pair in the answer, a user with a name and an order of fields that nobody writes go to the library', () => {
  const named = create(InternalRaftRequestSchema, { header: { ID: 1n, username: 'u' }, put: {} });
  expect(hot.readLoggedPut(toBinary(InternalRaftRequestSchema, named))).toBeNull();
  const pair = create(PutResponseSchema, { header: {}, prevKv: {} });
  expect(hot.readPutResponse(toBinary(PutResponseSchema, pair))).toBeNull();
  expect(hot.readPutRequest(Uint8Array.of(0x12, 0, 0x0a, 0))).toBeNull();
});
