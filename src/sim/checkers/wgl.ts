/** Decides a history by search, after Wing, Gong and Lowe: it trusts no order but that of time. */
import { stream } from '../../base/prng.ts';
import { KvModel } from './kv-model.ts';
import { isRead, isSerializable } from './history.ts';
import type { KvRequest, Pair } from './kv-request.ts';
import type { Effect } from './kv-model.ts';
import type { Operation } from './history.ts';

/** `undecided`: the search was broken off after so many steps as it was allowed. */
export interface Verdict {
  readonly kind: 'linearizable' | 'contradictory' | 'undecided';
  /** The operations in an order that explains them; as far as it came, else. */
  readonly order: readonly Operation[];
  readonly steps: number;
}

/** A call or its return in the list of what is left, in the order of time. */
interface Node {
  readonly operation: number;
  /** The call's return; null on a return itself. */
  match: Node | null;
  before: Node | null;
  after: Node | null;
}

/**
 * Reads whose answers must be of the present, and writes, done and unknown: these are in the game.
 * Reads of an old revision are not: the search knows the present alone.
 */
function players(history: readonly Operation[]): Operation[] {
  return history.filter(({ request, answer }) => {
    if (request.kind === 'range' && (request.revision !== 0 || isSerializable(request))) return false;
    return answer !== null || !isRead(request);
  });
}

/** At equal times calls come first: what touches is at the same time. */
function listOf(operations: readonly Operation[]): Node {
  const moments = operations.flatMap(({ callUs, returnUs }, operation) => [
    { at: callUs, isCall: true, operation },
    { at: returnUs, isCall: false, operation },
  ]);
  moments.sort((a, b) =>
    a.at === b.at ? Number(b.isCall) - Number(a.isCall) || a.operation - b.operation : a.at - b.at,
  );
  const head: Node = { operation: -1, match: null, before: null, after: null };
  const calls = new Map<number, Node>();
  let last = head;
  for (const { isCall, operation } of moments) {
    const node: Node = { operation, match: null, before: last, after: null };
    last.after = node;
    last = node;
    const call = calls.get(operation);
    if (isCall) calls.set(operation, node);
    else if (call !== undefined) call.match = node;
  }
  return head;
}

/** Takes a call and its return out of the list. */
function lift(call: Node): void {
  for (const node of [call, call.match]) {
    if (node === null) continue;
    if (node.before !== null) node.before.after = node.after;
    if (node.after !== null) node.after.before = node.before;
  }
}

/** Puts them back where they were; the reverse of `lift`. */
function unlift(call: Node): void {
  for (const node of [call.match, call]) {
    if (node === null) continue;
    if (node.before !== null) node.before.after = node;
    if (node.after !== null) node.after.before = node;
  }
}

const twoTo32 = 4294967296;
/** So many of the upper word's bits fit into a number beside the lower word. */
const upperBits = 0x1fffff;

/** Numbers for sets of operations: the exclusive or of a drawn number for each. */
class Memo {
  private readonly words: readonly (readonly [number, number])[];
  private readonly seen = new Set<number>();
  private low = 0;
  private high = 0;

  constructor(count: number, seed: number) {
    const draws = stream(seed, 'wgl');
    this.words = Array.from({ length: count }, () => [draws.below(twoTo32 - 1), draws.below(twoTo32 - 1)]);
  }

  /** Puts an operation into the set, or takes it out. */
  toggle(operation: number): void {
    const [low, high] = this.words[operation];
    this.low = (this.low ^ low) >>> 0;
    this.high = (this.high ^ high) >>> 0;
  }

  /** Whether this set was not met in this state before. */
  isNew(state: State): boolean {
    const [low, high] = [(this.low ^ state.low) >>> 0, (this.high ^ state.high) & upperBits];
    const key = high * twoTo32 + low;
    if (this.seen.has(key)) return false;
    this.seen.add(key);
    return true;
  }
}

