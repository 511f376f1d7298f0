/**
 * What every page store does, wherever it keeps things: one list of cases for Node and for a worker in a browser. A
 * case throws where the store does not keep its contract.
 */
import fc from 'fast-check';
import { nodeId } from '../../src/engine/raft/types.ts';
import type { DiskImage } from '../../src/engine/server/types.ts';
import { type Replacement, storeFormat, type PageStore } from '../../src/host/page-store.ts';
import { beginBoot, noInputs, withPresent } from '../../src/host/stored-inputs.ts';
import type { InputsPart } from '../../src/host/stored-inputs.ts';
import { filesChecksum } from '../../src/host/stored-inputs.ts';
import type { StoreCommit, StoreOp } from '../../src/sim/types.ts';

export const setup = { seed: 7, members: 3, preVote: true, settings: { quotaBytes: 4_194_304 } };

/** Makes the means to open one store again and again, as a reload does. */
export type MakeStore = (foldBytes?: number) => () => PageStore;

let commits = 0;
export const commitOf = (member: number, ...ops: StoreOp[]): StoreCommit => {
  commits++;
  return { member: nodeId(member), commit: commits, timeUs: commits * 10, urgent: true, ops };
};
export const filled = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);
export const write = (file: string, offset: number, data: Uint8Array): StoreOp => ({
  kind: 'write',
  file,
  offset,
  data,
});

/** The slow and obvious model of a member's files. */
export class NaiveFiles {
  readonly files = new Map<string, number[]>();
  apply(op: StoreOp): void {
    const file = this.files.get(op.file) ?? [];
    if (op.kind === 'remove') this.files.delete(op.file);
    else if (op.kind === 'rename') {
      this.files.delete(op.file);
      this.files.set(op.to, file);
    } else {
      this.files.set(op.file, file);
      const end = op.kind === 'write' ? op.offset + op.data.length : op.sizeBytes;
      while (file.length < end) file.push(0);
      if (op.kind === 'truncate') file.length = end;
      else
        op.data.forEach((byte, i) => {
          file[op.offset + i] = byte;
        });
    }
  }
}

export const plain = (image: DiskImage) => [...image].map(([name, data]) => [name, [...data]]).sort();

const fileName = fc.constantFrom('db', 'wal/0.wal', 'wal/1.tmp');
const offset = fc.integer({ min: 0, max: 5000 });
export const anyOp: fc.Arbitrary<StoreOp> = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    file: fileName,
    offset,
    data: fc.uint8Array({ minLength: 1, maxLength: 700 }),
  }),
  fc.record({ kind: fc.constant('truncate' as const), file: fileName, sizeBytes: offset }),
  fc.record({ kind: fc.constant('rename' as const), file: fileName, to: fileName }),
  fc.record({ kind: fc.constant('remove' as const), file: fileName }),
);
/** Transactions, each of operations with their members. */
export const anyGroups = fc.array(
  fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), anyOp), { minLength: 1, maxLength: 6 }),
);

