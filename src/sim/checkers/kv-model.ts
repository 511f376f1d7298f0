/** What etcd's store does, in the plainest words that there are: a map, a revision, and leases. */
import { covers, pairText } from './kv-request.ts';
import type { ByteText, Comparison, Keys, KvRequest, Pair, Step } from './kv-request.ts';

/** A change of one key. `value` null: it is deleted. `before`: what it was. */
export interface Change {
  readonly key: ByteText;
  readonly after: Pair | null;
  readonly before: Pair | null;
}

/** What a request does: the answer as `answerText` words it; null for one that the store refuses. */
export interface Effect {
  readonly answer: string | null;
  readonly changes: readonly Change[];
}

/** What is refused does nothing. */
export const refused: Effect = { answer: null, changes: [] };

/** A member that is in the midst of a request sees its own changes: `pairs` is changed in place. */
export class KvModel {
  revision = 1;
  compactRevision = -1;
  pairs: Map<ByteText, Pair>;
  leases: Set<bigint>;
  /** All that keys were, for reads of old revisions; null where those are not asked for. */
  private readonly past: Map<ByteText, { readonly at: number; readonly pair: Pair | null }[]> | null;

  constructor(keepsPast: boolean) {
    this.pairs = new Map();
    this.leases = new Set();
    this.past = keepsPast ? new Map() : null;
  }

  /** Does a request. What is refused changes nothing. */
  apply(request: KvRequest): Effect {
    switch (request.kind) {
      case 'grant':
        if (request.id !== 0n && this.leases.has(request.id)) return refused;
        if (request.id !== 0n) this.leases.add(request.id);
        return { answer: 'done', changes: [] };
      case 'revoke':
        return this.revoke(request.id);
      case 'compact':
        if (request.revision <= this.compactRevision || request.revision > this.revision) return refused;
        this.compactRevision = request.revision;
        return { answer: 'done', changes: [] };
      case 'txn':
        return this.txn(request);
      case 'put':
        return this.isAllowed(request) ? this.putAlone(request) : refused;
      default:
        if (!this.isAllowed(request)) return refused;
        return this.all([request], ([answer]) => answer);
    }
  }

  /** The pairs of a range in the order of their keys, at the present. */
  range(keys: Keys): Pair[] {
    if (keys.end === null) {
      const pair = this.pairs.get(keys.key);
      return pair === undefined ? [] : [pair];
    }
    const found = [...this.pairs.values()].filter(({ key }) => covers(keys, key));
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** All pairs as they were at a revision, in the order of their keys. */
  pairsAt(revision: number): Pair[] {
    return this.rangeAt({ key: '', end: '', revision });
  }

  private revoke(id: bigint): Effect {
    if (!this.leases.has(id)) return refused;
    const held = [...this.pairs.values()].filter(({ lease }) => lease === id);
    this.leases.delete(id);
    const changes: Change[] = [];
    for (const { key } of held.sort((a, b) => (a.key < b.key ? -1 : 1))) this.set(key, null, changes);
    if (changes.length > 0) this.revision++;
    return { answer: 'done', changes };
  }

  private txn({ compares, success, failure }: Extract<KvRequest, { kind: 'txn' }>): Effect {
    const succeeded = compares.every((compare) => this.holds(compare));
    const steps = succeeded ? success : failure;
    if (!steps.every((step) => this.isAllowed(step))) return refused;
    return this.all(steps, (answers) => `${succeeded} [${answers.join('; ')}]`);
  }

  /** As `all` of this one step, which most requests are. */
  private putAlone(step: Extract<Step, { kind: 'put' }>): Effect {
    const changes: Change[] = [];
    const answer = this.put(step, changes);
    this.revision++;
    return { answer, changes };
  }

  private all(steps: readonly Step[], word: (answers: readonly string[]) => string): Effect {
    const changes: Change[] = [];
    const answers = steps.map((step) => this.step(step, changes));
    if (changes.length > 0) this.revision++;
    return { answer: word(answers), changes };
  }

  private isAllowed(step: Step): boolean {
    if (step.kind === 'delete') return true;
    if (step.kind === 'range')
      return step.revision <= this.revision && step.revision >= this.firstReadable(step);
    if (step.lease !== 0n && !this.leases.has(step.lease)) return false;
    return !(step.keepsValue || step.keepsLease) || this.pairs.has(step.key);
  }

  private firstReadable({ revision }: { readonly revision: number }): number {
    return revision === 0 ? 0 : this.compactRevision;
  }

  private step(step: Step, changes: Change[]): string {
    if (step.kind === 'put') return this.put(step, changes);
    if (step.kind === 'delete') {
      const found = this.range(step);
      for (const { key } of found) this.set(key, null, changes);
      return `del ${found.length} ${step.prevKv ? found.map(pairText).join(', ') : ''}`;
    }
    const found = step.revision === 0 ? this.range(step) : this.rangeAt(step);
    if (step.countOnly) return `get ${found.length} `;
    const taken = step.limit > 0 ? found.slice(0, step.limit) : found;
    const shown = step.keysOnly ? taken.map((pair) => ({ ...pair, value: '' })) : taken;
    return `get ${found.length} ${shown.map(pairText).join(', ')}`;
  }

  private put(step: Extract<Step, { kind: 'put' }>, changes: Change[]): string {
    const before = this.pairs.get(step.key);
    const next = this.revision + 1;
    const pair: Pair = {
      key: step.key,
      value: step.keepsValue && before !== undefined ? before.value : step.value,
      create: before?.create ?? next,
      mod: next,
      version: (before?.version ?? 0) + 1,
      lease: step.keepsLease && before !== undefined ? before.lease : step.lease,
    };
    this.set(step.key, pair, changes);
    return `put ${step.prevKv && before !== undefined ? pairText(before) : ''}`;
  }

  private set(key: ByteText, after: Pair | null, changes: Change[]): void {
    changes.push({ key, after, before: this.pairs.get(key) ?? null });
    if (after === null) this.pairs.delete(key);
    else this.pairs.set(key, after);
    const past = this.past?.get(key);
    const entry = { at: this.revision + 1, pair: after };
    if (past === undefined) this.past?.set(key, [entry]);
    else past.push(entry);
  }

  private rangeAt(step: Keys & { readonly revision: number }): Pair[] {
    const found: Pair[] = [];
    for (const [key, past] of this.past ?? []) {
      if (!covers(step, key)) continue;
      const pair = past.findLast(({ at }) => at <= step.revision)?.pair ?? null;
      if (pair !== null) found.push(pair);
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** A range of keys must hold for each; of one that is not there only its numbers, all 0, can be asked. */
  private holds(compare: Comparison): boolean {
    const found = this.range(compare);
    if (found.length > 0) return found.every((pair) => matches(compare, pair));
    if (compare.target === 'value') return false;
    return matches(compare, { key: '', value: '', create: 0, mod: 0, version: 0, lease: 0n });
  }
}

function matches({ target, result, operand }: Comparison, pair: Pair): boolean {
  const actual = pair[target];
  const order = typeof actual === 'string' ? compare(actual, operand) : compare(BigInt(actual), operand);
  switch (result) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    default:
      return result satisfies never;
  }
}

const compare = <Value>(a: Value, b: unknown): number => (a === b ? 0 : a < (b as Value) ? -1 : 1);
