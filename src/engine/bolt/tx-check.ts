/** Checks a database as bbolt's `check` does: every page below the high water mark is used once, or free. */
import type { SharedFreelist } from './freelist/shared.ts';
import { Bitmap } from './freelist/bitmap.ts';
import { compareBytes, toHex } from '../../base/bytes.ts';
import { readU64le } from '../../base/u64.ts';
import { BoltError } from './errors.ts';
import { bucketLeafFlag, readPage } from './page.ts';
import type { Page } from './page.ts';
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

/** Something wrong in a file: `text` in bbolt's words, `pgid` the page it is about (null: none in particular). */
export interface Finding {
  readonly code: FindingCode;
  readonly pgid: number | null;
  readonly text: string;
}

/** @source bbolt v1.3.12 page.go typ */
function typeName(flags: number): string {
  if (flags & 1) return 'branch';
  if (flags & 2) return 'leaf';
  if (flags & 4) return 'meta';
  if (flags & 16) return 'freelist';
  return `unknown<${flags.toString(16).padStart(2, '0')}>`;
}

class Checker {
  readonly findings: Finding[] = [];
  readonly #pager: Pager;
  readonly #pageSize: number;
  readonly #meta: Meta;
  readonly #isFreed: (id: number) => boolean;
  readonly #reachable = new Bitmap();

  constructor(pager: Pager, pageSize: number, meta: Meta, isFreed: (id: number) => boolean) {
    this.#pager = pager;
    this.#pageSize = pageSize;
    this.#meta = meta;
    this.#isFreed = isFreed;
  }

  run(): void {
    this.#reachable.setRun(0, 2);
    if (this.#meta.freelist !== null) {
      const page = this.#read(this.#meta.freelist);
      if (page !== null) this.#reachable.setRun(this.#meta.freelist, this.#overflow(this.#meta.freelist, page) + 1);
    }
    this.#checkBucket(this.#meta.root.root);
    for (let id = 0; id < this.#meta.highWater; id++) {
      if (!this.#reachable.has(id) && !this.#isFreed(id)) {
        this.tell('unreachable unfreed', id, `page ${id}: unreachable unfreed`);
      }
    }
  }

  tell(code: FindingCode, pgid: number | null, text: string): void {
    this.findings.push({ code, pgid, text });
  }

  #read(id: number): Page | null {
    try {
      return readPage(this.#pager, id, this.#pageSize);
    } catch (error) {
      if (!(error instanceof BoltError)) throw error;
      this.tell('unreadable', id, `page ${id}: ${error.message}`);
      return null;
    }
  }

  /** A page's overflow, cut where it would leave the file. */
  #overflow(id: number, page: Page): number {
    return Math.min(page.overflow, Math.max(0, this.#meta.highWater - id));
  }

  #checkBucket(root: number): void {
    const roots = [root];
    for (let next = roots.pop(); next !== undefined; next = roots.pop()) {
      const inner: number[] = [];
      this.#checkPages(next, [], inner);
      this.#checkKeys(next, null, null, []);
      for (let i = inner.length - 1; i >= 0; i--) roots.push(inner[i]);
    }
  }

  /** References of a tree: each page once, none free, each a branch or a leaf. */
  #checkPages(id: number, above: readonly number[], roots: number[]): void {
    const page = this.#inFile(id) ? this.#read(id) : null;
    const stack = [...above, id];
    const stackText = `(stack: [${stack.join(' ')}])`;
    if (id > this.#meta.highWater) {
      this.tell('out of bounds', id, `page ${id}: out of bounds: ${this.#meta.highWater} ${stackText}`);
    }
    if (page === null) return;
    let isNew = true;
    for (let next = id; next <= id + this.#overflow(id, page); next++) {
      if (this.#reachable.set(next)) continue;
      this.tell('multiple references', next, `page ${next}: multiple references ${stackText}`);
      isNew = isNew && next !== id;
    }
    if (this.#isFreed(id)) this.tell('reachable freed', id, `page ${id}: reachable freed`);
    else if (!page.isBranch && !page.isLeaf) {
      this.tell('invalid type', id, `page ${id}: invalid type: ${typeName(page.flags)} ${stackText}`);
    }
    if (!isNew) return;
    if (page.isBranch) for (let i = 0; i < page.count; i++) this.#checkPages(page.child(i), stack, roots);
    else if (page.isLeaf) this.#collectRoots(id, page, roots);
  }

  #inFile(id: number): boolean {
    return id < this.#meta.highWater && (id + 1) * this.#pageSize <= this.#pager.sizeBytes;
  }

