import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from '../../src/base/checksum.ts';
import { readStoredOpfs } from '../../src/host/opfs-look.ts';
import { OpfsStore } from '../../src/host/opfs-store.ts';
import { anyGroups, commitOf, filled, NaiveFiles, setup, write } from '../contract/page-store.ts';
import { ManualClock } from './manual-clock.ts';
import { OpfsDouble } from './opfs-double.ts';
import type { Fate } from './opfs-double.ts';

const storeOn = (disk: OpfsDouble, foldBytes = 1e9): OpfsStore =>
  new OpfsStore({ workspace: 'w', root: disk.root, foldBytes });

const anyFate: fc.Arbitrary<Fate> = fc.oneof(
  fc.constantFrom<Fate>('kept', 'lost'),
  fc.integer({ min: 0, max: 900 }),
);

test('killed at any step, writing, folding or opening, it opens with all that was acknowledged, and whole', async () => {
  const fates = fc.array(anyFate, { minLength: 1, maxLength: 20 });
  const steps = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 3 });
  const property = fc.asyncProperty(
    anyGroups,
    steps,
    fates,
    fc.constantFrom(1, 2000),
    async (groups, deaths, fated, fold) => {
      const disk = new OpfsDouble();
      let fate = 0;
      const cut = () => disk.cut(() => fated[fate++ % fated.length]);
      const models = [1, 2, 3].map(() => new NaiveFiles());
      const states = [stateOf(models.map(({ files }) => files))];
      let next = 0;
      let acknowledged = 0;
      for (const death of deaths) {
        disk.diesAt = disk.steps + death;
        const store = storeOn(disk, fold);
        try {
          await store.open(setup);
          for (; next < groups.length; next++) {
            const group = groups[next];
            for (const [member, op] of group) models[member - 1].apply(op);
            states.push(stateOf(models.map(({ files }) => files)));
            await store.write(group.map(([member, op]) => commitOf(member, op)));
            acknowledged = next + 1;
          }
        } catch {
          // it died
        }
        await store.folded();
        cut();
        const survivor = storeOn(disk);
        const held = stateOf((await survivor.open(setup)).images);
        const attempted = states.length - 1;
        const found = states.lastIndexOf(held);
        expect(found, 'a state that was').toBeGreaterThanOrEqual(acknowledged);
        expect(found).toBeLessThanOrEqual(attempted);
        // what was not acknowledged and is there counts as done; what is not is done over
        if (found < attempted) {
          states.length = found + 1;
          models.splice(0, 3, ...[0, 1, 2].map(() => new NaiveFiles()));
          groups
            .slice(0, found)
            .forEach((group) => group.forEach(([member, op]) => models[member - 1].apply(op)));
        }
        next = found;
        acknowledged = found;
        await survivor.close();
      }
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

/** Names, sizes and checksums: a text for each state of all members' files. */
function stateOf(members: readonly ReadonlyMap<string, ArrayLike<number>>[]): string {
  const fileOf = ([name, data]: [string, ArrayLike<number>]): string =>
    `${name} ${data.length} ${crc32c(Uint8Array.from(data))}`;
  return members.map((files) => [...files].map(fileOf).sort().join(', ')).join('; ');
}

test('folded, each member’s file is a file of its own, byte for byte, and the log is empty', async () => {
  const disk = new OpfsDouble();
  const store = storeOn(disk, 100);
  await store.open(setup);
  await store.write([commitOf(1, write('member/snap/db', 0, filled(300, 5)))]);
  await store.folded();
  expect([...disk.file('w', 'f1').durable]).toEqual([...filled(300, 5)]);
  await store.write([commitOf(1, { kind: 'remove', file: 'member/snap/db' }, write('b', 0, filled(200, 6)))]);
  await store.folded();
  expect(disk.names('w')).toEqual(['f2', 'log0', 'log1', 'meta0', 'meta1']);
  expect([disk.file('w', 'log0').durable.length, disk.file('w', 'log0').durable.length]).toEqual([0, 0]);
  await store.close();
});

test('a full store refuses a write whole, and takes the next', async () => {
  const disk = new OpfsDouble();
  const store = storeOn(disk);
  await store.open(setup);
  disk.freeBytes = 500;
  await expect(store.write([commitOf(1, write('db', 0, filled(4000, 1)))])).rejects.toMatchObject({
    code: 'ENOSPC',
  });
  await store.write([commitOf(1, write('db', 0, filled(8, 2)))]);
  expect((await store.read())[0].get('db')).toEqual(filled(8, 2));
  await store.close();
});

test('a folding that finds no room leaves the log, goes on writing, and is done over at the next open', async () => {
  const disk = new OpfsDouble();
  const store = storeOn(disk, 1000);
  await store.open(setup);
  disk.freeBytes = 1800;
  await store.write([commitOf(1, write('db', 0, filled(1500, 3)))]);
  await store.folded();
  disk.freeBytes = Number.POSITIVE_INFINITY;
  await store.write([commitOf(1, write('db', 1400, filled(200, 4)))]);
  const expected = [...filled(1400, 3), ...filled(200, 4)];
  expect([...((await store.read())[0].get('db') ?? [])]).toEqual(expected);
  await store.close();
  const again = storeOn(disk);
  expect([...((await again.open(setup)).images[0].get('db') ?? [])]).toEqual(expected);
  await again.close();
});

test('who only looks sees what is stored while another tab holds and folds it', async () => {
  const disk = new OpfsDouble();
  expect(await readStoredOpfs('w', disk.root)).toBeNull();
  const store = storeOn(disk, 100);
  await store.open(setup);
  await store.write([commitOf(2, write('db', 0, filled(300, 5)))]);
  const looked = await readStoredOpfs('w', disk.root);
  expect(looked?.images[1].get('db')).toEqual(filled(300, 5));
  expect(looked?.record).toMatchObject({ seed: 7, boot: 1 });
  await store.close();
});

test('a file that another tab holds is waited for, and named when it does not let go', async () => {
  const disk = new OpfsDouble();
  const holder = storeOn(disk);
  await holder.open(setup);
  const clock = new ManualClock();
  const second = new OpfsStore({ workspace: 'w', root: disk.root, clock });
  const blocked = expect(second.open(setup)).rejects.toMatchObject({ code: 'store blocked' });
  await clock.pass(3000);
  await blocked;
  const third = new OpfsStore({ workspace: 'w', root: disk.root, clock });
  const opening = third.open(setup);
  await clock.pass(200);
  await holder.close();
  await clock.pass(200);
  expect((await opening).record.boot).toBe(2);
  await expect(holder.write([commitOf(1, write('db', 0, filled(1, 1)))])).rejects.toMatchObject({
    code: 'EIO',
  });
  await third.destroy();
});

test('files that the browser drops under the lab are missed within a second', async () => {
  const disk = new OpfsDouble();
  const clock = new ManualClock();
  const told: string[] = [];
  const lost = (message: string): void => void told.push(message);
  const store = new OpfsStore({ workspace: 'w', root: disk.root, clock, lost });
  await store.open(setup);
  const commit = () => store.write([commitOf(1, write('db', 0, filled(10, 1)))]);
  await commit();
  await clock.pass(1000);
  await commit();
  expect(told).toEqual([]);
  disk.drop();
  await commit();
  await clock.pass(1000);
  await commit();
  expect(told).toEqual(['The browser dropped the lab’s files.']);
  await store.close();
});

const damages: readonly [string, string, (disk: OpfsDouble) => void][] = [
  ['a byte of a member’s file', 'store damaged', (disk) => (disk.file('w', 'f1').cache[100] ^= 1)],
  [
    'a member’s file that is cut short',
    'store damaged',
    (disk) => (disk.file('w', 'f1').cache = new Uint8Array(9)),
  ],
  [
    'both records',
    'store damaged',
    (disk) => [0, 1].forEach((i) => (disk.file('w', `meta${i}`).cache[20] ^= 1)),
  ],
  ['a record of the log before another', 'store damaged', (disk) => (disk.file('w', 'log0').cache[40] ^= 1)],
];
for (const [what, code, damage] of damages) {
  test(`stored data are untrusted: damage to ${what} is a clear error, and deleting helps`, async () => {
    const disk = new OpfsDouble();
    const store = storeOn(disk, 100);
    await store.open(setup);
    await store.write([commitOf(1, write('db', 0, filled(300, 5)))]);
    await store.close();
    const next = storeOn(disk);
    await next.open(setup);
    await next.write([commitOf(1, write('db', 0, filled(8, 6)))]);
    await next.write([commitOf(1, write('db', 8, filled(8, 7)))]);
    disk.cut(() => 'kept');
    damage(disk);
    await expect(storeOn(disk).open(setup)).rejects.toMatchObject({ code });
    await storeOn(disk).destroy();
    expect((await storeOn(disk).open(setup)).fresh).toBe(true);
  });
}
