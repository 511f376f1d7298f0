/** Random delays in integers: a minimum plus an exponentially distributed excess. */
import type { Prng } from '../base/prng.ts';

/** Microseconds. A delay is `minUs` plus an excess whose mean is `meanUs`. */
export interface DelayConfig {
  readonly minUs: number;
  readonly meanUs: number;
}

/** The inverse of the exponential distribution at 64 places: -ln(1 - i/64), in units of 1/65536. */
const inverse: readonly number[] = [
  0, 1032, 2081, 3146, 4230, 5331, 6451, 7591, 8751, 9932, 11135, 12360, 13608, 14880, 16178, 17502, 18854,
  20233, 21643, 23083, 24556, 26063, 27605, 29184, 30802, 32461, 34164, 35911, 37707, 39553, 41453, 43409,
  45426, 47507, 49656, 51877, 54177, 56561, 59034, 61604, 64280, 67069, 69982, 73031, 76228, 79590, 83133,
  86879, 90852, 95082, 99603, 104460, 109706, 115408, 121654, 128559, 136278, 145029, 155132, 167080, 181704,
  200558, 227130, 272557,
];
const unit = 65536;
const lastPlace = inverse.length - 1;
/** The tail is cut at four times ln 64, about 17 means. */
const maxRounds = 4;

/**
 * A draw with mean 1, in units of 1/65536. Between places it is linear; past the last one the distribution
 * has no memory, so its value is added and the draw made again.
 */
function drawUnits(prng: Prng): number {
  let tail = 0;
  for (let round = 0; round < maxRounds; round++) {
    const draw = prng.next();
    const place = draw >>> 26;
    if (place < lastPlace) {
      const fraction = (draw >>> 10) & 0xffff;
      return tail + inverse[place] + Math.floor(((inverse[place + 1] - inverse[place]) * fraction) / unit);
    }
    tail += inverse[lastPlace];
  }
  return tail;
}

/**
 * Draws a delay in microseconds; means up to 10^9 stay exact. At least one draw is taken whatever the mean.
 */
export function drawDelay(prng: Prng, config: DelayConfig): number {
  return config.minUs + Math.floor((config.meanUs * drawUnits(prng)) / unit);
}
