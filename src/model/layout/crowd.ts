/** What is drawn of a crowd: more marks than these on one way would only hide each other. */

export interface Drawn<Item> {
  readonly item: Item;
  /** How many that follow it on its way are not drawn; with the last that is. */
  readonly more: number;
}

/**
 * The first `most` items of each way, in the order of the items.
 * @param wayOf equal for items that take the same way
 */
export function thinned<Item>(
  items: readonly Item[],
  wayOf: (item: Item) => string,
  most: number,
): readonly Drawn<Item>[] {
  const counts = new Map<string, number>();
  const drawn: { item: Item; more: number }[] = [];
  const last = new Map<string, { more: number }>();
  for (const item of items) {
    const way = wayOf(item);
    const count = (counts.get(way) ?? 0) + 1;
    counts.set(way, count);
    const end = last.get(way);
    if (count > most && end !== undefined) {
      end.more += 1;
      continue;
    }
    const one = { item, more: 0 };
    drawn.push(one);
    last.set(way, one);
  }
  return drawn;
}
