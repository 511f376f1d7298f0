/** Lines about the shelf: `host spinning-disk m2`, `mistake compact-now`, `plant halfIsQuorum`. */
import type { FlagValues } from './flags.ts';
import { readMember, readMembers } from './member-words.ts';
import { nearest } from './nearest.ts';
import { lineError } from './parsed-line.ts';
import type { ConsoleContext, LineError, ParsedLine } from './parsed-line.ts';
import { bugNamed, bugWords, hostNamed, hostWords, mistakeNamed, mistakeWords } from './shelf-names.ts';

function unknown(what: string, word: string | undefined, words: readonly string[]): LineError {
  const all = `There are: ${words.join(', ')}.`;
  if (word === undefined) return lineError(`${what} needs a name`, all);
  const near = nearest(word, words);
  return lineError(`no ${what} ${JSON.stringify(word)}`, near === null ? all : `Did you mean ${near}?`);
}

/** `host laptop m1 m2`, `host small all`. */
export function readHost({ args }: FlagValues, context: ConsoleContext): ParsedLine {
  const [word, ...rest] = args;
  const profile = hostNamed(word ?? '');
  if (profile === null) return unknown('host', word, hostWords);
  if (rest.length === 0) return lineError('host needs a member', `For example: host ${word} m2, or all`);
  const members = readMembers(rest, context);
  return 'kind' in members ? members : { kind: 'host', profile, members };
}

/** `mistake compact-now`, `mistake wipe-one-member m2`. */
export function readMistake({ args }: FlagValues, context: ConsoleContext): ParsedLine {
  const [word, whom, surplus] = args;
  const mistake = mistakeNamed(word ?? '');
  if (mistake === null) return unknown('mistake', word, mistakeWords);
  if (surplus !== undefined) return lineError('mistake takes one member', `For example: mistake ${word} m2`);
  const member = whom === undefined ? null : readMember(whom, context);
  return member !== null && typeof member !== 'number' ? member : { kind: 'mistake', mistake, member };
}

/** `plant halfIsQuorum`. */
export function readPlant({ args }: FlagValues): ParsedLine {
  const [word, surplus] = args;
  const bug = bugNamed(word ?? '');
  if (bug === null) return unknown('bug', word, bugWords);
  if (surplus !== undefined) return lineError('plant takes one bug', `For example: plant ${bug}`);
  return { kind: 'plant', bug };
}
