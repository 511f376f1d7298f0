/** A key as a map's key: equal bytes give equal items. */
import type { Brand } from '../../base/brand.ts';

export type Item = Brand<string, 'Item'>;

const chunkBytes = 8192;

/** One character a byte. */
export function itemOf(key: Uint8Array): Item {
  let text = '';
  for (let at = 0; at < key.length; at += chunkBytes) {
    text += String.fromCharCode(...key.subarray(at, at + chunkBytes));
  }
  return text as Item;
}
