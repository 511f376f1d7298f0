/** A copy of a running state that lies still: its objects as packed bytes, from which it is made again. */
import { assert, fail } from './assert.ts';
import { ByteSink, ByteSource } from './byte-stream.ts';
import { beforeFork, isSharedByForks, kept, recipeFor, SharedPart } from './fork.ts';
import type { Below } from './fork.ts';
import { packBytes, packedSize, unpackBytes } from './packed-bytes.ts';
import type { PackedBytes } from './packed-bytes.ts';
import { shapeAt, shapeOf } from './shapes.ts';
import type { Shape } from './shapes.ts';

/** Bytes in a larger buffer (a file on its way) are packed once for all copies that have it. */
const largeBuffer = 256 * 1024;

/** A large buffer of bytes, which never change. */
class LargeBuffer extends SharedPart {
  private readonly packed: PackedBytes;
  private readonly sizeBytes: number;

  constructor(buffer: ArrayBufferLike) {
    super();
    this.packed = packBytes(new Uint8Array(buffer));
    this.sizeBytes = buffer.byteLength;
  }

  open(): ArrayBuffer {
    const { buffer } = unpackBytes(this.packed, this.sizeBytes);
    largeOf.set(buffer, this);
    return buffer;
  }

  measure(): number {
    return 80 + packedSize(this.packed);
  }
}

const largeOf = new WeakMap<ArrayBufferLike, LargeBuffer>();

function largeFor(buffer: ArrayBufferLike): LargeBuffer {
  const known = largeOf.get(buffer);
  if (known !== undefined) return known;
  const large = new LargeBuffer(buffer);
  largeOf.set(buffer, large);
  return large;
}

/** How a value is written; from `firstSmall` on it is a small whole number. */
const tag = {
  undefined: 0,
  null: 1,
  true: 2,
  false: 3,
  /** A whole number: its amount follows. */
  plus: 4,
  minus: 5,
  float: 6,
  text: 7,
  /** The place of a text that was written before. */
  sameText: 8,
  bigint: 9,
  /** The place of an object among those that are made. */
  object: 10,
  /** The place of what stays one in all copies. */
  stays: 11,
  hole: 12,
} as const;
const firstSmall = 16;
const lastSmall = 255;

/** How an object is made. */
const making = { plain: 0, array: 1, map: 2, set: 3, buffer: 4, view: 5, kept: 6 } as const;

type ViewConstructor = new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView;
const viewClasses: readonly ViewConstructor[] = [
  ...[Uint8Array, DataView, Uint16Array, Uint32Array, Int8Array, Int16Array, Int32Array],
  ...[Float32Array, Float64Array, Uint8ClampedArray],
];

/**
 * What `fork` would copy, lying still: as bytes, beside which stands what stays one in all copies (parts,
 * errors, what was declared to be shared).
 */
export class Frozen<Value extends object> {
  private readonly packed: PackedBytes;
  private readonly unpackedBytes: number;
  /** Where what fills the objects begins. */
  private readonly fillsAt: number;
  private readonly staying: readonly unknown[];

  constructor(bytes: Uint8Array, fillsAt: number, staying: readonly unknown[]) {
    this.packed = packBytes(bytes);
    this.unpackedBytes = bytes.length;
    this.fillsAt = fillsAt;
    this.staying = staying;
  }

  /** Without the parts. */
  get sizeBytes(): number {
    return packedSize(this.packed) + 8 * this.staying.length + 200;
  }

  /** The parts that it has in common with others, but for what those parts lead to. */
  get shared(): readonly Below[] {
    return this.staying.filter((each): each is Below => each instanceof SharedPart);
  }

  /** A copy that goes its own way. */
  thaw(): Value {
    const bytes = unpackBytes(this.packed, this.unpackedBytes);
    const [makes, fills] = [bytes.subarray(0, this.fillsAt), bytes.subarray(this.fillsAt)];
    return new Thaw(new ByteSource(makes), new ByteSource(fills), this.staying).run() as Value;
  }
}

/**
 * Copies a running state as `fork` does, and lays the copy still. The state goes on, apart from it. Bytes
 * that the state shares with others are the copy's own.
 * @throws InvariantError as `fork` does
 */
export function freeze<Value extends object>(root: Value): Frozen<Value> {
  return new Freeze().run(root);
}

class Freeze {
  private readonly makes = new ByteSink();
  private readonly fills = new ByteSink();
  private readonly places = new Map<object, number>();
  /** Those of `fills`. */
  private readonly texts = new Map<string, number>();
  private readonly staying: unknown[] = [];
  private madeCount = 0;
  /** In the order in which they are made, with their shapes. */
  private readonly unfilled: [object, Shape | null][] = [];

