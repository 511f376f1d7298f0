/** What readers see: the last commit's pages, and over them the writes that came since. */
import { assert } from '../../base/assert.ts';
import { compareBytes, emptyBytes, equalBytes } from '../../base/bytes.ts';
import type { Bucket } from '../bolt/bucket.ts';
import type { Item } from '../bolt/cursor.ts';
import type { Tx } from '../bolt/tx.ts';
import { bucketKey } from './schema.ts';
import type { BucketName } from './schema.ts';
import type { PendingWrite, TxBuffer } from './tx-buffer.ts';

/** A key with its value, as views: valid until the next commit, and never to be changed. */
export interface Pair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class ReadTx {
  private readonly tx: Tx;
  private readonly buffer: TxBuffer;

  constructor(tx: Tx, buffer: TxBuffer) {
    this.tx = tx;
    this.buffer = buffer;
  }

  /** One key's value; null where there is none. */
  get(name: BucketName, key: Uint8Array): Uint8Array | null {
    const pending = this.buffer.bucket(name)?.find(key);
    return pending === undefined ? this.bucket(name).get(key) : pending.value;
  }

  /**
   * The pairs with from <= key < to, in key order.
   * @param to null: no bound
   * @param limit at most so many; 0 is no limit
   */
  range(name: BucketName, from: Uint8Array, to: Uint8Array | null, limit = 0): Pair[] {
    const pairs: Pair[] = [];
    this.walk(name, from, (key, value) => {
      const isPast = to !== null && compareBytes(key, to) >= 0;
      if (isPast || (limit > 0 && pairs.length === limit)) return false;
      pairs.push({ key, value });
      return true;
    });
    return pairs;
  }

  /** All pairs of a bucket in key order. */
  forEach(name: BucketName, visit: (key: Uint8Array, value: Uint8Array) => void): void {
    this.walk(name, emptyBytes, (key, value) => {
      visit(key, value);
      return true;
    });
  }

  /**
   * Merges pages and buffer: of a key that is in both, the buffer's write is the newer.
   * @param visit answers whether it wants more
   */
  private walk(
    name: BucketName,
    from: Uint8Array,
    visit: (key: Uint8Array, value: Uint8Array) => boolean,
  ): void {
    const cursor = this.bucket(name).cursor();
    const buffer = this.buffer.bucket(name);
    const writes: readonly PendingWrite[] = buffer?.writes ?? [];
    let at = buffer?.search(from) ?? 0;
    let item = cursor.seek(from);
    while (item !== null || at < writes.length) {
      const order = compareHeads(item, writes[at]);
      if (order < 0 && item !== null) {
        assert(item.value !== null, 'read-tx: a member has no nested buckets');
        if (!visit(item.key, item.value)) return;
      } else {
        const { key, value } = writes[at++];
        if (value !== null && !visit(key, value)) return;
      }
      if (order <= 0) item = cursor.next();
    }
  }

  private bucket(name: BucketName): Bucket {
    const bucket = this.tx.bucket(bucketKey(name));
    assert(bucket !== null, 'read-tx: every bucket is there from the start');
    return bucket;
  }
}

/** Negative: the page's item comes first; zero: both are of one key; positive: the pending write is first. */
function compareHeads(item: Item | null, write: PendingWrite | undefined): number {
  if (item === null) return 1;
  if (write === undefined) return -1;
  return equalBytes(item.key, write.key) ? 0 : compareBytes(item.key, write.key);
}
