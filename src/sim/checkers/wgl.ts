/** Decides a history by search, after Wing, Gong and Lowe: it trusts no order but that of time. */
import { stream } from '../../base/prng.ts';
import { KvModel } from './kv-model.ts';
import { isRead, isSerializable } from './history.ts';
import { pairText } from './kv-request.ts';
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

/** Numbers for sets of operations: the exclusive or of a drawn number for each. */
class Memo {
  readonly #words: readonly (readonly [number, number])[];
  readonly #seen = new Set<string>();
  #low = 0;
  #high = 0;

  constructor(count: number, seed: number) {
    const draws = stream(seed, 'wgl');
    this.#words = Array.from({ length: count }, () => [draws.below(twoTo32 - 1), draws.below(twoTo32 - 1)]);
  }

  /** Puts an operation into the set, or takes it out. */
  toggle(operation: number): void {
    const [low, high] = this.#words[operation];
    this.#low = (this.#low ^ low) >>> 0;
    this.#high = (this.#high ^ high) >>> 0;
  }

  /** Whether this set was not met in this state before. */
  isNew(state: string): boolean {
    const key = `${this.#low} ${this.#high} ${state}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

/** A state as text: equal states have equal texts. */
function stateText(model: KvModel): string {
  const pairs = [...model.pairs.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const numbers = `${model.revision} ${model.compactRevision}`;
  return `${numbers} ${pairs.map(pairText).join(' ')} ${[...model.leases].join(' ')}`;
}

/** The state after an operation; null where it cannot have had its answer here. */
function step(model: KvModel, { request, answer, revision }: Operation): KvModel | null {
  if (isRead(request)) {
    if (revision !== null && revision !== model.revision) return null;
    return model.apply(request).answer === answer ? model : null;
  }
  const next = model.fork();
  const effect = next.apply(request);
  // one of which nobody has heard and that changes nothing might as well never have been
  if (answer === null) return effect.answer === null || effect.changes.length === 0 ? null : next;
  return effect.answer === answer && (revision === null || revision === next.revision) ? next : null;
}

/** Where a search stands: the calls that were chosen, and what was the next to try before each. */
interface Choice {
  readonly model: KvModel;
  /** The call that was chosen; null for an unknown request. */
  readonly call: Node | null;
  readonly operation: number;
}

class Search {
  readonly #operations: readonly Operation[];
  /** Requests that may have happened or not; those after `#known` places. */
  readonly #unknown: readonly number[];
  readonly #head: Node;
  readonly #memo: Memo;
  readonly #stack: Choice[] = [];
  readonly #used = new Set<number>();
  #model = new KvModel(false);
  /** The next to try: a call in the list, then the unknown requests by their place. */
  #at: Node | null;
  #place = 0;
  #untilUs = Infinity;
  longest: readonly Operation[] = [];

  constructor(history: readonly Operation[], seed: number) {
    const operations = players(history);
    const known = operations.filter(({ answer }) => answer !== null);
    const unknown = operations.filter(({ answer }) => answer === null);
    this.#operations = [...known, ...unknown.sort((a, b) => a.callUs - b.callUs)];
    this.#unknown = unknown.map((_, i) => known.length + i);
    this.#head = listOf(known);
    this.#memo = new Memo(operations.length, seed);
    this.#at = this.#head.after;
  }

  /** Tries one operation, or takes the last choice back. @returns the verdict, once there is one */
  step(): Verdict['kind'] | null {
    if (this.#head.after === null) return 'linearizable';
    if (this.#at !== null) {
      const call = this.#at;
      if (call.match === null) {
        // whatever comes now must come before this return
        this.#untilUs = this.#operations[call.operation].returnUs;
        this.#at = null;
        this.#place = 0;
      } else if (!this.#try(call, call.operation)) this.#at = call.after;
      return null;
    }
    const operation = this.#unknown[this.#place++];
    if (operation === undefined || this.#operations[operation].callUs > this.#untilUs) return this.#back();
    if (!this.#used.has(operation)) this.#try(null, operation);
    return null;
  }

  order(): Operation[] {
    return this.#stack.map(({ operation }) => this.#operations[operation]);
  }

  #try(call: Node | null, operation: number): boolean {
    const next = step(this.#model, this.#operations[operation]);
    if (next === null || !isFirst(this.#memo, operation, next)) return false;
    this.#stack.push({ model: this.#model, call, operation });
    this.#model = next;
    if (call === null) this.#used.add(operation);
    else lift(call);
    this.#at = this.#head.after;
    this.#place = 0;
    if (this.#stack.length > this.longest.length) this.longest = this.order();
    return true;
  }

  #back(): Verdict['kind'] | null {
    const choice = this.#stack.pop();
    if (choice === undefined) return 'contradictory';
    const { model, call, operation } = choice;
    this.#memo.toggle(operation);
    this.#model = model;
    if (call !== null) {
      unlift(call);
      this.#at = call.after;
      return null;
    }
    this.#used.delete(operation);
    this.#untilUs = this.#firstReturn();
    this.#at = null;
    this.#place = this.#unknown.indexOf(operation) + 1;
    return null;
  }

  #firstReturn(): number {
    let node = this.#head.after;
    while (node !== null && node.match !== null) node = node.after;
    return node === null ? Infinity : this.#operations[node.operation].returnUs;
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

function isFirst(memo: Memo, operation: number, next: KvModel): boolean {
  memo.toggle(operation);
  if (memo.isNew(stateText(next))) return true;
  memo.toggle(operation);
  return false;
}
