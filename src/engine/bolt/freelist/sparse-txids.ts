/** Which transaction took a page from the freelist: a table by page id. */
import { PageTable } from './page-table.ts';

const twoTo32 = 4294967296;

export class SparseTxids {
  private readonly low = new PageTable();
  /** What of a transaction does not fit into 32 bits: empty in all but very old databases. */
  private readonly high = new PageTable();
  /** Pages set to a transaction since the last `forget` of another, so that a rollback need not search. */
  private recent = new Uint32Array(16);
  private recentCount = 0;
  private recentTxid = 0;

  /** 0 where none is recorded. */
  get(pgid: number): number {
    return this.low.get(pgid) + this.high.get(pgid) * twoTo32;
  }

  set(pgid: number, txid: number): void {
    this.low.set(pgid, txid % twoTo32);
    this.high.set(pgid, Math.floor(txid / twoTo32));
    if (txid === 0) return;
    if (txid !== this.recentTxid) {
      this.recentCount = 0;
      this.recentTxid = txid;
    }
    if (this.recentCount === this.recent.length) this.grow();
    this.recent[this.recentCount++] = pgid;
  }

  get sizeBytes(): number {
    return this.low.sizeBytes + this.high.sizeBytes;
  }

  /** Removes what a transaction took, provided that it was the last one that took anything. */
  forget(txid: number): void {
    if (txid !== this.recentTxid) return;
    for (const pgid of this.recent.subarray(0, this.recentCount)) {
      if (this.get(pgid) === txid) this.set(pgid, 0);
    }
    this.recentCount = 0;
    this.recentTxid = 0;
  }

  private grow(): void {
    const larger = new Uint32Array(2 * this.recent.length);
    larger.set(this.recent);
    this.recent = larger;
  }
}
