/** What loads write: keys and values of their sizes. */
import type { Prng } from '../base/prng.ts';
import type { ClientAction } from './types.ts';

export const put = (key: string, value: string): ClientAction => ({ type: 'put', key, value });
export const hex8 = (draws: Prng): string => draws.next().toString(16).padStart(8, '0');

/** Text of so many bytes, which begins like this. */
export function filled(start: string, sizeBytes: number, draws: Prng): string {
  const piece = hex8(draws) + hex8(draws);
  const count = Math.ceil(Math.max(0, sizeBytes - start.length) / piece.length);
  return (start + piece.repeat(count)).slice(0, Math.max(sizeBytes, start.length));
}
