import { expect, test } from 'vitest';
import fc from 'fast-check';
import { defaultAddress, labOptions, readAddress, writeAddress } from '../../src/app/address.ts';

test('an address says what to run; what it leaves out is the default', () => {
  const { address, faults } = readAddress('?seed=42&storage=memory&autoplay=0&utm=x');
  expect(address).toEqual({ ...defaultAddress, seed: 42, storage: 'memory', autoplay: false });
  expect(faults).toEqual([]);
});

test('a value that is not known is told of, and the default stands in for it', () => {
  const { address, faults } = readAddress('?seed=-1&layout=two&workspace=a/b&autoplay=yes');
  expect(address).toEqual(defaultAddress);
  expect(faults).toEqual([
    { name: 'seed', value: '-1', fallback: '7' },
    { name: 'layout', value: 'two', fallback: 'workers' },
    { name: 'workspace', value: 'a/b', fallback: 'home' },
    { name: 'autoplay', value: 'yes', fallback: '1' },
  ]);
});

test('what is written is read back', () => {
  const addresses = fc.record({
    view: fc.constantFrom('cluster' as const, 'freelist' as const),
    scenario: fc.stringMatching(/^[\w.-]{1,64}$/),
    seed: fc.integer({ min: 0, max: 0xffff_ffff }),
    storage: fc.constantFrom('auto' as const, 'opfs' as const, 'memory' as const),
    layout: fc.constantFrom('workers' as const, 'one' as const),
    theme: fc.constantFrom('auto' as const, 'light' as const, 'dark' as const),
    bucket: fc.integer({ min: 1, max: 512 }),
    workspace: fc.stringMatching(/^[\w.-]{1,64}$/),
    autoplay: fc.boolean(),
    preVote: fc.boolean(),
    members: fc.integer({ min: 1, max: 9 }),
    bug: fc.constantFrom('' as const, 'commitOlderTerms' as const, 'keepConflicts' as const),
    checks: fc.boolean(),
    flavor: fc.constantFrom('lab' as const, '3.4' as const),
    settings: fc.record(
      {
        quotaBytes: fc.integer({ min: -1, max: 2 ** 36 }).filter((bytes) => bytes !== 2 ** 31),
        autoCompactionMode: fc.constant('revision' as const),
        autoCompactionRetention: fc.integer({ min: 1, max: 1000 }),
        freelist: fc.constant('map' as const),
        leaseCheckpoint: fc.constant(true),
      },
      { requiredKeys: [] },
    ),
  });
  fc.assert(
    fc.property(addresses, (address) => {
      expect(readAddress(writeAddress(address)).address).toEqual(address);
    }),
  );
  expect(writeAddress(defaultAddress)).toBe('');
});

test('settings are by etcd, within bounds, and leave what is stored alone', () => {
  const read = readAddress('?quotaBytes=2147483648&snapshotCount=50&freelist=tree&maxTxnOps=0&members=0');
  expect(read.address.settings).toEqual({ snapshotCount: 50 });
  expect(read.faults.map(({ name, fallback }) => [name, fallback])).toEqual([
    ['members', '3'],
    ['freelist', 'array'],
    ['maxTxnOps', '128'],
  ]);
  const optionsOf = (query: string) => labOptions(readAddress(query).address);
  expect(optionsOf('')).toMatchObject({ storage: 'auto', settings: {}, members: 3 });
  expect(optionsOf('?members=5')).toMatchObject({ storage: 'memory', members: 5 });
  expect(optionsOf('?quotaBytes=-1')).toMatchObject({ storage: 'memory', settings: { quotaBytes: -1 } });
  const drill = { storage: 'memory', settings: { quotaBytes: 1048576, snapshotCount: 50 } };
  expect(optionsOf('?scenario=nospace&snapshotCount=50')).toMatchObject(drill);
});

test("etcd 3.4's flavour has no PreVote, and neither has who leaves it out", () => {
  const preVoteOf = (query: string): boolean => labOptions(readAddress(query).address).preVote;
  expect(['', '?flavor=lab', '?flavor=3.4', '?preVote=0'].map(preVoteOf)).toEqual([true, true, false, false]);
  expect(readAddress('?flavor=3.3').faults).toEqual([{ name: 'flavor', value: '3.3', fallback: 'lab' }]);
});
