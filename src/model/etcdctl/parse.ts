/** The console's grammar: a line becomes a client's command, faults, a wish for help, or a clear error. */
import { askingOf, clientAction, tableRefusal } from './client-action.ts';
import { faultActions } from './fault-actions.ts';
import { parseFlags } from './flags.ts';
import { takeInput } from './given-input.ts';
import { absentCommands, commands, flagsOf, globalFlags, outputFormats } from './grammar.ts';
import type { FlagValues } from './flags.ts';
import type { Command, OutputFormat } from './grammar.ts';
import { nearest } from './nearest.ts';
import { lineError } from './parsed-line.ts';
import type { ConsoleContext, GivenInput, LineError, ParsedLine } from './parsed-line.ts';
import { execFault } from './watch-action.ts';
import { splitWords } from './words.ts';

const groups: readonly string[] = [
  'member',
  'endpoint',
  'lease',
  'alarm',
  'auth',
  'user',
  'role',
  'snapshot',
  'check',
];

/** The one known word that a word begins, as etcdctl completes commands; null where none or several do. */
function completeWord(word: string, known: readonly string[]): string | null {
  if (known.includes(word)) return word;
  const begun = known.filter((candidate) => candidate.startsWith(word));
  return begun.length === 1 ? begun[0] : null;
}

function unknownCommand(word: string, under: string, known: readonly string[]): LineError {
  const message = `unknown command ${JSON.stringify(word)} for "${under}"`;
  const near = nearest(word, known);
  if (near !== null) return lineError(message, `Did you mean ${JSON.stringify(near)}?`);
  return lineError(message, 'Try: help');
}

/** The command that the words name, and the words that are left for it: flags, then arguments. */
function findCommand(words: readonly string[]): { command: Command; rest: readonly string[] } | LineError {
  const at = commandWordAt(words, 0);
  if (at === null) return lineError('no command given', 'Try: help');
  const firsts = [...new Set(commands.map((command) => command.name.split(' ')[0]))];
  const first = completeWord(words[at], firsts);
  if (first === null) {
    if (Object.hasOwn(absentCommands, words[at])) return absentCommand(words[at]);
    return unknownCommand(words[at], 'etcdctl', firsts);
  }
  const withoutFirst = words.toSpliced(at, 1);
  if (!groups.includes(first)) return { command: commandNamed(first), rest: withoutFirst };
  const subAt = commandWordAt(withoutFirst, at);
  const subs = commands.map((command) => command.name).filter((name) => name.startsWith(`${first} `));
  const subWords = subs.map((name) => name.slice(first.length + 1));
  if (subAt === null) return lineError(`${first} needs a subcommand`, `Try: ${subs.join(', ')}`);
  const sub = completeWord(withoutFirst[subAt], subWords);
  const full = `${first} ${withoutFirst[subAt]}`;
  if (sub === null && Object.hasOwn(absentCommands, full)) return absentCommand(full);
  if (sub === null) return unknownCommand(withoutFirst[subAt], `etcdctl ${first}`, subWords);
  return { command: commandNamed(`${first} ${sub}`), rest: withoutFirst.toSpliced(subAt, 1) };
}

function absentCommand(name: string): LineError {
  return lineError(`"${name}" is not in this lab`, absentCommands[name]);
}

function commandNamed(name: string): Command {
  return commands.find((command) => command.name === name) as Command;
}

/** Where the next word stands that is neither a flag nor the value of a global one. */
function commandWordAt(words: readonly string[], from: number): number | null {
  for (let at = from; at < words.length; at++) {
    if (!words[at].startsWith('-')) return at;
    const takesNext = globalFlags.some(
      (flag) => flag.kind !== 'bool' && (words[at] === `--${flag.name}` || words[at] === `-${flag.short}`),
    );
    if (takesNext) at++;
  }
  return null;
}

/** Drops what people paste along: a prompt, etcdctl's environment, etcdctl itself. */
function withoutPrompt(words: readonly string[]): readonly string[] {
  let at = 0;
  if (words[at] === '$') at++;
  while (words[at]?.startsWith('ETCDCTL_API=')) at++;
  if (words[at] === 'etcdctl') at++;
  return words.slice(at);
}

