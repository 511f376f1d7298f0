/** A member's state in two u32: equal runs have equal digests after every step, whatever is traced. */
import type { Db } from '../bolt/db.ts';

/**
 * The fields, in the order in which they are mixed. Tracing, buffers and whatever is on its way to the disk
 * are not
 * among them: they show in the fields as soon as they matter.
 */
export interface DigestFields {
  /** Raft's hard state: term, vote (a node number), commit index. */
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
  /** The index of the last entry applied. */
  readonly applied: number;
  /** The last entry of the log, durable or not. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Two u32 over all records of the bucket `key`: see `RecordHash`. */
  readonly records: readonly [number, number];
  /** Two u32 over all records of the bucket `lease`. */
  readonly leases: readonly [number, number];
  /** A u32 over the free and pending pages: see `freelistHash`. */
  readonly freelist: number;
  /** The transaction id of the newest meta page. */
  readonly metaTxid: number;
}

const twoTo32 = 4294967296;

/** Spreads a u32 over all bits. @source the finalizer of MurmurHash3 */
function spread(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Mixes numbers into two lanes that differ in their constants. Numbers are safe integers, not negative. */
class Mixer {
  private low = 0x243f6a88;
  private high = 0x13198a2e;

  add(value: number): void {
    this.word(value >>> 0);
    this.word(Math.floor(value / twoTo32));
  }

  addBytes(bytes: Uint8Array): void {
    this.word(bytes.length);
    for (let i = 0; i < bytes.length; i += 4) {
      this.word(bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
    }
  }

  finish(): [number, number] {
    return [spread(this.low), spread(this.high ^ this.low)];
  }

  private word(word: number): void {
    this.low = Math.imul(this.low ^ word, 0x9e3779b1) + 0x85ebca77;
    this.low = (this.low << 13) | (this.low >>> 19);
    this.high = Math.imul(this.high ^ word, 0xc2b2ae3d) + 0x27d4eb2f;
    this.high = (this.high << 17) | (this.high >>> 15);
  }
}

const noRecords: readonly [number, number] = [0, 0];

/** Of a member; nulls stand for what does not run yet, whose fields are 0. */
export function memberDigest(
  status: Pick<DigestFields, 'term' | 'vote' | 'commit' | 'lastIndex'> | null,
  lastTerm: number,
  applier: (Pick<DigestFields, 'records' | 'leases'> & { readonly index: number }) | null,
  store: Pick<DigestFields, 'freelist' | 'metaTxid'>,
): [number, number] {
  const mixer = new Mixer();
  mixer.add(status?.term ?? 0);
  mixer.add(status?.vote ?? 0);
  mixer.add(status?.commit ?? 0);
  mixer.add(applier?.index ?? 0);
  mixer.add(status?.lastIndex ?? 0);
  mixer.add(lastTerm);
  for (const word of applier?.records ?? noRecords) mixer.add(word);
  for (const word of applier?.leases ?? noRecords) mixer.add(word);
  mixer.add(store.freelist);
  mixer.add(store.metaTxid);
  return mixer.finish();
}

function recordHash(key: Uint8Array, value: Uint8Array): [number, number] {
  const mixer = new Mixer();
  mixer.addBytes(key);
  mixer.addBytes(value);
  return mixer.finish();
}

/**
 * A hash over a set of records, kept up as they come: the sum of a hash of each. So a store read at a start
 * has the
 * same hash as the one that grew to it, and two members with equal records have equal hashes.
 */
export class RecordHash {
  private low = 0;
  private high = 0;

  clear(): void {
    this.low = 0;
    this.high = 0;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    const [low, high] = recordHash(key, value);
    this.low = (this.low + low) >>> 0;
    this.high = (this.high + high) >>> 0;
  }

  /** Takes a record out that was added. */
  remove(key: Uint8Array, value: Uint8Array): void {
    const [low, high] = recordHash(key, value);
    this.low = (this.low - low) >>> 0;
    this.high = (this.high - high) >>> 0;
  }

  get value(): readonly [number, number] {
    return [this.low, this.high];
  }
}

/**
 * A u32 over the pages that are free or wait for readers, as spans in page order. It changes with a commit
 * only.
 */
export function freelistHash(db: Db): number {
  const mixer = new Mixer();
  const { starts, counts } = db.freelist.allSpans();
  for (let i = 0; i < starts.length; i++) {
    mixer.add(starts[i]);
    mixer.add(counts[i]);
  }
  return mixer.finish()[0];
}