  run<Value extends object>(root: Value): Frozen<Value> {
    this.place(root, root, 'root');
    for (let i = 0; i < this.unfilled.length; i++) this.fill(...this.unfilled[i]);
    const fillsAt = this.makes.size;
    this.makes.bytes(this.fills.written());
    return new Frozen<Value>(this.makes.written(), fillsAt, this.staying);
  }

  private write(value: unknown, to: ByteSink, owner: object, name: string): void {
    if (typeof value === 'number') return writeNumber(value, to);
    if (typeof value === 'string') return this.writeText(value, to);
    if (value === undefined) return to.byte(tag.undefined);
    if (value === null) return to.byte(tag.null);
    if (typeof value === 'boolean') return to.byte(value ? tag.true : tag.false);
    if (typeof value === 'bigint') {
      to.byte(tag.bigint);
      return to.text(value.toString());
    }
    assert(typeof value === 'object' || typeof value === 'function', 'freeze: a state keeps no symbols');
    const place = this.place(value, owner, name);
    to.byte(place < 0 ? tag.stays : tag.object);
    to.uint(place < 0 ? -1 - place : place);
  }

  private writeText(text: string, to: ByteSink): void {
    const known = this.texts.get(text);
    if (known !== undefined && to === this.fills) {
      to.byte(tag.sameText);
      return to.uint(known);
    }
    if (to === this.fills) this.texts.set(text, this.texts.size);
    to.byte(tag.text);
    to.text(text);
  }

  /** The place of an object among those that are made; below 0 it stays one: places counted from -1. */
  private place(value: object, owner: object, name: string): number {
    const known = this.places.get(value);
    if (known !== undefined) return known;
    const stays = staysOne(value);
    if (!stays) this.make(value, owner, name);
    const place = stays ? -1 - this.staying.length : this.madeCount++;
    if (stays) this.staying.push(value);
    this.places.set(value, place);
    return place;
  }

  private make(value: object, owner: object, name: string): void {
    const recipe = recipeFor(value);
    if (recipe !== undefined) {
      // what it captures is made before it
      for (const each of recipe.captured) if (isObject(each)) this.place(each, value, name);
      this.makes.byte(making.kept);
      this.makes.uint(this.staying.push(recipe.make) - 1);
      this.makes.uint(recipe.captured.length);
      for (const each of recipe.captured) this.write(each, this.makes, value, name);
    } else if (typeof value === 'function') {
      fail(`fork: ${owner.constructor.name}.${name} keeps a function of unknown state`);
    } else if (value instanceof ArrayBuffer) {
      this.makes.byte(making.buffer);
      this.makes.uint(value.byteLength);
      this.makes.bytes(new Uint8Array(value));
    } else if (ArrayBuffer.isView(value)) this.makeView(value);
    else this.makeEmpty(value);
  }

  private makeView(view: ArrayBufferView): void {
    const neverChanges = view instanceof Uint8Array || view instanceof DataView;
    const isLarge = neverChanges && view.buffer.byteLength > largeBuffer;
    const buffer = this.place(isLarge ? largeFor(view.buffer) : view.buffer, view, 'buffer');
    const kind = viewClasses.findIndex((each) => view.constructor === each);
    assert(kind >= 0, 'freeze: arrays of numbers have one of the usual classes');
    this.makes.byte(making.view);
    this.makes.byte(kind);
    this.makes.byte(buffer < 0 ? tag.stays : tag.object);
    this.makes.uint(buffer < 0 ? -1 - buffer : buffer);
    this.makes.uint(view.byteOffset);
    this.makes.uint((view as Uint8Array).length ?? view.byteLength);
  }

  private makeEmpty(value: object): void {
    (value as { [beforeFork]?: () => void })[beforeFork]?.();
    let shape: Shape | null = null;
    if (Array.isArray(value)) {
      this.makes.byte(making.array);
      this.makes.uint(value.length);
    } else if (value instanceof Map) this.makes.byte(making.map);
    else if (value instanceof Set) this.makes.byte(making.set);
    else {
      shape = shapeOf(value, Object.keys(value));
      this.makes.byte(making.plain);
      this.makes.uint(shape.place);
    }
    this.unfilled.push([value, shape]);
  }

