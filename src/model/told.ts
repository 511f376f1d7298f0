/** What a fold takes: one event with its envelope, as a batch brings it. */
import type { LabBatch } from '../host/port.ts';

export type Told = LabBatch['events'][number];

/** A copy of `items` with the one at `at` replaced; folds share all the rest with the state before. */
export function replaced<Item>(items: readonly Item[], at: number, item: Item): readonly Item[] {
  if (items[at] === item) return items;
  const copy = [...items];
  copy[at] = item;
  return copy;
}
