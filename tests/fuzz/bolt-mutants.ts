/** Damaged database files on purpose: structure-aware mutations of sound ones, by seed. */
import { fnv1a64 } from '../../src/base/checksum.ts';
import { stream } from '../../src/base/prng.ts';
import type { Prng } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import { Db } from '../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../src/engine/bolt/pager.ts';
import { xray } from '../../src/engine/bolt/xray.ts';

/** A sound file, and where what is in it. */
export interface Sound {
  readonly bytes: Uint8Array;
  readonly pageSize: number;
  readonly pages: number;
  readonly noFreelistSync: boolean;
  readonly branches: readonly number[];
  readonly leaves: readonly number[];
  readonly free: readonly number[];
  /** First pages of runs of several. */
  readonly runs: readonly number[];
  /** The freelist's page; 0 where none is stored. */
  readonly freelist: number;
}

/** A mutant on its way: its bytes, and the file that it comes from. */
interface Patient {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly sound: Sound;
  readonly prng: Prng;
}

export interface Mutant {
  readonly bytes: Uint8Array;
  readonly sound: Sound;
  readonly mutations: readonly string[];
}

/** A file with all that a file can hold: branches, overflow, nested and inline buckets, free pages. */
function soundBytes(pageSize: number, noFreelistSync: boolean, keys: number): Uint8Array {
  const pager = new MemoryPager();
  const db = Db.open(pager, { pageSize, noFreelistSync });
  for (let round = 0; round < 4; round++) {
    const tx = db.beginWrite();
    const bucket = tx.createBucketIfNotExists(encodeUtf8('data'));
    for (let i = round; i < keys; i += 1 + round) bucket.put(encodeUtf8(`key-${i}`), new Uint8Array(i % 40));
    bucket.put(encodeUtf8(`long-${round}`), new Uint8Array(2 * pageSize + 300));
    if (round > 0) bucket.delete(encodeUtf8(`long-${round - 1}`));
    const outer = tx.createBucketIfNotExists(encodeUtf8('outer'));
    outer.createBucketIfNotExists(encodeUtf8(`inline-${round}`)).put(encodeUtf8('k'), encodeUtf8('v'));
    const inner = outer.createBucketIfNotExists(encodeUtf8('inner'));
    for (let i = 0; i < 12; i++) inner.put(encodeUtf8(`x${round}-${i}`), new Uint8Array(pageSize / 20));
    tx.commit();
  }
  return pager.copy(0, db.meta.highWater * pageSize);
}

function anatomy(bytes: Uint8Array, pageSize: number, noFreelistSync: boolean): Sound {
  const found = { branch: [] as number[], leaf: [] as number[], free: [] as number[], freelist: 0 };
  const runs: number[] = [];
  xray(new MemoryPager(bytes), {
    page: ({ pgid, kind, overflow }) => {
      if (kind === 'branch' || kind === 'leaf') found[kind].push(pgid);
      if (kind === 'freelist') found.freelist = pgid;
      if (kind === 'free') for (let i = 0; i <= overflow; i++) found.free.push(pgid + i);
      else if (overflow > 0) runs.push(pgid);
    },
  });
  const { branch: branches, leaf: leaves, free, freelist } = found;
  const pages = bytes.length / pageSize;
  return { bytes, pageSize, pages, noFreelistSync, branches, leaves, free, runs, freelist };
}

/** @param keys how many keys the largest bucket has */
export function soundFile(pageSize: number, noFreelistSync: boolean, keys = 60): Sound {
  return anatomy(soundBytes(pageSize, noFreelistSync, keys), pageSize, noFreelistSync);
}

let sounds: readonly Sound[] | null = null;

/** The files that mutants come from. */
export function soundFiles(): readonly Sound[] {
  sounds ??= [
    soundFile(512, false),
    soundFile(512, true),
    soundFile(512, false, 600),
    soundFile(1024, false, 300),
    soundFile(1024, true, 300),
    soundFile(4096, false, 400),
  ];
  return sounds;
}

const pick = <Item>(prng: Prng, items: readonly Item[]): Item => items[prng.below(items.length)];

/** A page that something uses, most of the time. */
function anyPage({ sound, prng }: Patient): number {
  const used = prng.chance(1, 2) ? sound.leaves : [...sound.branches, ...sound.runs, sound.freelist];
  return used.length > 0 && prng.chance(9, 10) ? pick(prng, used) : prng.below(sound.pages);
}

/** A number at the edge of something. */
function oddNumber({ sound, prng }: Patient): number {
  const { pages, pageSize } = sound;
  const edges = [0, 1, 2, 3, 15, 16, pages - 1, pages, pages + 1, pageSize - 1, pageSize, 2 * pageSize];
  const huge = [0x7fff, 0xfffe, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];
  return pick(prng, [prng.below(pages), prng.below(2 * pageSize), pick(prng, edges), pick(prng, huge)]);
}

function oddId(patient: Patient): bigint {
  const { prng, sound } = patient;
  const huge = [2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n, BigInt(sound.pages)];
  return prng.chance(1, 5)
    ? pick(prng, huge)
    : BigInt(prng.chance(1, 2) ? anyPage(patient) : oddNumber(patient));
}

