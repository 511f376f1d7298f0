/** A table by whole numbers whose copies share all that has not changed since. */
import { assert, fail } from './assert.ts';
import { ColdPart } from './cold-part.ts';
import { beforeFork, plainBytes, SharedPart } from './fork.ts';
import type { Below } from './fork.ts';
import { freeze } from './frozen.ts';
import type { Frozen } from './frozen.ts';

const bits = 6;
const fanout = 1 << bits;
const mask = fanout - 1;

/** Whoever may change a node in place; told apart by identity. */
export type Owner = object;

class Node extends ColdPart {
  readonly owner: Owner;
  private readonly isLeaf: boolean;
  private present: unknown[] | null;
  private packed: Frozen<unknown[]> | null = null;

  constructor(owner: Owner, isLeaf: boolean, slots: unknown[]) {
    super();
    this.owner = owner;
    this.isLeaf = isLeaf;
    this.present = slots;
  }

  get slots(): unknown[] {
    return this.present ?? this.unpack();
  }

  /** The same for another owner. */
  for(owner: Owner): Node {
    return new Node(owner, this.isLeaf, this.slots.slice());
  }

  /** What leads to parts stays as it is. */
  pack(): void {
    if (this.packed === null) {
      if (!this.isLeaf || this.slots.some((slot) => slot instanceof SharedPart)) return;
      this.packed = freeze(this.slots);
    }
    this.cool();
  }

  cool(): void {
    if (this.packed !== null) this.present = null;
  }

  /** Bytes in plain data count here, for packing does not leave them. */
  measure(visit: (below: Below) => void): number {
    if (this.packed !== null) return nodeBytes + this.packed.sizeBytes;
    return nodeBytes + measureSlots(this.slots, this.isLeaf, visit);
  }

  private unpack(): unknown[] {
    const slots = (this.packed ?? fail('table: its places are there, or packed')).thaw();
    this.present = slots;
    this.warmed(measureSlots(slots, true, () => {}));
    return slots;
  }
}

/** A node without its places. */
const nodeBytes = 72;

function measureSlots(slots: readonly unknown[], isLeaf: boolean, visit: (below: Below) => void): number {
  let bytes = 8 * slots.length;
  const count = (buffer: Below): void => {
    bytes += (buffer as ArrayBuffer).byteLength;
  };
  for (const slot of slots) {
    if (slot instanceof SharedPart) visit(slot);
    else if (isLeaf) bytes += plainBytes(slot, count);
  }
  return bytes;
}

/**
 * A tree of nodes with 64 places each. A copy costs nothing: the nodes are common to both from then on, and
 * whichever of them writes copies the few nodes that lead there. What the table holds must not change; an
 * exception are parts that say whose they are (`owner`) and are copied by whoever is another.
 */
export class SharedTable<Value> {
  private root: Node | null = null;
  /** How many levels lie below the root. */
  private height = 0;
  private present: Owner = {};

  /** What marks the parts that no copy shares. */
  get owner(): Owner {
    return this.present;
  }

  get(index: number): Value | undefined {
    let node = this.root;
    if (node === null || index >= fanout ** (this.height + 1)) return undefined;
    for (let shift = bits * this.height; shift > 0; shift -= bits) {
      node = node.slots[(index >>> shift) & mask] as Node | undefined as Node;
      if (node === undefined) return undefined;
    }
    return node.slots[index & mask] as Value | undefined;
  }

  /** @param index below 2^30 */
  set(index: number, value: Value): void {
    assert(index >= 0 && index < 1 << 30, 'table: a place is below 2^30');
    this.root ??= new Node(this.present, true, []);
    while (index >= fanout ** (this.height + 1)) {
      this.root = new Node(this.present, false, [this.root]);
      this.height++;
    }
    let node = (this.root = this.own(this.root));
    for (let shift = bits * this.height; shift > 0; shift -= bits) {
      const at = (index >>> shift) & mask;
      fill(node.slots, at);
      const child = node.slots[at] as Node | undefined;
      const owned = child === undefined ? new Node(this.present, shift === bits, []) : this.own(child);
      node.slots[at] = owned;
      node = owned;
    }
    fill(node.slots, index & mask);
    node.slots[index & mask] = value;
  }

  /** Drops what stands from an index on. */
  cut(from: number): void {
    if (this.root === null || from >= fanout ** (this.height + 1)) return;
    if (from === 0) {
      this.root = null;
      this.height = 0;
      return;
    }
    let node = (this.root = this.own(this.root));
    for (let shift = bits * this.height; shift >= 0; shift -= bits) {
      const at = (from >>> shift) & mask;
      const isExact = (from & ((1 << shift) - 1)) === 0;
      node.slots.length = Math.min(node.slots.length, isExact ? at : at + 1);
      const child = node.slots[at] as Node | undefined;
      if (isExact || child === undefined) return;
      node.slots[at] = node = this.own(child);
    }
  }

  /** Drops what stands before an index, as far as that frees whole nodes. */
  forget(before: number): void {
    if (this.root === null) return;
    let node = (this.root = this.own(this.root));
    for (let shift = bits * this.height; shift > 0; shift -= bits) {
      const at = Math.min((before >>> shift) & mask, node.slots.length);
      node.slots.fill(undefined, 0, at);
      const child = node.slots[at] as Node | undefined;
      if (child === undefined) return;
      node.slots[at] = node = this.own(child);
    }
  }

  /** A copy at the cost of nothing. */
  clone(): SharedTable<Value> {
    const copy = new SharedTable<Value>();
    copy.root = this.root;
    copy.height = this.height;
    this.present = {};
    return copy;
  }

  /** From now on each node is copied before it is written. */
  [beforeFork](): void {
    this.present = {};
  }

  private own(node: Node): Node {
    return node.owner === this.present ? node : node.for(this.present);
  }
}

/** Makes the place exist, so that no array has a hole. */
function fill(slots: unknown[], at: number): void {
  while (slots.length <= at) slots.push(undefined);
}
