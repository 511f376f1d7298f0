import { expect, test } from 'vitest';
import { nodeId } from '../../src/engine/raft/types.ts';
import {
  beginBoot,
  InputsFolder,
  inputLimits,
  noInputs,
  packInputs,
  reachesGenesis,
  unpackInputs,
  withPresent,
  type StoredInputs,
} from '../../src/host/stored-inputs.ts';
import { packWrite, unpackWrite } from '../../src/host/store-record.ts';
import type { Intervention, StoreCommit } from '../../src/sim/types.ts';

const commit = (number: number): StoreCommit => ({
  ...{ member: nodeId(2), commit: number, timeUs: number, urgent: true, ops: [] },
});
const actions = (count: number, value = ''): Intervention[] =>
  Array.from({ length: count }, () => ({ moment: 1, action: { type: 'put', key: 'k', value } }));
const part = (count: number, value?: string) => ({
  ...{ interventions: actions(count, value), moment: 4, chainHash: '0123456789abcdef' },
});
const first = beginBoot(noInputs, { boot: 1, timeUs: 0 }, []);

function after(before: StoredInputs, boot: number, ...parts: ReturnType<typeof part>[]): StoredInputs {
  const folder = new InputsFolder(before, boot);
  parts.forEach((one, i) => folder.add([commit(i + 1)], one));
  return folder.finish();
}

test('a history that grows past its limits is let go of, and what follows does not pretend to reach back', () => {
  const most = after(first, 1, part(inputLimits.interventions - 1), part(1));
  expect(most.boots[0].interventions.length).toBe(inputLimits.interventions);
  expect(after(most, 1, part(1))).toEqual(noInputs);
  expect(after(first, 1, part(5, 'x'.repeat(1024 * 1024)))).toEqual(noInputs);
  let many = first;
  for (let boot = 2; boot <= inputLimits.boots; boot++) many = beginBoot(many, { boot, timeUs: 0 }, []);
  expect([many.boots.length, reachesGenesis(many)]).toEqual([inputLimits.boots, true]);
  expect(beginBoot(many, { boot: 5000, timeUs: 0 }, [])).toEqual(noInputs);
  const later = beginBoot(noInputs, { boot: 5001, timeUs: 0 }, [new Map([['db', new Uint8Array(3)]])]);
  expect(reachesGenesis(later)).toBe(false);
  expect(reachesGenesis(beginBoot(later, { boot: 5002, timeUs: 0 }, []))).toBe(false);
});

test('writes of a boot whose beginning nobody noted, or out of order, make no history', () => {
  expect(after(noInputs, 2, part(1))).toEqual(noInputs);
  expect(after({ boots: [{ ...first.boots[0], boot: 3 }] }, 2, part(1))).toEqual(noInputs);
  const folder = new InputsFolder(first, 1);
  folder.add([commit(7), commit(7)], part(1));
  expect(folder.finish()).toEqual(noInputs);
  expect(new InputsFolder(first, 2).finish()).toBe(first);
});

test('what goes on in another store goes on in its own last boot, with all commits so far', () => {
  const present = withPresent(first, part(2), [4, 0]);
  expect(present.boots[0].end.stored).toEqual([[1, 4], []]);
  const [boot] = after(present, 7, part(1)).boots;
  expect([boot.boot, boot.interventions.length, boot.end.stored]).toEqual([
    1,
    3,
    [
      [1, 4],
      [1, 1],
    ],
  ]);
  expect(withPresent(noInputs, part(1), [1])).toEqual(noInputs);
  expect(withPresent(first, part(inputLimits.interventions + 1), [])).toEqual(noInputs);
});

test('a lab that began with a file does not reach back to empty disks, though it is its first boot', () => {
  const begun = beginBoot(noInputs, { boot: 1, timeUs: 0 }, [new Map([['db', new Uint8Array(3)]])]);
  expect([reachesGenesis(begun), reachesGenesis(first), reachesGenesis(noInputs)]).toEqual([
    false,
    true,
    false,
  ]);
});

test('packed and unpacked, histories and writes are the same; any changed byte is damage', () => {
  const history = after(first, 1, part(2), part(1));
  expect(unpackInputs(packInputs(history))).toEqual(history);
  const op = { kind: 'write', file: 'db', offset: 3, data: new Uint8Array([1, 2]) } as const;
  const write = { commits: [{ ...commit(1), ops: [op] }], inputs: part(1) };
  expect(unpackWrite(packWrite(write), 9)).toEqual(write);
  expect(unpackWrite(packWrite({ commits: [], inputs: null }), 9)).toEqual({ commits: [], inputs: null });
  const cases: readonly [ArrayBuffer, (bytes: ArrayBuffer) => unknown][] = [
    [packInputs(history), unpackInputs],
    [packWrite(write), (bytes) => unpackWrite(bytes, 9)],
  ];
  for (const [packed, unpack] of cases)
    for (let at = 0; at < packed.byteLength; at++) {
      const changed = new Uint8Array(packed.slice(0));
      changed[at] ^= 0x10;
      expect(() => unpack(changed.buffer)).toThrow(expect.objectContaining({ code: 'store damaged' }));
    }
});
