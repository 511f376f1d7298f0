/** A txn as it is read line by line: what is compared, what is done then, and what else. */
import { keyAction } from './client-action.ts';
import { parseFlags } from './flags.ts';
import { argify } from './go-text.ts';
import { commands } from './grammar.ts';
import { lineError } from './parsed-line.ts';
import { parseCompare } from './txn-compare.ts';
import type { TxnCompare, TxnOp } from '../../sim/etcd-actions.ts';
import type { LineError } from './parsed-line.ts';

export interface TxnParts {
  readonly type: 'txn';
  readonly compares: readonly TxnCompare[];
  readonly success: readonly TxnOp[];
  readonly failure: readonly TxnOp[];
}

export type TxnTaken =
  | { readonly kind: 'more'; readonly notes: readonly string[] }
  | { readonly kind: 'ready'; readonly txn: TxnParts }
  | LineError;

/** What etcdctl asks for before each part, and what the console's prompt says. */
const parts = [
  { prompt: 'compares:', name: 'compares', words: ['mod(', 'create(', 'version(', 'value(', 'lease('] },
  { prompt: 'success requests (get, put, del):', name: 'success requests', words: ['get', 'put', 'del'] },
  { prompt: 'failure requests (get, put, del):', name: 'failure requests', words: ['get', 'put', 'del'] },
] as const;

/** @source etcd v3.4.23 etcdctl txn_command.go readCompares, readOps; each part ends with an empty line */
export class TxnReader {
  readonly #compares: TxnCompare[] = [];
  readonly #ops: readonly [TxnOp[], TxnOp[]] = [[], []];
  #part: 0 | 1 | 2 = 0;

  /** What etcdctl prints at the beginning of the present part, when it asks. */
  get prompt(): string {
    return parts[this.#part].prompt;
  }

  /** Which part is read. */
  get partName(): string {
    return parts[this.#part].name;
  }

  /** What a line of the part may begin with. */
  get words(): readonly string[] {
    return parts[this.#part].words;
  }

  take(typed: string): TxnTaken {
    const line = typed.trim();
    if (line === '') return this.#endPart();
    if (this.#part === 0) {
      const compare = parseCompare(line);
      if ('kind' in compare) return compare;
      this.#compares.push(compare);
      return { kind: 'more', notes: [] };
    }
    const read = parseOp(line);
    if ('kind' in read) return read;
    this.#ops[this.#part - 1].push(read.op);
    return { kind: 'more', notes: read.notes };
  }

  #endPart(): TxnTaken {
    if (this.#part < 2) {
      this.#part++;
      return { kind: 'more', notes: [] };
    }
    const [success, failure] = this.#ops;
    return { kind: 'ready', txn: { type: 'txn', compares: this.#compares, success, failure } };
  }
}

const opNames = ['put', 'get', 'del'] as const;

/** @source etcd v3.4.23 etcdctl txn_command.go parseRequestUnion */
function parseOp(line: string): { op: TxnOp; notes: readonly string[] } | LineError {
  const read = argify(line);
  if (read === null) {
    return lineError(`invalid txn request: ${line}`, 'Write "double quotes" around text with spaces.');
  }
  const [first, ...rest] = read.words;
  if (read.words.length < 2) return lineError(`invalid txn compare request: ${line}`, '');
  const name = opNames.find((known) => known === first);
  const command = commands.find((known) => known.name === name);
  if (name === undefined || command === undefined) {
    return lineError(`invalid txn request: ${line}`, 'It is put, get or del.');
  }
  const flags = parseFlags(rest, command.flags);
  if (!flags.ok) return lineError(`invalid txn request: ${line}`, `${flags.message}. ${flags.hint}`.trim());
  const op = keyAction(name, flags, 'txn');
  if ('kind' in op) return op;
  const cut = read.cut.map(
    (word) => `etcdctl 3.4 cuts ${word}, which is in single quotes: write "double quotes".`,
  );
  return { op, notes: cut };
}
