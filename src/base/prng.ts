/** Seeded integers: xoshiro128** in labelled streams. No floats: engines may differ in their last bit. */
import { assert } from './assert.ts';
import { encodeUtf8 } from './utf8.ts';

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/** High 32 bits of the 64-bit product of two u32. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 65536);
  const cross = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) >>> 0;
}

/** One step of SplitMix-like 32-bit mixing, to spread a label's hash over the state. */
function mix(value: number): number {
  let z = (value + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}

/** xoshiro128** by Blackman and Vigna (prng.di.unimi.it): four u32 of state, never all zero. */
export class Prng {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(state: readonly [number, number, number, number]) {
    assert((state[0] | state[1] | state[2] | state[3]) !== 0, 'prng: the state is all zero');
    [this.a, this.b, this.c, this.d] = state;
  }

  /** The state, for keyframes: `new Prng(prng.state())` goes on with the same draws. */
  state(): [number, number, number, number] {
    return [this.a >>> 0, this.b >>> 0, this.c >>> 0, this.d >>> 0];
  }

  /** A uniform u32. */
  next(): number {
    const result = Math.imul(rotl(Math.imul(this.b, 5), 7), 9);
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = rotl(this.d, 11);
    return result >>> 0;
  }

  /** A uniform integer in [0, bound), bound from 1 to 2^32-1, by Lemire's rejection. */
  below(bound: number): number {
    assert(Number.isInteger(bound) && bound > 0 && bound <= 0xffffffff, 'prng: bound is not in 1..2^32-1');
    const threshold = (4294967296 - bound) % bound;
    for (;;) {
      const draw = this.next();
      if (Math.imul(draw, bound) >>> 0 >= threshold) return multiplyHigh(draw, bound);
    }
  }

  /** A uniform integer in [low, high], both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in `numerator` of `denominator` draws. */
  chance(numerator: number, denominator: number): boolean {
    return numerator > 0 && this.below(denominator) < numerator;
  }
}

/**
 * The stream of a purpose: streams of different labels are independent, so that turning one fault off
 * shifts no other draw.
 * @param seed a safe non-negative integer
 * @param labels for example 'net', '1>2'
 */
export function stream(seed: number, ...labels: readonly (string | number)[]): Prng {
  assert(Number.isSafeInteger(seed) && seed >= 0, 'prng: the seed is not a safe non-negative integer');
  const state: [number, number, number, number] = [
    seed >>> 0,
    Math.floor(seed / 4294967296) >>> 0,
    0x243f6a88,
    0x85a308d3,
  ];
  for (const byte of encodeUtf8(labels.join('\u0000'))) {
    for (let i = 0; i < 4; i++) state[i] = mix(state[i] ^ Math.imul(byte + 1, 0x01000193 + 2 * i));
  }
  for (let i = 0; i < 4; i++) state[i] = mix(state[i] ^ mix(state[(i + 3) % 4])) >>> 0;
  if ((state[0] | state[1] | state[2] | state[3]) === 0) state[0] = 1;
  return new Prng(state);
}