  private fill(from: object, shape: Shape | null): void {
    const to = this.fills;
    if (shape !== null) {
      const source = from as Readonly<Record<string, unknown>>;
      for (const name of shape.names) this.write(source[name], to, from, name);
    } else if (from instanceof Map) {
      to.uint(from.size);
      for (const [key, value] of from) {
        this.write(key, to, from, 'key');
        this.write(value, to, from, 'value');
      }
    } else if (from instanceof Set) {
      to.uint(from.size);
      for (const value of from) this.write(value, to, from, 'value');
    } else {
      const list = from as readonly unknown[];
      for (let i = 0; i < list.length; i++) {
        if (list[i] === undefined && !(i in list)) to.byte(tag.hole);
        else this.write(list[i], to, list, 'element');
      }
    }
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'function' || (typeof value === 'object' && value !== null);

function staysOne(value: object): boolean {
  if (value instanceof SharedPart || value instanceof Error) return true;
  return !(value instanceof ArrayBuffer) && isSharedByForks(value);
}

function writeNumber(value: number, to: ByteSink): void {
  if (value >= 0 && value <= lastSmall - firstSmall && Number.isInteger(value) && !Object.is(value, -0))
    return to.byte(firstSmall + value);
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    to.byte(tag.float);
    return to.float(value);
  }
  to.byte(value < 0 ? tag.minus : tag.plus);
  to.uint(Math.abs(value));
}

/** What `Freeze` wrote, read in the same order. */
class Thaw {
  private readonly makes: ByteSource;
  private readonly fills: ByteSource;
  private readonly staying: readonly unknown[];
  private readonly made: object[] = [];
  private readonly unfilled: [object, Shape | null][] = [];
  private readonly texts: string[] = [];
  private readonly opened = new Map<LargeBuffer, ArrayBuffer>();

  constructor(makes: ByteSource, fills: ByteSource, staying: readonly unknown[]) {
    this.makes = makes;
    this.fills = fills;
    this.staying = staying;
  }

  run(): object {
    while (!this.makes.isAtEnd) this.made.push(this.make());
    for (const [object, shape] of this.unfilled) this.fill(object, shape);
    assert(this.fills.isAtEnd, 'thaw: all that was written is read');
    return this.made[0];
  }

  private make(): object {
    const { makes } = this;
    const how = makes.byte();
    switch (how) {
      case making.kept: {
        const make = this.staying[makes.uint()] as (...captured: unknown[]) => object;
        return kept(make, ...Array.from({ length: makes.uint() }, () => this.read(makes)));
      }
      case making.buffer:
        return makes.bytes(makes.uint()).slice().buffer;
      case making.view: {
        const kind = viewClasses[makes.byte()];
        const buffer = this.read(makes) as ArrayBuffer | LargeBuffer;
        return new kind(
          buffer instanceof LargeBuffer ? this.open(buffer) : buffer,
          makes.uint(),
          makes.uint(),
        );
      }
      default:
        return this.empty(how);
    }
  }

  /** Views of one buffer are views of one again. */
  private open(large: LargeBuffer): ArrayBuffer {
    const buffer = this.opened.get(large) ?? large.open();
    this.opened.set(large, buffer);
    return buffer;
  }

  private empty(how: number): object {
    const shape = how === making.plain ? shapeAt(this.makes.uint()) : null;
    const object =
      shape !== null
        ? (Object.create(shape.prototype) as object)
        : how === making.array
          ? new Array<unknown>(this.makes.uint())
          : how === making.map
            ? new Map<unknown, unknown>()
            : new Set<unknown>();
    this.unfilled.push([object, shape]);
    return object;
  }

  private fill(to: object, shape: Shape | null): void {
    const { fills } = this;
    if (shape !== null) {
      for (const name of shape.names) (to as Record<string, unknown>)[name] = this.read(fills);
    } else if (to instanceof Map) {
      for (let left = fills.uint(); left > 0; left--) {
        const key = this.read(fills);
        to.set(key, this.read(fills));
      }
    } else if (to instanceof Set) {
      for (let left = fills.uint(); left > 0; left--) to.add(this.read(fills));
    } else {
      const list = to as unknown[];
      for (let i = 0; i < list.length; i++) {
        const value = this.read(fills);
        if (value !== hole) list[i] = value;
      }
    }
  }

  private read(from: ByteSource): unknown {
    const how = from.byte();
    if (how >= firstSmall) return how - firstSmall;
    switch (how) {
      case tag.undefined:
        return undefined;
      case tag.null:
        return null;
      case tag.true:
        return true;
      case tag.false:
        return false;
      case tag.plus:
        return from.uint();
      case tag.minus:
        return -from.uint();
      case tag.float:
        return from.float();
      case tag.text:
        return this.readText(from);
      case tag.sameText:
        return this.texts[from.uint()];
      case tag.bigint:
        return BigInt(from.text());
      case tag.object:
        return this.made[from.uint()];
      case tag.stays:
        return this.staying[from.uint()];
      default:
        return hole;
    }
  }

  private readText(from: ByteSource): string {
    const text = from.text();
    if (from === this.fills) this.texts.push(text);
    return text;
  }
}

/** A place of an array that was never set. */
const hole = Symbol('hole');