/** What takes an operation back. */
interface Undo {
  readonly request: KvRequest;
  readonly effect: Effect;
  readonly revision: number;
  readonly compactRevision: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The store in the midst of a search: operations are done and taken back in place. `low` and `high` are a
 * hash of all that is in it, changed with each key: equal states have equal ones.
 */
class State {
  readonly model = new KvModel(false);
  low = 0;
  high = 0;
  private readonly seed: number;
  private readonly numbers = new Map<string | bigint, number>();

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Does an operation; null, and nothing is done, where it cannot have had its answer here. */
  step({ request, answer, revision }: Operation): Undo | null {
    const { model, low, high } = this;
    const before = { revision: model.revision, compactRevision: model.compactRevision, low, high };
    const effect = model.apply(request);
    const undo = { request, effect, ...before };
    const isPossible =
      answer === null
        ? // one of which nobody has heard and that changes nothing might as well never have been
          effect.answer !== null && effect.changes.length > 0
        : effect.answer === answer && (revision === null || revision === model.revision);
    if (!isPossible) {
      this.undo(undo);
      return null;
    }
    if (!isRead(request)) this.note(undo);
    return undo;
  }

  undo({ request, effect, revision, compactRevision, low, high }: Undo): void {
    const { model } = this;
    for (let i = effect.changes.length - 1; i >= 0; i--) {
      const { key, before } = effect.changes[i];
      if (before === null) model.pairs.delete(key);
      else model.pairs.set(key, before);
    }
    if (effect.answer !== null && request.kind === 'grant') model.leases.delete(request.id);
    if (effect.answer !== null && request.kind === 'revoke') model.leases.add(request.id);
    [model.revision, model.compactRevision, this.low, this.high] = [revision, compactRevision, low, high];
  }

  private note({ request, effect, revision, compactRevision }: Undo): void {
    const { model } = this;
    for (const { before, after } of effect.changes) {
      if (before !== null) this.mixPair(before);
      if (after !== null) this.mixPair(after);
    }
    this.mix(1, [revision, compactRevision]);
    this.mix(1, [model.revision, model.compactRevision]);
    const isLease = request.kind === 'grant' || request.kind === 'revoke';
    if (isLease && effect.answer !== null) this.mix(2, [this.number(request.id)]);
  }

  private mixPair({ key, value, create, mod, version, lease }: Pair): void {
    this.mix(3, [this.number(key), this.number(value), create, mod, version, this.number(lease)]);
  }

  /** Each text is hashed once, by the map: then a number stands for it. */
  private number(text: string | bigint): number {
    if (text === 0n) return 0;
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    this.numbers.set(text, this.numbers.size + 1);
    return this.numbers.size;
  }

  /** Two words over some integers, into the hash or out of it. */
  private mix(kind: number, numbers: readonly number[]): void {
    let [a, b] = [Math.imul(this.seed, 0x9e3779b1) ^ kind, Math.imul(this.seed, 0x85ebca6b) + kind];
    for (const number of numbers) {
      a = Math.imul(a ^ number, 0xcc9e2d51);
      a = (a << 15) | (a >>> 17);
      b = Math.imul((b + number) | 0, 0x1b873593);
      b ^= b >>> 13;
    }
    this.low = (this.low ^ mixed(a)) >>> 0;
    this.high = (this.high ^ mixed(b)) >>> 0;
  }
}

/** The last mixing of MurmurHash3. */
function mixed(word: number): number {
  const first = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return second ^ (second >>> 16);
}

/** Where a search stands: the calls that were chosen, and what was the next to try before each. */
interface Choice {
  readonly undo: Undo;
  /** The call that was chosen; null for an unknown request. */
  readonly call: Node | null;
  readonly operation: number;
}

class Search {
  private readonly operations: readonly Operation[];
  /** Requests that may have happened or not; those after `#known` places. */
  private readonly unknown: readonly number[];
  private readonly head: Node;
  private readonly memo: Memo;
  private readonly stack: Choice[] = [];
  private readonly used = new Set<number>();
  private readonly state: State;
  /** The next to try: a call in the list, then the unknown requests by their place. */
  private at: Node | null;
  private place = 0;
  private untilUs = Infinity;
  /** The longest order so far, and how much of it is what the stack holds. */
  private readonly longestFound: number[] = [];
  private shared = 0;

