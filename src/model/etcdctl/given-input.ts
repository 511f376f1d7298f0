/** What a shell's `<<<` and `<<` give a command to read. */
import type { GivenInput } from './parsed-line.ts';
import { splitWords } from './words.ts';

/** Where `<<` stands outside quotes; -1 where it does not. */
function findInput(line: string): number {
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const character = line[at];
    if (quote === '' && line.startsWith('<<', at)) return at;
    if (character === '\\' && quote !== "'") at++;
    else if (quote === character) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
  }
  return -1;
}

/** A word in `$'...'` has escapes. */
const unescape = (text: string): string => text.replaceAll('\\n', '\n').replaceAll('\\t', '\t');

/**
 * Takes a here-string, `<<< 'text'` (or `$'text\n'`), or the beginning of a here-document, `<<EOF`, off the
 * end of a line. Any other line is left as it is.
 */
export function takeInput(line: string): { readonly command: string; readonly input: GivenInput | null } {
  const at = findInput(line);
  if (at < 0) return { command: line, input: null };
  const isText = line[at + 2] === '<';
  const rest = line.slice(at + (isText ? 3 : 2)).trim();
  const isEscaped = rest.startsWith("$'") || rest.startsWith('$"');
  const split = splitWords(isEscaped ? rest.slice(1).replaceAll("\\'", '\\u0027') : rest);
  if (!split.ok || split.words.length !== 1) return { command: line, input: null };
  const [{ text }] = split.words;
  const command = line.slice(0, at);
  if (!isText) return { command, input: { until: text } };
  return { command, input: { text: `${isEscaped ? unescape(text).replaceAll('\\u0027', "'") : text}\n` } };
}