  #collectRoots(id: number, page: Page, roots: number[]): void {
    for (let i = 0; i < page.count; i++) {
      if ((page.elementFlags(i) & bucketLeafFlag) === 0) continue;
      const value = this.#guard(id, () => page.value(i));
      if (value === null || value.length < 16) continue;
      const root = readU64le(new DataView(value.buffer, value.byteOffset), 0);
      if (root !== 0) roots.push(root);
    }
  }

  #guard<Value>(id: number, read: () => Value): Value | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BoltError)) throw error;
      this.tell('unreadable', id, `page ${id}: ${error.message}`);
      return null;
    }
  }

  /** Order of keys: ascending on each page, and within what the parent promises. @returns the subtree's last key */
  #checkKeys(id: number, low: Uint8Array | null, high: Uint8Array | null, above: readonly number[]): Uint8Array | null {
    const page = this.#inFile(id) && !above.includes(id) ? this.#guard(id, () => readPage(this.#pager, id, this.#pageSize)) : null;
    if (page === null || (!page.isBranch && !page.isLeaf)) return null;
    const stack = [...above, id];
    let last: Uint8Array | null = null;
    let least = low;
    for (let i = 0; i < page.count; i++) {
      const key = this.#guard(id, () => page.key(i));
      if (key === null) return last;
      this.#checkKey(page, page.isBranch ? page.child(i) : id, i, key, least, high, stack);
      if (page.isBranch) {
        const next = i + 1 < page.count ? this.#guard(id, () => page.key(i + 1)) : high;
        last = this.#checkKeys(page.child(i), key, next, stack);
        least = last;
      } else {
        least = key;
        last = key;
      }
    }
    return last;
  }

  #checkKey(
    page: Page, id: number, index: number, key: Uint8Array, previous: Uint8Array | null, high: Uint8Array | null,
    stack: readonly number[],
  ): void {
    const on = `key[${index}]=(hex)${toHex(key)} on ${page.isBranch ? 'branch' : 'leaf'} page(${id})`;
    const order = previous === null ? (index > 0 ? 1 : -1) : compareBytes(previous, key);
    const before = previous === null ? '' : toHex(previous);
    const stackText = `[${stack.join(' ')}]`;
    if (index === 0 && previous !== null && order > 0) {
      this.tell('key order', id, `the first ${on} needs to be >= the key in the ancestor (${before}). Stack: ${stackText}`);
    }
    if (index > 0 && previous !== null && order >= 0) {
      const found = order > 0 ? '<' : '=';
      this.tell('key order', id, `${on} needs to be > (found ${found}) than previous element (hex)${before}. Stack: ${stackText}`);
    }
    if (high !== null && compareBytes(key, high) >= 0) {
      this.tell(
        'key order', id,
        `${on} needs to be < than key of the next element in ancestor (hex)${before}. Pages stack: ${stackText}`,
      );
    }
  }
}

/**
 * All that bbolt's `check` reports about a state, in its order and words; what would make bbolt crash or run
 * for ever is reported as 'unreadable' or ends there.
 * @source bbolt v1.3.12 tx_check.go
 */
export function checkDatabase(
  pager: Pager, pageSize: number, meta: Meta, freelist: SharedFreelist, wrongFreeIds: readonly number[],
): Finding[] {
  const wrong = new Set(wrongFreeIds);
  const checker = new Checker(pager, pageSize, meta, (id) => freelist.isFreed(id) || wrong.has(id));
  for (const id of wrongFreeIds) {
    if (freelist.isFreed(id)) checker.tell('already freed', id, `page ${id}: already freed`);
  }
  checker.run();
  return checker.findings;
}
