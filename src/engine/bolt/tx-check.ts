/** Checks a database as bbolt's `check` does: every page below the high water mark is used once, or free. */
import { compareBytes, toHex } from '../../base/bytes.ts';
import { readU64le } from '../../base/u64.ts';
import { BoltError } from './errors.ts';
import { Bitmap } from './freelist/bitmap.ts';
import type { SharedFreelist } from './freelist/shared.ts';
import { storedIds } from './freelist-page.ts';
import { bucketLeafFlag, elementBytes, pageHeaderBytes, readPage, Page } from './page.ts';
import type { Pager } from './pager.ts';
import type { Meta } from './types.ts';

export type FindingCode =
  | 'already freed'
  | 'out of bounds'
  | 'multiple references'
  | 'reachable freed'
  | 'invalid type'
  | 'key order'
  | 'unreachable unfreed'
  | 'unreadable';

/** Something wrong in a file: `text` in bbolt's words, `pgid` the page it is about. */
export interface Finding {
  readonly code: FindingCode;
  readonly pgid: number;
  readonly text: string;
}

const maxFindings = 2000;
/** Longer keys can not be in a sound file. */
const maxKeyBytes = 65536;
const maxDepth = 200;

/** @source bbolt v1.3.12 page.go typ */
function typeName(flags: number): string {
  if (flags & 1) return 'branch';
  if (flags & 2) return 'leaf';
  if (flags & 4) return 'meta';
  if (flags & 16) return 'freelist';
  return `unknown<${flags.toString(16).padStart(2, '0')}>`;
}

/** The freed ids of a state: in order, repetitions included, and a test. */
interface FreedPages {
  readonly repeated: readonly number[];
  has(id: number): boolean;
}

class Checker {
  readonly findings: Finding[] = [];
  readonly #pager: Pager;
  readonly #pageSize: number;
  readonly #meta: Meta;
  readonly #freed: FreedPages;
  readonly #reachable = new Bitmap();
  readonly #limit: number;
  readonly #stack: number[] = [];
  #visits = 0;
  #isTired = false;

  constructor(pager: Pager, pageSize: number, meta: Meta, freed: FreedPages) {
    this.#pager = pager;
    this.#pageSize = pageSize;
    this.#meta = meta;
    this.#freed = freed;
    // what the file can hold; a page may be come to twice, but not over and over
    this.#limit = Math.min(meta.highWater, Math.ceil(pager.sizeBytes / pageSize));
  }

  run(): void {
    for (const id of this.#freed.repeated) this.#tell('already freed', id, `page ${id}: already freed`);
    this.#reachable.setRun(0, 2);
    const { freelist } = this.#meta;
    if (freelist !== null) {
      const page = this.#page(freelist);
      if (page !== null) this.#reachable.setRun(freelist, this.#overflow(freelist, page) + 1);
    }
    this.#checkBuckets();
    for (let id = 0; id < this.#limit; id++) {
      if (!this.#reachable.has(id) && !this.#freed.has(id)) {
        this.#tell('unreachable unfreed', id, `page ${id}: unreachable unfreed`);
      }
    }
    if (this.#limit < this.#meta.highWater)
      this.#tell('unreadable', this.#limit, `page ${this.#limit}: behind the file`);
  }

  #tell(code: FindingCode, pgid: number, text: string): void {
    if (this.findings.length < maxFindings) this.findings.push({ code, pgid, text });
  }

  #unreadable(id: number, text: string): void {
    this.#tell('unreadable', id, `page ${id}: ${text}`);
  }