  constructor(history: readonly Operation[], seed: number) {
    const operations = players(history);
    const known = operations.filter(({ answer }) => answer !== null);
    const unknown = operations.filter(({ answer }) => answer === null);
    this.operations = [...known, ...unknown.sort((a, b) => a.callUs - b.callUs)];
    this.unknown = unknown.map((_, i) => known.length + i);
    this.head = listOf(known);
    this.memo = new Memo(operations.length, seed);
    this.state = new State(seed);
    this.at = this.head.after;
  }

  /** Tries one operation, or takes the last choice back. @returns the verdict, once there is one */
  step(): Verdict['kind'] | null {
    if (this.head.after === null) return 'linearizable';
    if (this.at !== null) {
      const call = this.at;
      if (call.match === null) {
        // whatever comes now must come before this return
        this.untilUs = this.operations[call.operation].returnUs;
        this.at = null;
        this.place = 0;
      } else if (!this.try(call, call.operation)) this.at = call.after;
      return null;
    }
    const operation = this.unknown[this.place++];
    if (operation === undefined || this.operations[operation].callUs > this.untilUs) return this.back();
    if (!this.used.has(operation)) this.try(null, operation);
    return null;
  }

  order(): Operation[] {
    return this.stack.map(({ operation }) => this.operations[operation]);
  }

  get longest(): Operation[] {
    return this.longestFound.map((operation) => this.operations[operation]);
  }

  private try(call: Node | null, operation: number): boolean {
    const undo = this.state.step(this.operations[operation]);
    if (undo === null) return false;
    this.memo.toggle(operation);
    if (!this.memo.isNew(this.state)) {
      this.memo.toggle(operation);
      this.state.undo(undo);
      return false;
    }
    this.stack.push({ undo, call, operation });
    if (call === null) this.used.add(operation);
    else lift(call);
    this.at = this.head.after;
    this.place = 0;
    this.noteLongest();
    return true;
  }

  private noteLongest(): void {
    if (this.stack.length <= this.longestFound.length) return;
    this.longestFound.length = this.shared;
    while (this.shared < this.stack.length) this.longestFound.push(this.stack[this.shared++].operation);
  }

  private back(): Verdict['kind'] | null {
    const choice = this.stack.pop();
    if (choice === undefined) return 'contradictory';
    this.shared = Math.min(this.shared, this.stack.length);
    const { undo, call, operation } = choice;
    this.memo.toggle(operation);
    this.state.undo(undo);
    if (call !== null) {
      unlift(call);
      this.at = call.after;
      return null;
    }
    this.used.delete(operation);
    this.untilUs = this.firstReturn();
    this.at = null;
    this.place = this.unknown.indexOf(operation) + 1;
    return null;
  }

  private firstReturn(): number {
    let node = this.head.after;
    while (node !== null && node.match !== null) node = node.after;
    return node === null ? Infinity : this.operations[node.operation].returnUs;
  }
}

/**
 * Searches an order in which every operation has its answer, and none comes behind one that began after its
 * end. An unknown one may come at any time after its call, or never: it is tried where nothing else goes on.
 * @param budget the most steps
 */
export function search(history: readonly Operation[], budget: number, seed = 1): Verdict {
  const run = new Search(history, seed);
  for (let steps = 1; steps <= budget; steps++) {
    const kind = run.step();
    if (kind === 'linearizable') return { kind, order: run.order(), steps };
    if (kind !== null) return { kind, order: run.longest, steps };
  }
  return { kind: 'undecided', order: run.longest, steps: budget };
}
