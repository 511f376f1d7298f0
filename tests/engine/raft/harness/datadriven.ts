/** The form of the scripts: blocks of a directive, optional input, `----` and the expected output. */

export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

export interface Block {
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly input: string;
  readonly expected: readonly string[];
}

/** Values of `(a, b, (c))`, split at commas outside inner parentheses. */
function splitValues(text: string): string[] {
  const values: string[] = [];
  let depth = 0;
  let value = '';
  for (const character of text) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === ',' && depth === 0) {
      values.push(value.trim());
      value = '';
    } else {
      value += character;
    }
  }
  return text === '' ? [] : [...values, value.trim()];
}

/** Where a value that starts at `at` ends: at a blank, or behind its closing parenthesis. */
function valueEnd(line: string, at: number): number {
  if (line[at] !== '(') {
    const blank = line.slice(at).search(/\s/);
    return blank < 0 ? line.length : at + blank;
  }
  let depth = 0;
  for (let end = at; end < line.length; end++) {
    if (line[end] === '(') depth++;
    if (line[end] === ')' && --depth === 0) return end + 1;
  }
  throw new Error(`parenthesis without end: ${line}`);
}

/** Splits `command key key=value key=(v1, v2)`; nothing is quoted. */
export function parseDirective(line: string): { command: string; args: Argument[] } {
  const command = line.match(/^\S+/)?.[0] ?? '';
  const args: Argument[] = [];
  for (let at = command.length; at < line.length;) {
    if (/\s/.test(line[at])) {
      at++;
      continue;
    }
    const key = line.slice(at).match(/^[^\s=]*/)?.[0] ?? '';
    at += key.length;
    if (line[at] !== '=') {
      args.push({ key, values: [] });
      continue;
    }
    const end = valueEnd(line, at + 1);
    const text = line.slice(at + 1, end);
    args.push({ key, values: text.startsWith('(') ? splitValues(text.slice(1, -1)) : [text] });
    at = end;
  }
  return { command, args };
}

class Reader {
  readonly #lines: readonly string[];
  at = 0;

  constructor(text: string) {
    this.#lines = text.replace(/\n$/, '').split('\n');
  }

  get done(): boolean {
    return this.at >= this.#lines.length;
  }

  next(): string {
    return this.#lines[this.at++] ?? '';
  }

  peek(): string | undefined {
    return this.#lines[this.at];
  }
}

/**
 * Expected output ends at a blank line; opened by a second `----` it ends at two of them and may hold
 * blanks.
 */
function readExpected(reader: Reader): string[] {
  const lines: string[] = [];
  const long = reader.peek() === '----';
  if (long) reader.next();
  while (!reader.done) {
    const line = reader.next();
    if (!long && line.trim() === '') break;
    if (long && line === '----' && reader.peek() === '----') {
      reader.next();
      break;
    }
    lines.push(line);
  }
  return lines;
}

/** Reads all blocks of a script; throws on a directive without `----`. */
export function parseScript(text: string): Block[] {
  const reader = new Reader(text);
  const blocks: Block[] = [];
  while (!reader.done) {
    const line = reader.at + 1;
    let directive = reader.next().trim();
    // The marks of a subtest hold neither input nor output.
    if (directive === '' || /^(#|subtest(\s|$))/.test(directive)) continue;
    while (directive.endsWith('\\')) directive = `${directive.slice(0, -1)} ${reader.next().trim()}`;
    const input: string[] = [];
    for (;;) {
      if (reader.done) throw new Error(`line ${line}: no ---- after ${directive}`);
      const next = reader.next();
      if (next === '----') break;
      input.push(next);
    }
    const expected = readExpected(reader);
    blocks.push({ line, ...parseDirective(directive), input: input.join('\n').trim(), expected });
  }
  return blocks;
}

const isLoggerLine = (line: string): boolean => /^\s*(DEBUG|INFO|WARN|ERROR|FATAL) /.test(line);

/** Output without the logger's lines and blank lines, `ok` if nothing is left: what is compared. */
export function structure(lines: readonly string[]): string[] {
  const kept = lines.filter((line) => line.trim() !== '' && !isLoggerLine(line));
  return kept.length === 0 ? ['ok'] : kept;
}
