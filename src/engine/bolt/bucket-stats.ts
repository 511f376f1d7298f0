/** How a bucket uses its pages, counted as bbolt counts it. */
import { BoltError } from './errors.ts';
import type { Bucket } from './bucket.ts';
import { bucketLeafFlag, elementBytes, pageHeaderBytes } from './page.ts';
import type { Page } from './page.ts';

/** @source bbolt bucket.go BucketStats */
export interface BucketStats {
  branchPageCount: number;
  branchOverflowCount: number;
  leafPageCount: number;
  leafOverflowCount: number;
  /** Keys, and names of buckets. */
  keyCount: number;
  depth: number;
  branchAllocBytes: number;
  branchInuseBytes: number;
  leafAllocBytes: number;
  leafInuseBytes: number;
  /** This bucket and all in it. */
  bucketCount: number;
  inlineBucketCount: number;
  inlineBucketInuseBytes: number;
}

export function newBucketStats(): BucketStats {
  return {
    branchPageCount: 0,
    branchOverflowCount: 0,
    leafPageCount: 0,
    leafOverflowCount: 0,
    keyCount: 0,
    depth: 0,
    branchAllocBytes: 0,
    branchInuseBytes: 0,
    leafAllocBytes: 0,
    leafInuseBytes: 0,
    bucketCount: 0,
    inlineBucketCount: 0,
    inlineBucketInuseBytes: 0,
  };
}

/** Adds `other` to `stats`; the depth becomes the larger one. */
export function addBucketStats(stats: BucketStats, other: BucketStats): void {
  const depth = Math.max(stats.depth, other.depth);
  for (const key of Object.keys(stats) as (keyof BucketStats)[]) stats[key] += other[key];
  stats.depth = depth;
}

/** Bytes in use: up to the end of the last element, as keys and values lie without gaps. */
function usedBytes(page: Page): number {
  if (page.count === 0) return pageHeaderBytes;
  const last = page.count - 1;
  const end = page.keyAt(last) + page.keySize(last) + (page.isLeaf ? page.valueSize(last) : 0);
  const element = page.at + pageHeaderBytes + last * elementBytes;
  return pageHeaderBytes + last * elementBytes + end - element;
}

/** Pages that a count may still come to: more than the file has are a circle. */
interface Budget {
  left: number;
}

class Counter {
  readonly stats = newBucketStats();
  private readonly inner = newBucketStats();
  private readonly bucket: Bucket;
  private readonly budget: Budget;

  constructor(bucket: Bucket, budget: Budget) {
    this.bucket = bucket;
    this.budget = budget;
    this.stats.bucketCount = 1;
  }

  count(): BucketStats {
    const { stats } = this;
    const { page, tx, rootPgid } = this.bucket;
    if (rootPgid === 0) stats.inlineBucketCount = 1;
    if (page !== null) this.countLeaf(page, 0);
    else if (rootPgid !== 0) this.countPage(tx.page(rootPgid), 0);
    stats.branchAllocBytes = (stats.branchPageCount + stats.branchOverflowCount) * tx.pageSize;
    stats.leafAllocBytes = (stats.leafPageCount + stats.leafOverflowCount) * tx.pageSize;
    stats.depth += this.inner.depth;
    addBucketStats(stats, this.inner);
    return stats;
  }

  private countPage(page: Page, depth: number): void {
    const { stats } = this;
    const { tx } = this.bucket;
    tx.checkDepth(depth);
    if (this.budget.left-- <= 0)
      throw new BoltError('invalid database', 'pages are referred to over and over');
    if (page.isLeaf) {
      this.countLeaf(page, depth);
      return;
    }
    stats.branchPageCount++;
    stats.branchOverflowCount += page.overflow;
    stats.branchInuseBytes += usedBytes(page);
    stats.depth = Math.max(stats.depth, depth + 1);
    for (let i = 0; i < page.count; i++) this.countPage(tx.page(tx.checkChild(page, i)), depth + 1);
  }

  private countLeaf(page: Page, depth: number): void {
    const { stats } = this;
    stats.keyCount += page.count;
    stats.depth = Math.max(stats.depth, depth + 1);
    if (this.bucket.rootPgid === 0) {
      stats.inlineBucketInuseBytes += usedBytes(page);
      return;
    }
    stats.leafPageCount++;
    stats.leafOverflowCount += page.overflow;
    stats.leafInuseBytes += usedBytes(page);
    for (let i = 0; i < page.count; i++) {
      if ((page.elementFlags(i) & bucketLeafFlag) === 0) continue;
      const inner = new Counter(this.bucket.openValue(page.value(i)), this.budget);
      addBucketStats(this.inner, inner.count());
    }
  }
}

/**
 * Counts a bucket's pages as they are on disk, with all buckets in it; changes of this transaction do not
 * show.
 * @throws BoltError 'invalid database' on a damaged tree
 * @source bbolt v1.3.12 bucket.go Stats
 */
export function bucketStats(bucket: Bucket): BucketStats {
  return new Counter(bucket, { left: bucket.tx.meta.highWater }).count();
}