export function same(seen: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a.slice(0, 300)}, not ${b.slice(0, 300)}`);
}

export interface StoreCase {
  readonly title: string;
  run(make: MakeStore, runs: number): Promise<void>;
}

async function holdsFiles(make: MakeStore, runs: number): Promise<void> {
  const property = fc.asyncProperty(anyGroups, fc.constantFrom(1, 3000, 1e9), async (groups, foldBytes) => {
    const reopen = make(foldBytes);
    const models = [1, 2, 3].map(() => new NaiveFiles());
    const store = reopen();
    await store.open(setup);
    for (const group of groups) {
      await store.write(group.map(([member, op]) => commitOf(member, op)));
      for (const [member, op] of group) models[member - 1].apply(op);
    }
    const expected = models.map(({ files }) => [...files].sort());
    same((await store.read()).map(plain), expected, 'what it reads');
    await store.close();
    const again = reopen();
    const { images, fresh } = await again.open(setup);
    same([fresh, images.map(plain)], [false, expected], 'what it holds when opened again');
    await again.destroy();
  });
  await fc.assert(property, { numRuns: runs });
}

async function countsBoots(make: MakeStore): Promise<void> {
  const reopen = make();
  const first = reopen();
  const { record } = await first.open(setup);
  same([record.boot, record.timeUs, record.seed], [1, 0, 7], 'the first open');
  const commit = commitOf(2, write('db', 0, filled(10, 1)));
  await first.write([commit]);
  await first.close();
  const second = reopen();
  const opened = await second.open({ seed: 99, members: 5, preVote: false, settings: {} });
  const { boot, timeUs, seed, members, preVote, settings, formatVersion } = opened.record;
  const seen = { formatVersion, seed, members, preVote, settings, boot, timeUs };
  same(seen, { formatVersion: storeFormat, ...setup, boot: 2, timeUs: commit.timeUs }, 'the second open');
  await second.destroy();
  const third = reopen();
  const { fresh, record: anew } = await third.open(setup);
  same([fresh, anew.boot], [true, 1], 'the open after all was forgotten');
  await third.destroy();
}

const partOf = (moment: number, ...keys: string[]): InputsPart => ({
  interventions: keys.map((key) => ({ moment, action: { type: 'put', key, value: 'x' } })),
  moment: moment + 5,
  chainHash: moment.toString(16).padStart(16, '0'),
});

/** Whatever is folded when: the inputs of each boot, and which commits are there. */
async function holdsInputs(make: MakeStore): Promise<void> {
  for (const foldBytes of [1, 3000, 1e9]) {
    const reopen = make(foldBytes);
    const at = (member: number, commit: number): StoreCommit => ({
      ...commitOf(member, write('db', commit * 100, filled(100, commit))),
      commit,
    });
    const first = reopen();
    const begun = await first.open(setup);
    const nothing = { moment: 0, chainHash: '6a09e667bb67ae85', stored: [] };
    const fresh = { boot: 1, startUs: 0, files: 0, interventions: [], end: nothing };
    same(begun.inputs, { boots: [fresh] }, 'the inputs of a new lab');
    for (let i = 1; i <= 40; i++) await first.write([at(1, i), at(3, i * 2)], partOf(i, `a${i}`, `b${i}`));
    await first.write([], partOf(50, 'last'));
    await first.close();
    const second = reopen();
    const { inputs, images, record } = await second.open(setup);
    const keys = inputs.boots[0].interventions.map(({ action }) => ('key' in action ? action.key : ''));
    const expected = Array.from({ length: 40 }, (_, i) => [`a${i + 1}`, `b${i + 1}`]).flat();
    same(keys, [...expected, 'last'], 'the actions of the first boot');
    const evens = Array.from({ length: 40 }, (_, i) => [i * 2 + 2, i * 2 + 2]).flat();
    const { moment, chainHash } = partOf(50);
    same(
      inputs.boots[0].end,
      { moment, chainHash, stored: [[1, 40], [], evens] },
      'the end of the first boot',
    );
    const { boot, startUs, files } = inputs.boots[1];
    same([boot, startUs, files], [2, record.timeUs, filesChecksum(images)], 'the beginning of the second');
    await second.write([at(1, 1)]);
    await second.close();
    const third = reopen();
    const lost = await third.open(setup);
    same(
      lost.inputs.boots.map((one) => one.boot),
      [3],
      'the boots once a write had no inputs',
    );
    await third.destroy();
  }
}

async function holdsLargeFiles(make: MakeStore): Promise<void> {
  const reopen = make(100_000);
  const store = reopen();
  await store.open(setup);
  const size = 3 * 1024 * 1024 + 17;
  const model = new Uint8Array(size);
  for (let i = 0; i < 30; i++) {
    const data = filled(50_000, i + 1);
    const at = (i * 700_001) % (size - data.length);
    model.set(data, at);
    await store.write([
      commitOf(1, { kind: 'truncate', file: 'db', sizeBytes: size }, write('db', at, data)),
    ]);
  }
  await store.close();
  const again = reopen();
  const [image] = (await again.open(setup)).images;
  const held = image.get('db') ?? new Uint8Array(0);
  same(
    [held.length, held.findIndex((byte, i) => byte !== model[i])],
    [size, -1],
    'size and first difference',
  );
  await again.destroy();
}

/** What a lab that goes on brings along: files of several extents, an empty one, and a history. */
export function replacement(boot = 1, sizeBytes = 1_100_000): Replacement {
  const image = (fill: number): DiskImage =>
    new Map([
      ['db', filled(sizeBytes + fill, fill)],
      ['wal/0.wal', filled(700, fill + 1)],
      ['empty', new Uint8Array(0)],
    ]);
  const facts = { seed: 31, members: 2, preVote: false, settings: {} };
  const begun = beginBoot(noInputs, { boot, timeUs: 0 }, []);
  const part = { interventions: [{ moment: 4, action: { type: 'kill', member: 1 } as const }], ...place(9) };
  return {
    record: { formatVersion: storeFormat, ...facts, boot, timeUs: 77 },
    images: [image(1), image(2)],
    inputs: withPresent(begun, part, [3, 0]),
  };
}

const sizes = (image: DiskImage) => [...image].map(([name, data]) => [name, data.length]).sort();
const place = (moment: number) => ({ moment, chainHash: `${moment}`.padStart(16, '0') });

/** All that is stored, so that it can be compared. */
const contentOf = ({ record, images, inputs }: Replacement): string => {
  const { boot: _, ...facts } = record;
  const boots = inputs.boots.filter(({ end }) => end.moment > 0);
  return JSON.stringify([facts, images.map(sizes), filesChecksum(images), boots]);
};

async function isReplaced(make: MakeStore): Promise<void> {
  for (const boot of [1, 5]) {
    const reopen = make(100_000);
    const store = reopen();
    await store.open(setup);
    await store.write([commitOf(1, write('db', 0, filled(2_000_000, 9)), write('gone', 0, filled(10, 9)))]);
    await store.write([commitOf(3, write('wal/0.wal', 0, filled(50, 9)))]);
    await store.close();
    const second = reopen();
    await second.open(setup);
    await second.write([commitOf(2, write('db', 5, filled(300, 8)))]);
    await second.close();
    const third = reopen();
    const lab = replacement(boot);
    const record = await third.replace(lab);
    same(record.boot, Math.max(3, boot), 'the boot of what was replaced');
    same(filesChecksum(await third.read()), filesChecksum(lab.images), 'what it reads after it was replaced');
    await third.write([{ ...commitOf(2, write('db', 0, filled(3, 7))), commit: 1, timeUs: 78 }], {
      interventions: [],
      ...place(12),
    });
    await third.close();
    const fourth = reopen();
    const opened = await fourth.open(setup);
    const [one, two] = lab.images;
    const db = (two.get('db') ?? new Uint8Array(0)).slice();
    db.set(filled(3, 7));
    const [last] = lab.inputs.boots;
    const [allOfOne, firstOfTwo] = [
      [1, 3],
      [1, 1],
    ];
    const end = { ...place(12), stored: [allOfOne, firstOfTwo] };
    const expected: Replacement = {
      record: { ...lab.record, timeUs: 78 },
      images: [one, new Map([...two, ['db', db]])],
      inputs: { boots: [{ ...last, end }] },
    };
    same([opened.fresh, opened.record.boot], [false, record.boot + 1], 'the open behind a replacement');
    same(contentOf(opened), contentOf(expected), 'what it holds behind a replacement and a write');
    await fourth.destroy();
    const empty = reopen();
    same((await empty.replace(lab)).boot, boot, 'the boot where nothing was stored');
    await empty.destroy();
  }
}

export const pageStoreCases: readonly StoreCase[] = [
  {
    title: 'another lab takes the place of all that was stored, and writes go on behind it',
    run: isReplaced,
  },
  { title: 'opened again, it holds each member’s files, whatever the operations were', run: holdsFiles },
  { title: 'opened again, it holds the inputs of each boot, and which commits are stored', run: holdsInputs },
  {
    title: 'each open counts the boot up, keeps the lab’s own seed and goes on from its last commit',
    run: countsBoots,
  },
  { title: 'a file of megabytes that outgrew the log many times is what was written', run: holdsLargeFiles },
];
