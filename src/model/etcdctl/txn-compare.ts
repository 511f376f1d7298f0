/** One comparison of a txn, as etcdctl reads it from its input. */
import { quoteGo, scanQuoted } from './go-text.ts';
import { lineError } from './parsed-line.ts';
import type { TxnCompare } from '../../sim/etcd-actions.ts';
import type { LineError } from './parsed-line.ts';

const targets: Readonly<Record<string, TxnCompare['target']>> = {
  ver: 'version',
  version: 'version',
  c: 'create',
  create: 'create',
  m: 'mod',
  mod: 'mod',
  val: 'value',
  value: 'value',
  lease: 'lease',
};
const results: readonly string[] = ['=', '!=', '<', '>'] satisfies TxnCompare['result'][];
const shape = 'For example: mod("greeting") > "0"';

interface Parts {
  readonly key: string;
  readonly op: string;
  readonly value: string;
  /** How many of them were read. */
  readonly count: number;
}

const skipSpaces = (text: string, at: number): number => at + /^\s*/.exec(text.slice(at))![0].length;

/** Scans `"key") op "value"`; what follows is not looked at. @source Go fmt.Sscanf of `%q) %s %q` */
function scanParts(text: string): Parts {
  const none: Parts = { key: '', op: '', value: '', count: 0 };
  const key = scanQuoted(text, skipSpaces(text, 0));
  if (!key.ok) return none;
  const one = { ...none, key: key.text, count: 1 };
  if (text[key.next] !== ')' || !/^(\s|$)/.test(text.slice(key.next + 1))) return one;
  const from = skipSpaces(text, key.next + 1);
  const op = /^\S*/.exec(text.slice(from))![0];
  if (op === '') return one;
  const two = { ...one, op, count: 2 };
  const value = scanQuoted(text, skipSpaces(text, from + op.length));
  return value.ok ? { ...two, value: value.text, count: 3 } : two;
}

/** A lease's id is a decimal number; one with letters is taken as hexadecimal, as ids are printed. */
function numberOf(target: TxnCompare['target'], text: string): string | null {
  const isHex = target === 'lease' && /^[0-9a-f]{1,16}$/i.test(text) && /[a-f]/i.test(text);
  if (!isHex && !/^[+-]?\d{1,19}$/.test(text)) return null;
  const value = isHex ? BigInt.asIntN(64, BigInt(`0x${text}`)) : BigInt(text.replace(/^\+/, ''));
  return BigInt.asIntN(64, value) === value ? String(value) : null;
}

/**
 * Where etcdctl 3.4 stops with a panic, an operator that is none or the compare of a lease, the first is
 * refused and the second done.
 * @source etcd v3.4.23 etcdctl txn_command.go parseCompare
 */
export function parseCompare(line: string): TxnCompare | LineError {
  const open = line.indexOf('(');
  if (open < 0) return lineError(`malformed comparison: ${line}`, shape);
  const { key, op, value, count } = scanParts(line.slice(open + 1));
  const name = line.slice(0, open);
  if (count < 3) {
    const got = `got ${name}(${quoteGo(key)}) ${op} ${quoteGo(value)}`;
    return lineError(`malformed comparison: ${line}; ${got}`, shape);
  }
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
  if (target === undefined) {
    return lineError(
      `malformed comparison: ${line} (unknown target ${name})`,
      'It is create, mod, version, value or lease.',
    );
  }
  if (!results.includes(op)) return lineError('Unknown result op', 'It is =, !=, < or >.');
  const result = op as TxnCompare['result'];
  if (target === 'value') return { target, key, result, value };
  const number = numberOf(target, value);
  if (number === null)
    return lineError(`invalid txn compare request: ${line}`, 'It takes a number, in quotes.');
  return { target, key, result, value: number };
}