  /** A page with as much of its overflow as the file has; null where it lies outside or makes no sense. */
  #page(id: number): Page | null {
    try {
      const left = this.#pager.sizeBytes - id * this.#pageSize;
      if (!(id < this.#limit && left >= pageHeaderBytes)) {
        this.#unreadable(id, 'is not in the file');
        return null;
      }
      // the file may end inside its last page
      const head = this.#pager.run(id * this.#pageSize, Math.min(left, this.#pageSize), 1);
      const overflow = head.view.getUint32(head.at + 12, true);
      const fits = id + overflow < this.#limit && (overflow + 1) * this.#pageSize <= left;
      return fits
        ? readPage(this.#pager, id, this.#pageSize)
        : new Page(head, head.at + Math.min(left, this.#pageSize));
    } catch (error) {
      if (!(error instanceof BoltError)) throw error;
      this.#unreadable(id, error.message);
      return null;
    }
  }

  /** A page's overflow, cut where it would leave the file. */
  #overflow(id: number, page: Page): number {
    return Math.min(page.overflow, Math.max(0, this.#limit - 1 - id));
  }

  /** Whether to go down to a page: not in a circle, not too deep, not for the thousandth time. */
  #enter(id: number): boolean {
    if (this.#stack.includes(id)) this.#unreadable(id, 'is below itself');
    else if (this.#stack.length >= maxDepth) this.#unreadable(id, 'lies too deep');
    else if (this.#visits++ < 6 * this.#limit + 64) return true;
    else if (!this.#isTired) {
      this.#isTired = true;
      this.#unreadable(id, 'is referred to too often');
    }
    return false;
  }

  #checkBuckets(): void {
    const roots: number[] = [this.#meta.root.root];
    for (let root = roots.pop(); root !== undefined; root = roots.pop()) {
      const inner: number[] = [];
      this.#checkPages(root, inner);
      this.#checkKeys(root, null, null);
      for (let i = inner.length - 1; i >= 0; i--) roots.push(inner[i]);
    }
  }

  /** References of a tree: each page once, none free, each a branch or a leaf. */
  #checkPages(id: number, roots: number[]): void {
    const page = this.#enter(id) ? this.#page(id) : null;
    if (page === null) return;
    this.#stack.push(id);
    this.#visits += this.#overflow(id, page);
    const stack = `(stack: [${this.#stack.join(' ')}])`;
    if (id > this.#meta.highWater)
      this.#tell('out of bounds', id, `page ${id}: out of bounds: ${this.#meta.highWater} ${stack}`);
    for (let next = id; next <= id + this.#overflow(id, page); next++) {
      if (!this.#reachable.set(next)) {
        this.#tell('multiple references', next, `page ${next}: multiple references ${stack}`);
      }
    }
    if (this.#freed.has(id)) this.#tell('reachable freed', id, `page ${id}: reachable freed`);
    else if (!page.isBranch && !page.isLeaf) {
      this.#tell('invalid type', id, `page ${id}: invalid type: ${typeName(page.flags)} ${stack}`);
    }
    if (page.isBranch) for (let i = 0; i < page.count; i++) this.#checkPages(page.child(i), roots);
    else if (page.isLeaf) this.#collectRoots(id, page, roots);
    this.#stack.pop();
  }

  #collectRoots(id: number, page: Page, roots: number[]): void {
    for (let i = 0; i < page.count; i++) {
      if ((page.elementFlags(i) & bucketLeafFlag) === 0) continue;
      const valueAt = this.#keyOffset(id, page, i) + page.keySize(i);
      const value = page.valueSize(i) < 16 ? null : this.#bytes(valueAt, 16);
      if (value === null) this.#unreadable(id, `element ${i} is no bucket`);
      else {
        const root = readU64le(new DataView(value.buffer, value.byteOffset), 0);
        if (root !== 0) roots.push(root);
      }
    }
  }

  /** Where an element's key begins in the file; a damaged element may name any place. */
  #keyOffset(id: number, page: Page, index: number): number {
    const element = pageHeaderBytes + index * elementBytes;
    return (
      id * this.#pageSize + element + page.view.getUint32(page.at + element + (page.isLeaf ? 4 : 0), true)
    );
  }

  #bytes(offset: number, length: number): Uint8Array | null {
    if (offset + length > this.#pager.sizeBytes) return null;
    if (length === 0) return new Uint8Array(0);
    const { bytes, at } = this.#pager.run(offset, length, 1);
    return bytes.subarray(at, at + length);
  }

  /** A key as bbolt would read it, through its map of the file: behind the end there is nothing but zeros. */
  #key(id: number, page: Page, index: number): Uint8Array | null {
    const size = page.keySize(index);
    const offset = this.#keyOffset(id, page, index);
    if (size > maxKeyBytes) return null;
    const isBehind = offset >= this.#pager.sizeBytes && offset < 2 ** 31;
    return this.#bytes(offset, size) ?? (isBehind ? new Uint8Array(size) : null);
  }

  /**
   * Order of keys: ascending on each page, and within what the parent promises.
   * @returns the subtree's last key
   */
  #checkKeys(id: number, low: Uint8Array | null, high: Uint8Array | null): Uint8Array | null {
    const page = this.#enter(id) ? this.#page(id) : null;
    if (page === null) return null;
    if (!page.isBranch && !page.isLeaf) {
      this.#tell('invalid type', id, `unexpected page type for pgId:${id}`);
      return null;
    }
    this.#stack.push(id);
    let last: Uint8Array | null = null;
    let least = low;
    let key = page.count > 0 ? this.#key(id, page, 0) : null;
    for (let i = 0; i < page.count && key !== null; i++) {
      const next: Uint8Array | null = i + 1 < page.count ? this.#key(id, page, i + 1) : high;
      this.#checkKey(page, page.isBranch ? page.child(i) : id, i, key, least, high);
      last = page.isBranch ? this.#checkKeys(page.child(i), key, next) : key;
      least = last;
      key = next;
    }
    this.#stack.pop();
    return last;
  }

  #checkKey(
    page: Page,
    id: number,
    index: number,
    key: Uint8Array,
    previous: Uint8Array | null,
    high: Uint8Array | null,
  ): void {
    const order = previous === null ? -1 : compareBytes(previous, key);
    const isAbove = high !== null && compareBytes(key, high) >= 0;
    if (order < 0 && !isAbove) return;
    if (order === 0 && index === 0 && !isAbove) return;
    const on = `key[${index}]=(hex)${toHex(key)} on ${page.isBranch ? 'branch' : 'leaf'} page(${id})`;
    const before = previous === null ? '' : toHex(previous);
    const stack = `[${this.#stack.join(' ')}]`;
    if (index === 0 && order > 0) {
      this.#tell(
        'key order',
        id,
        `the first ${on} needs to be >= the key in the ancestor (${before}). Stack: ${stack}`,
      );
    }
    if (index > 0 && order >= 0) {
      const found = order > 0 ? '<' : '=';
      this.#tell(
        'key order',
        id,
        `${on} needs to be > (found ${found}) than previous element (hex)${before}. Stack: ${stack}`,
      );
    }
    if (isAbove) {
      const than = `than key of the next element in ancestor (hex)${before}`;
      const text = `${on} needs to be < ${than}. Pages stack: ${stack}`;
      this.#tell('key order', id, text);
    }
  }
}

