/** A binary min-heap under a total order given at construction. */
import { sharedByForks } from './fork.ts';

export class Heap<Item> {
  private readonly items: Item[] = [];
  private readonly before: (a: Item, b: Item) => boolean;

  /**
   * @param before a strict total order: for a and b that differ exactly one of before(a, b), before(b, a)
   * holds; it keeps no state
   */
  constructor(before: (a: Item, b: Item) => boolean) {
    this.before = sharedByForks(before);
  }

  get size(): number {
    return this.items.length;
  }

  peek(): Item | undefined {
    return this.items[0];
  }

  push(item: Item): void {
    const items = this.items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(item, items[parent])) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  pop(): Item | undefined {
    const items = this.items;
    const top = items[0];
    const last = items.pop();
    if (items.length > 0 && last !== undefined) this.sink(last);
    return top;
  }

  /** The items in no particular order, for keyframes and inspection. */
  values(): readonly Item[] {
    return this.items;
  }

  private sink(item: Item): void {
    const items = this.items;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.before(items[child + 1], items[child])) child++;
      if (!this.before(items[child], item)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = item;
  }
}
