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

/** The list with a place for every member that the events are of: hosts join while a run goes on. */
export function seated<Item>(
  items: readonly Item[],
  events: readonly Told[],
  newItem: (id: number) => Item,
): readonly Item[] {
  let most = items.length;
  for (const { at } of events) if (at.member > most) most = at.member;
  if (most === items.length) return items;
  const added = Array.from({ length: most - items.length }, (_, i) => newItem(items.length + i + 1));
  return [...items, ...added];
}

/** Places for the first members. */
export const firstSeats = <Item>(count: number, newItem: (id: number) => Item): readonly Item[] =>
  Array.from({ length: count }, (_, i) => newItem(i + 1));
