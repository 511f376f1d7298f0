/** All keys in order, each with its history: the part of the store that is kept in memory. */
import { assert } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';
import { Btree } from './btree.ts';
import { KeyIndex } from './key-index.ts';
import type { RevisionSet } from './key-index.ts';
import { compareRevisions } from './revision.ts';
import type { Found, Revision } from './types.ts';

export interface FoundKey extends Found {
  readonly key: Uint8Array;
}

/** @source etcd mvcc/index.go treeIndex */
export class TreeIndex {
  private readonly tree = new Btree<KeyIndex>();

  /** Keys that have any history left. */
  get size(): number {
    return this.tree.size;
  }

  keyIndex(key: Uint8Array): KeyIndex | undefined {
    return this.tree.get(key);
  }

  /** A key whose earlier changes may be gone, as a start finds it; the key must be a new one. */
  restore(key: Uint8Array, created: Revision, modified: Revision, version: number): void {
    this.tree.insert(KeyIndex.restore(key, created, modified, version, this.tree.owner));
  }

  put(key: Uint8Array, revision: Revision): void {
    let keyIndex = this.owned(key);
    // the request's bytes would stay with a key that is only a view of them
    if (keyIndex === undefined) this.tree.insert((keyIndex = new KeyIndex(key.slice(), this.tree.owner)));
    keyIndex.put(revision);
  }

  /** @returns false when the key does not exist */
  tombstone(key: Uint8Array, revision: Revision): boolean {
    return this.tree.get(key)?.isAlive === true && (this.owned(key)?.tombstone(revision) ?? false);
  }

  get(key: Uint8Array, at: number): Found | null {
    return this.tree.get(key)?.get(at) ?? null;
  }

  /**
   * The keys that exist at main revision `at`, in order.
   * @param end null: the one key; empty: all keys from `key` on; else the first key past the range
   */
  range(key: Uint8Array, end: Uint8Array | null, at: number): FoundKey[] {
    const found: FoundKey[] = [];
    this.visit(key, end, (keyIndex) => {
      const change = keyIndex.get(at);
      if (change === null) return;
      const { modified, created, version } = change;
      found.push({ key: keyIndex.key, modified, created, version });
    });
    return found;
  }

  /** All changes of the keys from main revision `from` on, in order. */
  rangeSince(key: Uint8Array, end: Uint8Array | null, from: number): Revision[] {
    const found: Revision[] = [];
    this.visit(key, end, (keyIndex) => void found.push(...keyIndex.since(from)));
    return found.sort(compareRevisions);
  }

  /** Each key of the range in order, existing or not; see `range` for its bounds. */
  visit(key: Uint8Array, end: Uint8Array | null, visit: (keyIndex: KeyIndex) => void): void {
    if (end === null) {
      const keyIndex = this.tree.get(key);
      if (keyIndex !== undefined) visit(keyIndex);
      return;
    }
    this.tree.ascend(key, (keyIndex) => {
      if (end.length > 0 && compareBytes(keyIndex.key, end) >= 0) return false;
      visit(keyIndex);
      return true;
    });
  }

  /** Drops what no read at `at` or later can see. @returns which of the revisions up to `at` stay */
  compact(at: number): RevisionSet {
    const kept: RevisionSet = new Set();
    const changed: KeyIndex[] = [];
    this.each((keyIndex) => this.compactOrNote(keyIndex, at, kept, changed));
    this.compactNoted(changed, at, kept);
    return kept;
  }

  /**
   * As `compact`, for so many keys.
   * @param kept takes up which of the revisions stay
   * @returns where to go on; null when the last key is done
   */
  compactSome(at: number, from: Uint8Array, limit: number, kept: RevisionSet): Uint8Array | null {
    const changed: KeyIndex[] = [];
    let left = limit;
    let next: Uint8Array | null = null;
    this.tree.ascend(from, (keyIndex) => {
      if (left-- === 0) {
        next = keyIndex.key;
        return false;
      }
      this.compactOrNote(keyIndex, at, kept, changed);
      return true;
    });
    this.compactNoted(changed, at, kept);
    return next;
  }

  /** What `compact` would keep, without doing it. */
  keep(at: number): RevisionSet {
    const kept: RevisionSet = new Set();
    this.each((keyIndex) => keyIndex.keep(at, kept));
    return kept;
  }

  /** Keys that exist at the newest revision. */
  countAlive(): number {
    let count = 0;
    this.each((keyIndex) => {
      if (keyIndex.isAlive) count++;
    });
    return count;
  }

  /** What changes is noted, for the tree stands still while it is gone through. */
  private compactOrNote(keyIndex: KeyIndex, at: number, kept: RevisionSet, changed: KeyIndex[]): void {
    if (keyIndex.isEmpty || keyIndex.isCompactedBy(at)) changed.push(keyIndex);
    else keyIndex.keep(at, kept);
  }

  private compactNoted(changed: readonly KeyIndex[], at: number, kept: RevisionSet): void {
    for (const { key } of changed) {
      const keyIndex = this.owned(key);
      assert(keyIndex !== undefined, 'tree-index: a compacted key was in the tree');
      keyIndex.compact(at, kept);
      if (keyIndex.isEmpty) this.tree.delete(key);
    }
  }

  /** A key's history, which may be changed: where copies of the store share it, it is copied first. */
  private owned(key: Uint8Array): KeyIndex | undefined {
    const keyIndex = this.tree.get(key);
    if (keyIndex === undefined || keyIndex.owner === this.tree.owner) return keyIndex;
    const own = keyIndex.for(this.tree.owner);
    this.tree.replace(own);
    return own;
  }

  private each(visit: (keyIndex: KeyIndex) => void): void {
    this.visit(new Uint8Array(0), new Uint8Array(0), visit);
  }
}