function parseWords(words: readonly string[], context: ConsoleContext, input: GivenInput | null): ParsedLine {
  const wantsHelp = words.length > 0 && words.every((word) => word === '--help' || word === '-h');
  if (words.length === 0 || wantsHelp) return { kind: 'help', topic: '' };
  const found = findCommand(words);
  if ('kind' in found) return found;
  const { command } = found;
  const program = command.name === 'watch' ? execFault(found.rest) : null;
  const flags = parseFlags(found.rest, flagsOf(command));
  if (!flags.ok) return lineError(flags.message, flags.hint);
  if (flags.given.get('help') === 'true') return { kind: 'help', topic: command.name };
  if (program !== null) return program;
  if (command.name === 'version') return { kind: 'version' };
  if (command.name === 'help') return helpTopic(flags.args);
  if (command.origin === 'lab') return faultActions(command, flags, context);
  const format = flags.given.get('write-out') ?? 'simple';
  if (!isOutputFormat(format)) {
    const binary = format === 'protobuf' ? ' protobuf is bytes, which a page cannot show as text.' : '';
    return lineError('unsupported output format', `The lab prints ${outputFormats.join(', ')}.${binary}`);
  }
  const reads = command.name === 'txn' || (command.name === 'watch' && isInteractive(flags));
  if (reads) return readingLine(command, flags, format, input);
  if (input !== null)
    return lineError(`${command.name} reads no input here`, 'What reads it: txn, watch -i.');
  if (command.name === 'snapshot status' || command.name === 'snapshot restore') {
    return fileLine(command.name, flags, format);
  }
  return clientAction(command, flags, format);
}

const isInteractive = ({ given }: FlagValues): boolean => given.get('interactive') === 'true';

/** @source etcd v3.4.23 etcdctl txn_command.go txnCommandFunc, watch_command.go watchInteractiveFunc */
function readingLine(
  command: Command,
  flags: FlagValues,
  format: OutputFormat,
  input: GivenInput | null,
): ParsedLine {
  const what = command.name === 'txn' ? 'txn' : 'watch';
  if (what === 'txn' && flags.args.length > 0) {
    return lineError('txn command does not accept argument', 'Its lines come after it: help txn');
  }
  const refused = tableRefusal(command, format);
  if (refused !== null) return refused;
  const asking = askingOf(flags);
  if ('kind' in asking) return asking;
  const hex = flags.given.get('hex') === 'true';
  return { kind: 'reads', what, interactive: isInteractive(flags), format, hex, asking, input };
}

function fileLine(
  name: 'snapshot status' | 'snapshot restore',
  { args }: FlagValues,
  format: OutputFormat,
): ParsedLine {
  if (args.length !== 1) return lineError(`${name} requires exactly one argument`, 'For example: last');
  const [file] = args;
  return name === 'snapshot status'
    ? { kind: 'snapshotStatus', file, format }
    : { kind: 'snapshotRestore', file };
}

function isOutputFormat(text: string): text is OutputFormat {
  return outputFormats.includes(text as OutputFormat);
}

function helpTopic(args: readonly string[]): ParsedLine {
  if (args.length === 0) return { kind: 'help', topic: '' };
  if (args.length === 1 && groups.includes(args[0])) return { kind: 'help', topic: args[0] };
  const found = findCommand(args);
  return 'kind' in found ? found : { kind: 'help', topic: found.command.name };
}

const openNames = { '"': 'double quote', "'": 'single quote', '\\': 'backslash' } as const;

/**
 * Reads a line of the console. A leading `etcdctl` may stand or not; commands may be shortened as long as
 * they are told apart; nothing is run. The order of errors: quoting, command, flags, arguments.
 * @source etcd v3.4.23 etcdctl/ctlv3, for commands, flags and the words of its errors
 */
export function parseLine(line: string, context: ConsoleContext): ParsedLine {
  const { command, input } = takeInput(line);
  const split = splitWords(command);
  if (!split.ok) {
    const message = `unclosed ${openNames[split.open]} at column ${split.column}`;
    const close =
      split.open === '\\'
        ? 'Write \\\\ for a backslash.'
        : `Close it with ${split.open}, or write \\${split.open}.`;
    return lineError(message, close);
  }
  if (split.words.length === 0) return { kind: 'empty' };
  return parseWords(withoutPrompt(split.words.map((word) => word.text)), context, input);
}
