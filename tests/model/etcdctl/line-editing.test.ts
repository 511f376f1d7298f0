/** Completion and history of the console's line. */
import { expect, test } from 'vitest';
import { commonStart, complete } from '../../../src/model/etcdctl/complete.ts';
import { CommandHistory } from '../../../src/model/etcdctl/history.ts';

/** Completes at the bar in the text. */
function at(marked: string): readonly string[] {
  const bar = marked.indexOf('|');
  return complete(marked.replace('|', ''), bar, 3).candidates;
}

test('commands, subcommands, flags, values and members are completed where they may stand', () => {
  expect(at('p|')).toEqual(['put', 'power-cut', 'pause', 'plant']);
  expect(at('etcdctl me|')).toEqual(['member']);
  expect(at('endpoint |')).toEqual(['status', 'health', 'hashkv']);
  expect(at('get a --pr|')).toEqual(['--prefix', '--print-value-only']);
  expect(at('put a --pr|')).toEqual(['--prev-kv']);
  expect(at('get a -w j|')).toEqual(['json']);
  expect(at('get a --write-out=t|')).toEqual(['--write-out=table']);
  expect(at('get a --endpoints m1,|')).toEqual(['m1,m2', 'm1,m3']);
  expect(at('kill |')).toEqual(['m1', 'm2', 'm3', 'leader', 'all']);
  expect(at('cut m1 l|')).toEqual(['leader']);
  expect(at('help mem|')).toEqual(['member']);
  expect(at('get gr|')).toEqual([]);
});

test('the part to replace is the word at the cursor, quotes and all', () => {
  expect(complete('get "a b" --pre', 15, 3)).toEqual({ from: 10, to: 15, candidates: ['--prefix'] });
  expect(commonStart(at('get a --pr|'))).toBe('--pr');
  expect(commonStart([])).toBe('');
});

test('history walks the lines that begin with what was typed, and comes back to it', () => {
  const history = new CommandHistory(10);
  for (const line of ['put a 1', 'get a', 'put b 2', 'put b 2', '  ']) history.add(line);
  expect(history.lines).toEqual(['put a 1', 'get a', 'put b 2']);
  expect(history.older('put')).toBe('put b 2');
  expect(history.older('put b 2')).toBe('put a 1');
  expect(history.older('put a 1')).toBeNull();
  expect(history.newer('put a 1')).toBe('put b 2');
  expect(history.newer('put b 2')).toBe('put');
  expect(history.newer('put')).toBeNull();
});

test('history keeps the newest lines up to its bound', () => {
  const history = new CommandHistory(2);
  for (const line of ['one', 'two', 'three']) history.add(line);
  expect(history.lines).toEqual(['two', 'three']);
  expect(history.older('')).toBe('three');
  history.edited();
  expect(history.older('t')).toBe('three');
});
