/** A line of text as shell words: quotes and backslashes as in a POSIX shell; nothing is ever expanded. */

/** A word, unquoted, and where it stands in the line: characters from `start` up to, not including, `end`. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export type SplitLine =
  | { readonly ok: true; readonly words: readonly Word[] }
  /** What was left open at the line's end. `column` counts characters from 1. */
  | {
      readonly ok: false;
      readonly open: '"' | "'" | '\\';
      readonly column: number;
      readonly words: readonly Word[];
    };

/** Inside double quotes a backslash takes its meaning from these only; before others it stands for itself. */
const escapedInDouble = '"\\$`';

/** Reads a quoted part that opens at `at`; `next` is after the closing quote, or null where there is none. */
function readQuoted(line: string, at: number): { text: string; next: number | null } {
  const quote = line[at];
  let text = '';
  for (let i = at + 1; i < line.length; i++) {
    if (line[i] === quote) return { text, next: i + 1 };
    const escapes = quote === '"' && line[i] === '\\' && i + 1 < line.length;
    if (escapes && escapedInDouble.includes(line[i + 1])) i++;
    text += line[i];
  }
  return { text, next: null };
}

/**
 * Splits a line into words. Single quotes keep everything; double quotes let a backslash escape `"`, `\`, `$`
 * and the backtick; outside quotes a backslash escapes any character. Where something is left open, `words`
 * still ends with the unfinished word, for completion.
 */
export function splitWords(line: string): SplitLine {
  const words: Word[] = [];
  let start = -1;
  let text = '';
  const close = (end: number): void => {
    if (start >= 0) words.push({ text, start, end });
    start = -1;
    text = '';
  };
  for (let at = 0; at < line.length;) {
    const character = line[at];
    if (/\s/.test(character)) {
      close(at++);
      continue;
    }
    if (start < 0) start = at;
    if (character === '"' || character === "'") {
      const quoted = readQuoted(line, at);
      text += quoted.text;
      if (quoted.next === null) {
        close(line.length);
        return { ok: false, open: character, column: at + 1, words };
      }
      at = quoted.next;
    } else if (character === '\\') {
      if (at + 1 === line.length) {
        close(line.length);
        return { ok: false, open: '\\', column: at + 1, words };
      }
      text += line[at + 1];
      at += 2;
    } else {
      text += character;
      at++;
    }
  }
  close(line.length);
  return { ok: true, words };
}

/** A text as one word of a line: as it is where that is safe, else in single quotes. */
export function quoteWord(text: string): string {
  if (/^[\p{L}\p{N}_@%+=:,./-]+$/u.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
