/** The chain hash: 64 bits over every input of a run, so that two runs can be told apart or proven equal. */

/** What an input was; the number goes into the hash and must never be used anew. */
export const inputKind = {
  timer: 1,
  message: 2,
  request: 3,
  cancel: 4,
  diskDone: 5,
  start: 6,
  action: 7,
  /**
   * What no process saw: a lost message, a sync that its process did not see, a client's own event, a wait
   * for a pause, a load's next step.
   */
  drop: 8,
  sync: 9,
  client: 10,
  hold: 11,
  load: 12,
  /** A connection between two members stands, or is gone. */
  link: 13,
  /** A process's end at a crash point or for want of memory, a start that could not read, a turn. */
  crash: 14,
  /** A process is asked to end. */
  stop: 15,
} as const;

/**
 * One input as the hash sees it. `timeUs` is when it happened, `seq` its place in the queue, `source` and
 * `target` the members it came from and went to (0: the world or a client), `payload` a CRC-32C over what it
 * carried, `digest` the target's digest after it (two u32; zeros where no process saw it).
 */
export interface HashedInput {
  readonly timeUs: number;
  readonly seq: number;
  readonly kind: number;
  readonly source: number;
  readonly target: number;
  readonly payload: number;
  readonly digest: readonly [number, number];
}

const twoTo32 = 4294967296;
const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
const hex8 = (x: number): string => (x >>> 0).toString(16).padStart(8, '0');

/** The 64 bits of the hash, high and low. */
export type ChainState = readonly [number, number];

/** Before any input. */
export const firstChain: ChainState = [0x6a09e667, 0xbb67ae85];

/** Sixteen hex digits. */
export const chainText = ([high, low]: ChainState): string => hex8(high) + hex8(low);

/**
 * H' = mix(H, time, seq, kind, source, target, payload, digest), as ten u32 words in this order: time low,
 * time high, seq low, seq high, kind, source, target, payload, digest[0], digest[1]. Each word is mixed in
 * by a bijection of the 64-bit state, so a difference never vanishes by itself. Same inputs, same order:
 * same hash.
 */
export class ChainHash {
  private high = firstChain[0];
  private low = firstChain[1];

  add(input: HashedInput): void {
    this.word(input.timeUs % twoTo32);
    this.word(Math.floor(input.timeUs / twoTo32));
    this.word(input.seq % twoTo32);
    this.word(Math.floor(input.seq / twoTo32));
    this.word(input.kind);
    this.word(input.source);
    this.word(input.target);
    this.word(input.payload);
    this.word(input.digest[0]);
    this.word(input.digest[1]);
  }

  /** Sixteen hex digits. */
  get text(): string {
    return chainText(this.state);
  }

  get state(): ChainState {
    return [this.high, this.low];
  }

  private word(word: number): void {
    const k = Math.imul(rotl(Math.imul(word | 0, 0xcc9e2d51), 15), 0x1b873593);
    this.high = (Math.imul((rotl(this.high ^ k, 13) + this.low) | 0, 5) + 0xe6546b64) | 0;
    this.low = (Math.imul((rotl(this.low ^ rotl(k, 16), 17) + this.high) | 0, 5) + 0x38495ab5) | 0;
  }
}
