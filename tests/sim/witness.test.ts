/** The witness: which committed request is which client's. */
import { expect, test } from 'vitest';
import { contradiction } from '../../src/sim/checkers/witness.ts';
import { KvModel } from '../../src/sim/checkers/kv-model.ts';
import type { Committed } from '../../src/sim/checkers/commit-log.ts';
import type { Operation } from '../../src/sim/checkers/history.ts';
import type { KvRequest } from '../../src/sim/checkers/kv-request.ts';

const grant = (id: bigint): KvRequest => ({ kind: 'grant', id, ttlSeconds: 2 });

/** The log that these requests make. */
function logOf(requests: readonly KvRequest[]): Committed[] {
  const model = new KvModel(true);
  return requests.map((request, i) => {
    const { answer, changes } = model.apply(request);
    return { index: i + 1, request, answer, changes, revision: model.revision };
  });
}

const granted: Operation = { id: 1, request: grant(7n), callUs: 0, returnUs: 9, answer: 'done', revision: 1 };

test('a grant that its client sent again takes effect twice where the lease ran out between', () => {
  const log = logOf([grant(7n), { kind: 'revoke', id: 7n }, grant(7n)]);
  expect(log.map(({ answer }) => answer)).toEqual(['done', 'done', 'done']);
  expect(contradiction([granted], log)).toBeNull();
});

test('a grant that is refused for it came before is not taken for another that is like it', () => {
  const other: Operation = { ...granted, id: 2, request: grant(8n), answer: null, returnUs: Infinity };
  const log = logOf([grant(7n), grant(7n), grant(8n)]);
  expect(log.map(({ answer }) => answer)).toEqual(['done', null, 'done']);
  expect(contradiction([granted, other], log)).toBeNull();
});

test("a grant whose id the member chose is its client's", () => {
  const nameless: Operation = { ...granted, request: grant(0n) };
  expect(contradiction([nameless], logOf([grant(9n)]))).toBeNull();
});

test('a grant that no client sent is told', () => {
  const other: KvRequest = { kind: 'grant', id: 8n, ttlSeconds: 9 };
  expect(contradiction([granted], logOf([grant(7n), other]))).toMatch('entry 2');
});
