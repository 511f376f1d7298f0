/** Flags and arguments of a command line, told apart as etcdctl's flag library does. */
import type { Flag } from './grammar.ts';
import { absentFlags } from './grammar.ts';
import { nearest } from './nearest.ts';

export interface FlagValues {
  readonly args: readonly string[];
  /** The flags that were given, by name: `true` and `false` for bools, a decimal number for ints. */
  readonly given: ReadonlyMap<string, string>;
}

export type ParsedFlags = ({ readonly ok: true } & FlagValues) | FlagError;

export interface FlagError {
  readonly ok: false;
  /** In etcdctl's words. */
  readonly message: string;
  /** What to do; '' where the message says it. */
  readonly hint: string;
}

const truths: readonly string[] = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const untruths: readonly string[] = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/** A value as `given` holds it, or what Go's parser says against it. */
function readValue(flag: Flag, value: string): { ok: true; value: string } | { ok: false; reason: string } {
  if (flag.kind === 'bool') {
    if (truths.includes(value)) return { ok: true, value: 'true' };
    if (untruths.includes(value)) return { ok: true, value: 'false' };
    return { ok: false, reason: `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax` };
  }
  if (flag.kind === 'int') {
    const parsing = `strconv.ParseInt: parsing ${JSON.stringify(value)}`;
    if (!/^[+-]?\d+$/.test(value)) return { ok: false, reason: `${parsing}: invalid syntax` };
    if (!Number.isSafeInteger(Number(value))) return { ok: false, reason: `${parsing}: value out of range` };
    return { ok: true, value: String(Number(value)) };
  }
  return { ok: true, value };
}

function unknownFlag(shown: string, name: string, flags: readonly Flag[]): FlagError {
  const message = shown.startsWith('--')
    ? `unknown flag: ${shown}`
    : `unknown shorthand flag: '${name}' in ${shown}`;
  const near = nearest(
    name,
    flags.map((flag) => flag.name),
  );
  if (Object.hasOwn(absentFlags, name))
    return { ok: false, message, hint: `etcdctl has --${name}; this lab does not. ${absentFlags[name]}` };
  if (shown.startsWith('--') && near !== null) return { ok: false, message, hint: `Did you mean --${near}?` };
  const known = flags.map((flag) => `--${flag.name}`).join(' ');
  const dashed = 'Put -- before a key or value that begins with a dash.';
  return { ok: false, message, hint: `Known here: ${known}. ${dashed}` };
}

/** The flag that a word names and the value joined to it, if any. */
function readFlagWord(
  word: string,
  flags: readonly Flag[],
): { flag: Flag; joined: string | null } | FlagError {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const flag = flags.find((known) => known.name === name);
    if (flag === undefined) return unknownFlag(`--${name}`, name, flags);
    return { flag, joined: equals < 0 ? null : word.slice(equals + 1) };
  }
  const flag = flags.find((known) => known.short === word[1]);
  if (flag === undefined) return unknownFlag(word, word[1], flags);
  const rest = word[2] === '=' ? word.slice(3) : word.slice(2);
  return { flag, joined: word.length > 2 ? rest : null };
}

/**
 * Tells flags from arguments. Flags may stand anywhere before `--`: `--name`, `--name=value`, `--name value`
 * (not for bools), `-w value`, `-wvalue`. A repeated list adds to it; of other flags the last one counts.
 * @source spf13/pflag flag.go parseArgs, by the messages that etcdctl 3.4.23 prints
 */
export function parseFlags(words: readonly string[], flags: readonly Flag[]): ParsedFlags {
  const args: string[] = [];
  const given = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === '--') {
      args.push(...words.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      args.push(word);
      continue;
    }
    const read = readFlagWord(word, flags);
    if ('ok' in read) return read;
    const { flag } = read;
    let text = read.joined ?? (flag.kind === 'bool' ? 'true' : null);
    if (text === null && i + 1 < words.length) text = words[++i];
    const shown = flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
    if (text === null) {
      const message = word.startsWith('--')
        ? `flag needs an argument: ${word}`
        : `flag needs an argument: '${word[1]}' in ${word}`;
      return { ok: false, message, hint: flag.help === '' ? '' : `--${flag.name}: ${flag.help}.` };
    }
    const value = readValue(flag, text);
    if (!value.ok) {
      const message = `invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${value.reason}`;
      return { ok: false, message, hint: `--${flag.name}: ${flag.help}.` };
    }
    const earlier = flag.kind === 'list' ? given.get(flag.name) : undefined;
    given.set(flag.name, earlier === undefined ? value.value : `${earlier},${value.value}`);
  }
  return { ok: true, args, given };
}
