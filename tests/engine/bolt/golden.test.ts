/** Real bbolt's files, traces and texts, replayed. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { boltCases } from '../../parity/bolt.ts';

const folder = fileURLToPath(new URL('../../testdata/bolt', import.meta.url));

const cases = boltCases(folder);

test('the golden data are there', () => {
  const kinds = new Set(cases.map(({ name }) => name.split(' ')[0]));
  expect([...kinds].sort()).toEqual(['cli', 'db', 'freelist', 'trace']);
});

for (const { name, run } of cases) test(`bbolt and we agree: ${name}`, () => expect(run()).toEqual([]));
