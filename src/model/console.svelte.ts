/** The console: lines typed and answered. Buttons that act on the lab type here too, to be learnt from. */
import type { ActResult, Result } from '../host/port.ts';
import type { FaultAction } from '../sim/types.ts';
import { complete, commonStart } from './etcdctl/complete.ts';
import { formatFault, formatLineError, formatOutcome } from './etcdctl/format.ts';
import { helpLines, versionLines } from './etcdctl/help.ts';
import { CommandHistory } from './etcdctl/history.ts';
import { parseLine } from './etcdctl/parse.ts';
import { outLines, type OutputLine } from './etcdctl/answer.ts';
import type { ConsoleContext, ParsedLine } from './etcdctl/parsed-line.ts';

export interface ConsoleLine {
  readonly id: number;
  readonly stream: OutputLine['stream'] | 'typed';
  readonly text: string;
}

/** What the console needs of the lab. */
export interface ConsoleLab {
  act(command: unknown): Promise<Result<ActResult>>;
  /** How many members there are and who leads. */
  context(): ConsoleContext;
}

const keptLines = 500;

export class Console {
  lines = $state.raw<readonly ConsoleLine[]>([]);
  /** Commands whose answer is still to come. */
  waiting = $state(0);

  readonly #lab: ConsoleLab;
  readonly #history = new CommandHistory(200);
  #nextId = 1;

  constructor(lab: ConsoleLab) {
    this.#lab = lab;
  }

  /** Runs one line as if it had been typed; settles when its answer is printed. */
  async run(line: string): Promise<void> {
    this.#history.add(line);
    const parsed = parseLine(line, this.#lab.context());
    if (parsed.kind === 'empty') return;
    this.#print([{ stream: 'typed', text: line.trim() }]);
    this.waiting += 1;
    try {
      this.#print(await this.#answer(parsed));
    } finally {
      this.waiting -= 1;
    }
  }

  /** Prints what a menu did, as the line that would have done it. */
  async runActions(line: string, actions: readonly FaultAction[]): Promise<void> {
    this.#print([{ stream: 'typed', text: line }]);
    this.#print(await this.#doAll(actions));
  }

  clear(): void {
    this.lines = [];
  }

  /** The older (or newer) line of the history that begins as `shown` did; null where there is none. */
  recall(shown: string, direction: 'older' | 'newer'): string | null {
    return direction === 'older' ? this.#history.older(shown) : this.#history.newer(shown);
  }

  edited(): void {
    this.#history.edited();
  }

  /** The line with the word at the cursor completed as far as candidates agree, and the cursor after it. */
  complete(line: string, at: number): { readonly line: string; readonly at: number } {
    const { from, to, candidates } = complete(line, at, this.#lab.context().memberCount);
    const start = commonStart(candidates);
    if (start === '') return { line, at };
    const word = candidates.length === 1 ? `${start} ` : start;
    return { line: line.slice(0, from) + word + line.slice(to), at: from + word.length };
  }

  async #answer(parsed: ParsedLine): Promise<readonly OutputLine[]> {
    switch (parsed.kind) {
      case 'empty':
        return [];
      case 'error':
        return formatLineError(parsed);
      case 'help':
        return outLines(helpLines(parsed.topic));
      case 'version':
        return outLines(versionLines());
      case 'lab':
        return this.#doAll(parsed.actions);
      case 'command': {
        const done = await this.#lab.act(parsed.command);
        if (!done.ok) return formatLineError({ kind: 'error', message: done.message, hint: '' });
        return done.outcome === null ? [] : formatOutcome(done.outcome, parsed);
      }
      default:
        return parsed satisfies never;
    }
  }

  async #doAll(actions: readonly FaultAction[]): Promise<readonly OutputLine[]> {
    const lines: OutputLine[] = [];
    for (const action of actions) {
      const done = await this.#lab.act(action);
      lines.push(
        ...(done.ok
          ? formatFault(action)
          : formatLineError({ kind: 'error', message: done.message, hint: '' })),
      );
    }
    return lines;
  }

  #print(lines: readonly OutputLine[] | readonly Omit<ConsoleLine, 'id'>[]): void {
    const added = lines.map(({ stream, text }) => ({ id: this.#nextId++, stream, text }));
    this.lines = [...this.lines, ...added].slice(-keptLines);
  }
}
