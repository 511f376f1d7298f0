import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fingerprintOf } from '../../engine-fingerprint.mjs';
import { engineName } from '../../src/host/run-file.ts';

test('runs are marked with what the engine’s sources are, and with nothing else', () => {
  expect(engineName).toMatch(/^quorum-lab 0\.1\.0 [0-9a-f]{16}$/);
  expect(fingerprintOf(['src/views'])).not.toBe(fingerprintOf());
});

test('equal sources have equal fingerprints, whatever their line ends; another letter or name makes another', () => {
  const base = mkdtempSync(join(tmpdir(), 'quorum-lab-fingerprint-'));
  const of = (files: Readonly<Record<string, string>>): string => {
    rmSync(join(base, 'a'), { recursive: true, force: true });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(base, 'a', 'deep'), { recursive: true });
      writeFileSync(join(base, 'a', name), text);
    }
    return fingerprintOf(['a'], base);
  };
  const first = of({ 'x.ts': 'one\ntwo\n', 'deep/y.ts': '3' });
  expect(first).toMatch(/^[0-9a-f]{16}$/);
  expect(of({ 'deep/y.ts': '3', 'x.ts': 'one\r\ntwo\r\n', 'notes.md': 'no source' })).toBe(first);
  expect(of({ 'x.ts': 'one\ntwo.', 'deep/y.ts': '3' })).not.toBe(first);
  expect(of({ 'x.ts': 'one\ntwo\n', 'y.ts': '3' })).not.toBe(first);
  rmSync(base, { recursive: true });
});
