/** What a walk knows of each page, in four bits, kept only for the parts of a file that something names. */

/** A page's place in the file: the first page of its kind, or `overflow`, a further page of a run. */
export const xrayKinds = ['unknown', 'meta', 'freelist', 'branch', 'leaf', 'invalid', 'overflow'] as const;
export type XrayPlace = (typeof xrayKinds)[number];

export const placeCodes = { unknown: 0, meta: 1, freelist: 2, branch: 3, leaf: 4, invalid: 5, overflow: 6 };

const kindMask = 7;
const freedBit = 8;
const chunkPages = 65536;
/** 32 MiB: 67 million pages, 256 GiB with pages of 4 KiB. */
const maxChunks = 1024;

/** A table of pages, two a byte, in chunks made when first needed. */
export class PageTable {
  /** Pages below the high water mark that the file has. */
  readonly pageCount: number;
  private readonly chunks: (Uint8Array | undefined)[] = [];
  private chunkCount = 0;
  private cutOff = false;

  constructor(pageCount: number) {
    this.pageCount = pageCount;
  }

  /** Whether more parts of the file were named than the table keeps: of the others nothing is known. */
  get isCut(): boolean {
    return this.cutOff;
  }

  kindOf(id: number): XrayPlace {
    return xrayKinds[this.get(id) & kindMask];
  }

  /** Whether the freelist names a page. */
  isFreed(id: number): boolean {
    return (this.get(id) & freedBit) !== 0;
  }

  /** @returns whether the page was not freed before */
  setFreed(id: number): boolean {
    const before = this.get(id);
    this.put(id, before | freedBit);
    return (before & freedBit) === 0;
  }

  /** Says that a bucket, a freelist or a meta begins at a page. */
  setKind(id: number, kind: number): void {
    if (id < this.pageCount) this.put(id, (this.get(id) & freedBit) | kind);
  }

  /** Says that a page belongs to a run. @returns whether no run had it before */
  setUsed(id: number): boolean {
    const before = this.get(id);
    if ((before & kindMask) !== 0) return false;
    this.put(id, before | placeCodes.overflow);
    return true;
  }

  /** How many pages from `id` to the end of its chunk nothing was ever said about; 0 where there may be. */
  silentFrom(id: number): number {
    if (this.chunks[Math.floor(id / chunkPages)] !== undefined) return 0;
    return Math.min(chunkPages - (id % chunkPages), this.pageCount - id);
  }

  private get(id: number): number {
    const chunk = this.chunks[Math.floor(id / chunkPages)];
    if (chunk === undefined) return 0;
    const inner = id % chunkPages;
    return (chunk[inner >>> 1] >>> ((inner & 1) * 4)) & 15;
  }

  private put(id: number, nibble: number): void {
    const index = Math.floor(id / chunkPages);
    let chunk = this.chunks[index];
    if (chunk === undefined) {
      if (this.chunkCount === maxChunks) {
        this.cutOff = true;
        return;
      }
      this.chunkCount++;
      chunk = new Uint8Array(chunkPages / 2);
      this.chunks[index] = chunk;
    }
    const inner = id % chunkPages;
    const shift = (inner & 1) * 4;
    chunk[inner >>> 1] = (chunk[inner >>> 1] & ~(15 << shift)) | (nibble << shift);
  }
}

/** Runs of ids as they come, in typed arrays; those past a limit are counted and let go. */
export class SpanList {
  private readonly limit: number;
  private starts = new Float64Array(64);
  private counts = new Float64Array(64);
  private length = 0;
  /** All runs, kept or not. */
  spanCount = 0;
  private next = -1;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(start: number, count: number): void {
    const continues = start === this.next;
    this.next = start + count;
    if (continues) {
      if (this.spanCount === this.length) this.counts[this.length - 1] += count;
      return;
    }
    this.spanCount++;
    if (this.length === this.limit) return;
    if (this.length === this.starts.length) this.grow();
    this.starts[this.length] = start;
    this.counts[this.length++] = count;
  }

  get spans(): { readonly starts: Float64Array; readonly counts: Float64Array } {
    return {
      starts: this.starts.slice(0, this.length),
      counts: this.counts.slice(0, this.length),
    };
  }

  private grow(): void {
    const grown = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const larger = new Float64Array(Math.min(this.limit, 2 * old.length));
      larger.set(old);
      return larger;
    };
    this.starts = grown(this.starts);
    this.counts = grown(this.counts);
  }
}
