/** What checkers take a client's command for: what a member reads from the wire. */
import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { decodeRequest } from '../../src/engine/server/rpc.ts';
import { byteText, bytesOf, kvRequest, requestOfAction } from '../../src/sim/checkers/kv-request.ts';
import { encodeAction } from '../../src/sim/client-rpc.ts';

const texts = fc.string({ unit: 'binary', maxLength: 40 });
const flags = fc.record(
  { prevKv: fc.boolean(), ignoreValue: fc.boolean(), ignoreLease: fc.boolean() },
  { requiredKeys: [] },
);

test('a put is to checkers what it is to the member that reads it', () => {
  fc.assert(
    fc.property(texts, texts, flags, (key, value, set) => {
      const action = { type: 'put', key, value, ...set } as const;
      const encoded = encodeAction(action);
      if (!encoded.ok) throw new Error(encoded.message);
      const read = kvRequest(decodeRequest('etcdserverpb.KV/Put', encoded.rpc.bytes, Infinity));
      expect(requestOfAction(action)).toEqual(read);
    }),
  );
});

test('bytes become a text of as many characters and bytes again, few or many', () => {
  for (const length of [0, 1, 8192, 8193, 40_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);
    expect(byteText(bytes)).toHaveLength(length);
    expect(bytesOf(byteText(bytes))).toEqual(bytes);
  }
});