/** The first byte of an element of a page, of those that it has. */
function elementOf({ view, sound, prng }: Patient, page: number): number {
  const at = page * sound.pageSize;
  const count = Math.min(view.getUint16(at + 10, true), (sound.pageSize - 16) / 16);
  return at + 16 + 16 * prng.below(Math.max(1, count));
}

/** The value of an element that is a bucket; null where the page has none. */
function bucketValueOf({ view, bytes, sound, prng }: Patient): number | null {
  for (let tries = 0; tries < 8; tries++) {
    const at = pick(prng, sound.leaves) * sound.pageSize;
    const count = Math.min(view.getUint16(at + 10, true), (sound.pageSize - 16) / 16);
    for (let element = at + 16; element < at + 16 + 16 * count; element += 16) {
      if (view.getUint32(element, true) !== 1 || prng.chance(1, 2)) continue;
      const value = element + view.getUint32(element + 4, true) + view.getUint32(element + 8, true);
      if (value + 48 <= bytes.length) return value;
    }
  }
  return null;
}

function fixChecksum({ view, bytes, sound }: Patient, slot: number): void {
  const at = slot * sound.pageSize + 16;
  const [low, high] = fnv1a64(bytes, at, at + 56);
  view.setUint32(at + 56, low, true);
  view.setUint32(at + 60, high, true);
}

/** One field of a meta, or of both, with or without a checksum that agrees. */
function mutateMeta(patient: Patient): void {
  const { view, sound, prng } = patient;
  const fields: (() => [at: number, size: 4 | 8, value: bigint])[] = [
    () => [0, 4, BigInt(oddNumber(patient))],
    () => [4, 4, BigInt(prng.below(4))],
    () => [8, 4, BigInt(pick(prng, [0, 1, 64, 100, 256, 512, 1000, 1024, 2048, 4096, 65536, 0x80000000]))],
    () => [12, 4, BigInt(oddNumber(patient))],
    () => [16, 8, oddId(patient)],
    () => [24, 8, oddId(patient)],
    () => [32, 8, oddId(patient)],
    () => [40, 8, oddId(patient)],
    () => [48, 8, oddId(patient)],
  ];
  const [field, size, value] = pick(prng, fields)();
  const corrected = prng.chance(4, 5);
  for (const slot of prng.chance(1, 2) ? [0, 1] : [prng.below(2)]) {
    const at = slot * sound.pageSize + 16 + field;
    if (size === 4) view.setUint32(at, Number(value), true);
    else view.setBigUint64(at, value, true);
    if (corrected) fixChecksum(patient, slot);
  }
}

function mutateFreelist(patient: Patient): void {
  const { view, sound, prng } = patient;
  if (sound.freelist === 0) return;
  const at = sound.freelist * sound.pageSize;
  const count = view.getUint16(at + 10, true);
  const id = at + 16 + 8 * prng.below(Math.max(1, Math.min(count, (sound.pageSize - 16) / 8)));
  const wrong = [
    () =>
      view.setUint16(
        at + 10,
        prng.chance(1, 2) ? count + prng.between(1, 3) : oddNumber(patient) & 0xffff,
        true,
      ),
    () => {
      view.setUint16(at + 10, 0xffff, true);
      if (prng.chance(3, 4)) view.setBigUint64(at + 16, oddId(patient), true);
    },
    () => view.setBigUint64(id, oddId(patient), true),
    () => view.setBigUint64(id, BigInt(pick(prng, [0, 1, anyPage(patient), sound.pages])), true),
    () => view.setBigUint64(id, view.getBigUint64(at + 16, true), true),
    () => view.setBigUint64(at + 16, BigInt(sound.pages - 1), true),
  ];
  pick(prng, wrong)();
}

/** Makes a branch lead to itself, to another branch, to a page that another has, or to no tree's page. */
function mutateChild(patient: Patient): void {
  const { view, sound, prng } = patient;
  if (sound.branches.length === 0) return;
  const page = pick(prng, sound.branches);
  const targets = [
    () => BigInt(page),
    () => BigInt(pick(prng, sound.branches)),
    () => BigInt(pick(prng, sound.leaves)),
    () => BigInt(prng.below(2)),
    () => BigInt(sound.freelist),
    () => BigInt(sound.free.length > 0 ? pick(prng, sound.free) : 2),
    () => oddId(patient),
  ];
  view.setBigUint64(elementOf(patient, page) + 8, pick(prng, targets)(), true);
}

function mutateBucket(patient: Patient): void {
  const { view, prng } = patient;
  const value = bucketValueOf(patient);
  if (value === null) return;
  const wrong = [
    () => view.setBigUint64(value, oddId(patient), true),
    () => view.setBigUint64(value, 0n, true),
    () => view.setUint16(value + 24, pick(prng, [0, 1, 2, 4, 16, 3]), true),
    () => view.setUint16(value + 26, oddNumber(patient) & 0xffff, true),
    () => view.setUint32(value + 32, 1, true),
    () => view.setUint32(value + 36 + 4 * prng.below(3), oddNumber(patient), true),
  ];
  pick(prng, wrong)();
}

