/** Which transaction took a page from the freelist: a table by page id, in blocks made when first needed. */
const blockSize = 1024;

export class SparseTxids {
  #blocks: (Float64Array | undefined)[] = [];
  /** Pages set to a transaction since the last `forget` of another, so that a rollback need not search. */
  #recent: number[] = [];
  #recentTxid = 0;

  /** 0 where none is recorded. */
  get(pgid: number): number {
    return this.#blocks[Math.floor(pgid / blockSize)]?.[pgid % blockSize] ?? 0;
  }

  set(pgid: number, txid: number): void {
    const index = Math.floor(pgid / blockSize);
    let block = this.#blocks[index];
    if (block === undefined) {
      if (txid === 0) return;
      block = new Float64Array(blockSize);
      this.#blocks[index] = block;
    }
    block[pgid % blockSize] = txid;
    if (txid === 0) return;
    if (txid !== this.#recentTxid) {
      this.#recent = [];
      this.#recentTxid = txid;
    }
    this.#recent.push(pgid);
  }

  /** Removes what a transaction took, provided that it was the last one that took anything. */
  forget(txid: number): void {
    if (txid !== this.#recentTxid) return;
    for (const pgid of this.#recent) if (this.get(pgid) === txid) this.set(pgid, 0);
    this.#recent = [];
    this.#recentTxid = 0;
  }
}
