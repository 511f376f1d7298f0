/** Walks over a bucket's items in key order. */

/**
 * An item under a cursor; `value` is null for a nested bucket. Both are views into the pages: valid until the
 * transaction ends, and never to be changed. Who keeps them longer copies them.
 */
export interface Item {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

export interface Cursor {
  first(): Item | null;
  last(): Item | null;
  seek(key: Uint8Array): Item | null;
  next(): Item | null;
  prev(): Item | null;
  delete(): void;
}
