/** Recorded conversations with a real etcd 3.4.23: every answer of ours is the recorded one. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { replay } from '../../parity/etcd/replay.ts';
import { readTranscript } from '../../parity/etcd/transcript.ts';

const folder = 'tests/testdata/etcd';
const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));

test.each(names)('%s: every answer is the recorded one', (name) => {
  const { passed, failed, first } = replay(readTranscript(`${folder}/${name}`));
  expect(first).toEqual([]);
  expect(failed).toBe(0);
  expect(passed).toBeGreaterThan(30);
});
