/**
 * What every page store does, wherever it keeps things: one list of cases for Node and for a worker in a browser. A
 * case throws where the store does not keep its contract.
 */
import fc from 'fast-check';
import { nodeId } from '../../src/engine/raft/types.ts';
import type { DiskImage } from '../../src/engine/server/types.ts';
import { storeFormat, type PageStore } from '../../src/host/page-store.ts';
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

export const pageStoreCases: readonly StoreCase[] = [
  { title: 'opened again, it holds each member’s files, whatever the operations were', run: holdsFiles },
  {
    title: 'each open counts the boot up, keeps the lab’s own seed and goes on from its last commit',
    run: countsBoots,
  },
  { title: 'a file of megabytes that outgrew the log many times is what was written', run: holdsLargeFiles },
];