/**
 * All that bbolt's `check` reports about a state, in its order and words; where bbolt would crash or run for
 * ever, 'unreadable' is reported and the check goes on.
 * @param wrongFreeIds ids of the stored freelist that can not be free
 * @source bbolt v1.3.12 tx_check.go
 */
export function checkState(
  pager: Pager,
  pageSize: number,
  meta: Meta,
  freelist: SharedFreelist,
  wrongFreeIds: readonly number[],
): Finding[] {
  const wrong = new Set(wrongFreeIds);
  const repeated = wrongFreeIds.filter((id) => freelist.isFreed(id));
  const checker = new Checker(pager, pageSize, meta, {
    repeated,
    has: (id) => freelist.isFreed(id) || wrong.has(id),
  });
  checker.run();
  return checker.findings;
}

/**
 * The same for a file that may be too damaged to be opened. The freelist is read as bbolt reads it: as many
 * ids as it claims, whatever lies there, up to the file's end.
 */
export function checkFile(pager: Pager, pageSize: number, meta: Meta): Finding[] {
  const ids = meta.freelist === null ? null : storedIds(pager, meta.freelist, pageSize);
  const pages = Math.min(meta.highWater, Math.ceil(pager.sizeBytes / pageSize));
  const freed = new Bitmap();
  const repeated: number[] = [];
  ids?.forEach((id, i) => {
    if (i > 0 && id === ids[i - 1] && repeated.length < maxFindings) repeated.push(id);
    // no page lies behind the file, whatever the list says
    if (id < pages) freed.set(id);
  });
  const checker = new Checker(pager, pageSize, meta, { repeated, has: (id) => freed.has(id) });
  checker.run();
  // without a stored freelist all that no bucket reaches is free
  return meta.freelist !== null
    ? checker.findings
    : checker.findings.filter(({ code }) => code !== 'unreachable unfreed');
}
