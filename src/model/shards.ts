/** A map that never changes in place, cut into small ones: a change copies one of them, not all. */

export type Shards<Value> = readonly ReadonlyMap<string, Value>[];

const shardCount = 256;

/** Where a text belongs: FNV-1a over its characters, its upper half folded into the lower. */
function placeOf(text: string): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return (sum ^ (sum >>> 16)) & (shardCount - 1);
}

const empty = new Map<string, never>();
export const noShards: Shards<never> = Array.from({ length: shardCount }, () => empty);

export const findIn = <Value>(shards: Shards<Value>, text: string): Value | undefined =>
  shards[placeOf(text)]?.get(text);

/** The next state in the making: each small map is copied once, at its first change. */
export class ShardsDraft<Value> {
  readonly #before: Shards<Value>;
  #maps: ReadonlyMap<string, Value>[] | null = null;
  readonly #copied = new Set<number>();

  constructor(before: Shards<Value>) {
    this.#before = before;
  }

  get(text: string): Value | undefined {
    return findIn(this.#now, text);
  }

  set(text: string, value: Value): void {
    this.#writable(placeOf(text)).set(text, value);
  }

  delete(text: string): void {
    if (this.get(text) !== undefined) this.#writable(placeOf(text)).delete(text);
  }

  clear(): void {
    this.#maps = [...noShards];
    this.#copied.clear();
  }

  /** Puts another value in the place of each; null removes it, the same one leaves its map alone. */
  change(to: (value: Value) => Value | null): void {
    this.#now.forEach((map, place) => {
      for (const [text, value] of map) {
        const next = to(value);
        if (next === value) continue;
        if (next === null) this.#writable(place).delete(text);
        else this.#writable(place).set(text, next);
      }
    });
  }

  taken(): Shards<Value> {
    return this.#now;
  }

  get #now(): Shards<Value> {
    return this.#maps ?? this.#before;
  }

  #writable(place: number): Map<string, Value> {
    this.#maps ??= [...this.#before];
    if (!this.#copied.has(place)) this.#maps[place] = new Map(this.#maps[place]);
    this.#copied.add(place);
    return this.#maps[place] as Map<string, Value>;
  }
}