/** Puts a page's bytes where another's are; half of the copies say that they are that page. */
function movePage(patient: Patient, swap: boolean): void {
  const { view, bytes, sound, prng } = patient;
  const { pageSize } = sound;
  const from = anyPage(patient);
  const to = anyPage(patient);
  const old = bytes.slice(to * pageSize, (to + 1) * pageSize);
  bytes.copyWithin(to * pageSize, from * pageSize, (from + 1) * pageSize);
  if (swap) bytes.set(old, from * pageSize);
  if (prng.chance(1, 2)) return;
  view.setBigUint64(to * pageSize, BigInt(to), true);
  view.setBigUint64(from * pageSize, BigInt(from), true);
}

const header = (patient: Patient): number => anyPage(patient) * patient.sound.pageSize;
const leafElement = (patient: Patient): number =>
  elementOf(patient, pick(patient.prng, patient.sound.leaves));

/** Two neighbouring elements of a page change places, so that the keys are out of order. */
function swapElements(patient: Patient): void {
  const { view, sound, prng } = patient;
  const at = elementOf(patient, pick(prng, sound.leaves));
  if (at + 32 > view.byteLength) return;
  for (let i = 4; i < 16; i += 4) {
    const one = view.getUint32(at + i, true);
    const shift = i === 4 ? 16 : 0;
    view.setUint32(at + i, view.getUint32(at + 16 + i, true) + shift, true);
    view.setUint32(at + 16 + i, one - shift, true);
  }
}

type Mutation = (patient: Patient) => void;

export const mutations: Readonly<Record<string, Mutation>> = {
  'page id': (p) => p.view.setBigUint64(header(p), oddId(p), true),
  'page flags': (p) => p.view.setUint16(header(p) + 8, pick(p.prng, [0, 1, 2, 3, 4, 16, 18, 0xffff]), true),
  'page count': (p) => p.view.setUint16(header(p) + 10, oddNumber(p) & 0xffff, true),
  'page overflow': (p) => p.view.setUint32(header(p) + 12, oddNumber(p), true),
  'overlapping overflow': (p) => p.view.setUint32(header(p) + 12, p.prng.between(1, 4), true),
  'element flags': (p) => p.view.setUint32(leafElement(p), oddNumber(p), true),
  'element becomes a bucket': (p) => p.view.setUint32(leafElement(p), 1, true),
  'element position': (p) => p.view.setUint32(leafElement(p) + 4, oddNumber(p), true),
  'element key size': (p) => p.view.setUint32(leafElement(p) + 8, oddNumber(p), true),
  'element value size': (p) => p.view.setUint32(leafElement(p) + 12, oddNumber(p), true),
  'branch position': (p) => p.view.setUint32(elementOf(p, anyPage(p)), oddNumber(p), true),
  'branch key size': (p) => p.view.setUint32(elementOf(p, anyPage(p)) + 4, oddNumber(p), true),
  'branch child': mutateChild,
  'elements out of order': swapElements,
  bucket: mutateBucket,
  meta: mutateMeta,
  freelist: mutateFreelist,
  'page copied': (p) => movePage(p, false),
  'pages swapped': (p) => movePage(p, true),
  'page lost': (p) => void p.bytes.fill(0, header(p), header(p) + p.sound.pageSize),
  'bits flipped': (p) => {
    for (let i = p.prng.between(1, 8); i > 0; i--)
      p.bytes[p.prng.below(p.bytes.length)] ^= 1 << p.prng.below(8);
  },
  'random bytes': (p) => {
    const at = p.prng.below(p.bytes.length);
    const end = Math.min(p.bytes.length, at + p.prng.between(1, 64));
    for (let i = at; i < end; i++) p.bytes[i] = p.prng.below(256);
  },
};
const names = Object.keys(mutations);

/** Cuts a file anywhere, or lets something follow it. */
function resized(bytes: Uint8Array, { pageSize }: Sound, prng: Prng): Uint8Array {
  if (prng.chance(1, 3)) {
    const longer = new Uint8Array(bytes.length + prng.between(1, 3 * pageSize));
    longer.set(bytes);
    return longer;
  }
  const pages = Math.floor(bytes.length / pageSize);
  return bytes.slice(0, prng.chance(1, 2) ? pageSize * prng.below(pages) : prng.below(bytes.length + 1));
}

/** The mutant of a seed: one to four mutations of one of the sound files. */
export function mutant(seed: number, from: readonly Sound[] = soundFiles()): Mutant {
  const prng = stream(seed, 'mutant');
  const sound = pick(prng, from);
  const bytes = sound.bytes.slice();
  const patient = { bytes, view: new DataView(bytes.buffer), sound, prng };
  const done: string[] = [];
  for (let left = prng.between(1, 4); left > 0; left--) {
    const name = pick(prng, names);
    mutations[name](patient);
    done.push(name);
  }
  if (!prng.chance(1, 12)) return { bytes, sound, mutations: done };
  return { bytes: resized(bytes, sound, prng), sound, mutations: [...done, 'length'] };
}
