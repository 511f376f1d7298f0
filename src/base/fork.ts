/** Copies a running state whole: objects, what they share among them, and the functions that they keep. */
import { fail } from './assert.ts';

/** A function, or an object of functions, and what it captures. */
export interface Recipe {
  readonly make: (...captured: never[]) => object;
  readonly captured: readonly unknown[];
}

/** Where a kept function has its recipe: a table of all of them would cost more than making them does. */
const recipeOf = Symbol('recipe');
const shared = new WeakSet<object>();

/** State that must prepare for sharing bytes with a copy of it. */
export const beforeFork = Symbol('beforeFork');

/**
 * A function that state keeps (a callback that waits, a port to another part), made so that a copy of the
 * state can make its own: `kept((self, id) => (outcome) => self.finish(id, outcome), this, id)`.
 * @param make uses nothing but its arguments and what never changes; it must not read them yet
 */
export function kept<Captured extends readonly unknown[], Made extends object>(
  make: (...captured: Captured) => Made,
  ...captured: Captured
): Made {
  const made: Made & { [recipeOf]?: Recipe } = make(...captured);
  made[recipeOf] = { make: make as unknown as Recipe['make'], captured };
  return made;
}

/** The object stays one in all copies: it never changes, or whoever changes it copies it first. */
export function sharedByForks<Value extends object>(value: Value): Value {
  shared.add(value);
  return value;
}

/** How a function that state keeps was made; undefined for anything else. */
export const recipeFor = (value: object): Recipe | undefined => (value as { [recipeOf]?: Recipe })[recipeOf];

export const isSharedByForks = (value: object): boolean => shared.has(value);

/** What copies may have in common: it counts once for all who hold it. */
export type Below = SharedPart | ArrayBufferLike;

/** What is noted of a part: how many hold it, how many of the present do, and what it took at first. */
export interface Held {
  holders: number;
  holdersNow: number;
  countedBytes: number;
}

/**
 * A part of a state that stays one in all copies, with all that it leads to: once a copy was made nobody
 * changes it any more. Its owner then makes another in its place.
 */
export abstract class SharedPart implements Held {
  /** Who counts in the part itself; see `KeptParts`. */
  countedBy: object | null = null;
  holders = 0;
  holdersNow = 0;
  countedBytes = 0;

  /**
   * About what an engine takes for the part itself.
   * @param visit is called for each part or buffer that it leads to
   */
  abstract measure(visit: (below: Below) => void): number;
}

/**
 * A copy that goes its own way: what happens to one is not seen by the other. Objects keep their classes;
 * Maps, Sets, arrays and arrays of numbers are copied; what two objects share, their copies share. Bytes
 * (`Uint8Array`, `DataView`) stay one, for nobody writes into bytes that others may hold; so do errors, for
 * some are told apart by identity, and each `SharedPart`.
 * @throws InvariantError on a function that was not made by `kept` or `sharedByForks`, with its place
 */
export function fork<Value extends object>(root: Value): Value {
  return new Fork().run(root);
}

/** What V8 takes, roughly: an object's head, one field or element. */
const objectBytes = 24;
const fieldBytes = 8;

/** As `SharedPart.measure`, for plain data that never changes. */
export function plainBytes(value: unknown, visit: (below: Below) => void): number {
  if (typeof value === 'string') return objectBytes + value.length;
  if (typeof value !== 'object' || value === null) return 0;
  if (value instanceof Uint8Array) {
    visit(value.buffer);
    return 4 * objectBytes;
  }
  const fields: unknown[] = Object.values(value);
  return fields.reduce((sum: number, field) => sum + fieldBytes + plainBytes(field, visit), objectBytes);
}

class Fork {
  private readonly copies = new Map<object, object>();
  /** Pairs of an object and its empty copy. */
  private readonly unfilled: object[] = [];

  run<Value extends object>(root: Value): Value {
    const copy = this.copy(root, root, 'root') as Value;
    for (let to = this.unfilled.pop(); to !== undefined; to = this.unfilled.pop()) {
      this.fill(this.unfilled.pop() ?? fail('fork: a copy without its origin'), to);
    }
    return copy;
  }

  private copy(value: unknown, owner: object, name: string): unknown {
    if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return value;
    const known = this.copies.get(value);
    if (known !== undefined) return known;
    if (value instanceof Uint8Array || value instanceof DataView) return value;
    if (value instanceof SharedPart || value instanceof Error || shared.has(value)) return value;
    const copy = this.make(value, owner, name);
    this.copies.set(value, copy);
    return copy;
  }

  private make(value: object, owner: object, name: string): object {
    const recipe = recipeFor(value);
    if (recipe !== undefined) {
      const own = recipe.captured.map((each) => this.copy(each, value, name));
      return kept(recipe.make as (...captured: unknown[]) => object, ...own);
    }
    if (typeof value === 'function') {
      return fail(`fork: ${owner.constructor.name}.${name} keeps a function of unknown state`);
    }
    if (value instanceof ArrayBuffer) return value.slice(0);
    if (ArrayBuffer.isView(value)) return this.makeView(value);
    (value as { [beforeFork]?: () => void })[beforeFork]?.();
    const to = emptyLike(value);
    this.unfilled.push(value, to);
    return to;
  }

  private makeView(value: ArrayBufferView): object {
    const buffer = this.copy(value.buffer, value, 'buffer') as ArrayBuffer;
    const { constructor, length } = value as Uint8Array;
    return new (constructor as Uint8ArrayConstructor)(buffer, value.byteOffset, length);
  }

  private fill(from: object, to: object): void {
    if (from instanceof Map) {
      const map = to as Map<unknown, unknown>;
      for (const [key, value] of from) map.set(this.copy(key, from, 'key'), this.copy(value, from, 'value'));
    } else if (from instanceof Set) {
      for (const value of from) (to as Set<unknown>).add(this.copy(value, from, 'value'));
    } else {
      const source = from as Readonly<Record<string, unknown>>;
      for (const name of Object.keys(source)) {
        (to as Record<string, unknown>)[name] = this.copy(source[name], from, name);
      }
    }
  }
}

function emptyLike(value: object): object {
  if (Array.isArray(value)) return new Array<unknown>(value.length);
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  return Object.create(Object.getPrototypeOf(value) as object) as object;
}
