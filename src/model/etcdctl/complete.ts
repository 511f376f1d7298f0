/** Completion of the console's line: the words that may stand at the cursor. */
import { commands, flagsOf } from './grammar.ts';
import type { Command, Flag } from './grammar.ts';
import { loadNames } from './lab-actions.ts';
import { bugWords, hostWords, mistakeWords } from './shelf-names.ts';
import { splitWords } from './words.ts';

export interface Completion {
  /** The part of the line that a candidate replaces: characters from `from` up to, not including, `to`. */
  readonly from: number;
  readonly to: number;
  /** Whole words; sorted as the grammar has them. Empty where nothing is known. */
  readonly candidates: readonly string[];
}

/** The flag whose value the cursor is on: `--name value` or, joined, `--name=value`. */
function flagBefore(word: string, flags: readonly Flag[]): Flag | undefined {
  return flags.find(
    (flag) => flag.kind !== 'bool' && (word === `--${flag.name}` || word === `-${flag.short}`),
  );
}

function memberNames(memberCount: number): string[] {
  return Array.from({ length: memberCount }, (_, index) => `m${index + 1}`);
}

/** What may stand for a flag's value; for lists the next item, after the items that stand already. */
function valuesOf(flag: Flag, begun: string, memberCount: number): string[] {
  if (flag.name !== 'endpoints') return [...(flag.values ?? [])];
  const items = begun.split(',');
  const standing = items.slice(0, -1);
  const left = memberNames(memberCount).filter((name) => !standing.includes(name));
  return left.map((name) => [...standing, name].join(','));
}

/** The command that the words before the cursor name; null while it is not yet clear. */
function commandIn(words: readonly string[]): Command | null {
  const plain = words.filter((word) => !word.startsWith('-'));
  const found = commands.find((command) => {
    const parts = command.name.split(' ');
    return parts.every((part, index) => plain[index] === part);
  });
  return found ?? null;
}

function firstWords(before: readonly string[]): string[] {
  const plain = before.filter((word) => !word.startsWith('-'));
  const parts = commands.map((command) => command.name.split(' '));
  const fitting = parts.filter((words) => plain.every((word, index) => words[index] === word));
  return [...new Set(fitting.map((words) => words[plain.length]).filter((word) => word !== undefined))];
}

function argumentsOf(command: Command, memberCount: number): string[] {
  if (command.takes === 'topic') return [...new Set(commands.map(({ name }) => name.split(' ')[0]))];
  if (command.takes === 'loads') return [...loadNames];
  if (command.takes === 'mistakes') return [...mistakeWords, ...memberNames(memberCount)];
  if (command.takes === 'hosts') return [...hostWords, ...memberNames(memberCount), 'all'];
  if (command.takes === 'bugs') return [...bugWords];
  if (command.takes !== 'members') return [];
  const names = [...memberNames(memberCount), 'leader'];
  if (command.name === 'link') return [...names, 'off'];
  if (command.name === 'slow-disk') return [...names, 'all', 'x10', 'off'];
  return command.name === 'cut' ? names : [...names, 'all'];
}

function candidatesFor(before: readonly string[], begun: string, memberCount: number): string[] {
  const command = commandIn(before);
  const flags = command === null ? flagsOf(commands[0]) : flagsOf(command);
  const flag = flagBefore(before.at(-1) ?? '', flags);
  if (flag !== undefined) return valuesOf(flag, begun, memberCount);
  const joined = /^--([a-z-]+)=(.*)$/.exec(begun);
  if (joined !== null) {
    const named = flags.find((candidate) => candidate.name === joined[1]);
    return named === undefined
      ? []
      : valuesOf(named, joined[2], memberCount).map((value) => `--${named.name}=${value}`);
  }
  if (before.includes('--')) return [];
  if (begun.startsWith('-')) return flags.map((candidate) => `--${candidate.name}`);
  return command === null ? firstWords(before) : argumentsOf(command, memberCount);
}

/**
 * What may stand at the cursor, which is `at` characters into the line: commands, flags, their values,
 * members, topics of help. Keys are not completed.
 */
export function complete(line: string, at: number, memberCount: number): Completion {
  const before = line.slice(0, at);
  const { words } = splitWords(before);
  const onWord = words.length > 0 && words[words.length - 1].end === at;
  const current = onWord ? words[words.length - 1] : { text: '', start: at, end: at };
  const standing = (onWord ? words.slice(0, -1) : words).map((word) => word.text);
  const own = standing[0] === 'etcdctl' ? standing.slice(1) : standing;
  const all = candidatesFor(own, current.text, memberCount);
  const candidates = all.filter(
    (candidate) => candidate.startsWith(current.text) && candidate !== current.text,
  );
  return { from: current.start, to: at, candidates };
}

/** The longest text that all candidates begin with; '' without candidates. */
export function commonStart(candidates: readonly string[]): string {
  let shared = candidates[0] ?? '';
  for (const candidate of candidates) {
    while (!candidate.startsWith(shared)) shared = shared.slice(0, -1);
  }
  return shared;
}

/** What may stand at the cursor of a line that a command reads: one of its words, then that word's own. */
export function completeFirst(line: string, at: number, words: readonly string[]): Completion {
  const begun = line.slice(0, at);
  if (/\s/.test(begun)) return complete(line, at, 0);
  const candidates = words.filter((word) => word.startsWith(begun) && word !== begun);
  return { from: 0, to: at, candidates };
}
