/** The console: lines typed and answered. Buttons that act on the lab type here too, to be learnt from. */
import type { OutputLine } from './etcdctl/answer.ts';
import { CommandHistory } from './etcdctl/history.ts';
import type { ConsoleContext } from './etcdctl/parsed-line.ts';
import type { Act } from './console-language.ts';

export interface ConsoleLine {
  readonly id: number;
  readonly stream: OutputLine['stream'] | 'typed';
  readonly text: string;
}

/** What the console needs of the lab. */
export interface ConsoleLab {
  readonly act: Act;
  /** How many members there are and who leads. */
  context(): ConsoleContext;
}

const keptLines = 500;

const language = () => import('./console-language.ts');

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

  /** Loads what the console needs to understand a line, so that the first one is answered at once. */
  async warm(): Promise<void> {
    await language();
  }

  /**
   * Runs one line as if it had been typed; settles when its answer is printed.
   * @returns the first error that it printed; null where there is none
   */
  async run(line: string): Promise<string | null> {
    this.#history.add(line);
    if (line.trim() === '') return null;
    this.#print([{ stream: 'typed', text: line.trim() }]);
    this.waiting += 1;
    try {
      const { answerTo, parseLine } = await language();
      const lines = await answerTo(parseLine(line, this.#lab.context()), this.#lab.act);
      this.#print(lines);
      return lines.find(({ stream }) => stream === 'error')?.text ?? null;
    } finally {
      this.waiting -= 1;
    }
  }

  /** The older (or newer) line of the history that begins as `shown` did; null where there is none. */
  recall(shown: string, direction: 'older' | 'newer'): string | null {
    return direction === 'older' ? this.#history.older(shown) : this.#history.newer(shown);
  }

  /** The line was changed by hand: the walk through the history ends. */
  edited(): void {
    this.#history.edited();
  }

  /** The line with the word at the cursor completed as far as candidates agree, and the cursor after it. */
  async complete(line: string, at: number): Promise<{ readonly line: string; readonly at: number }> {
    const { completeLine } = await language();
    return completeLine(line, at, this.#lab.context().memberCount);
  }

  #print(lines: readonly Omit<ConsoleLine, 'id'>[]): void {
    const added = lines.map(({ stream, text }) => ({ id: this.#nextId++, stream, text }));
    this.lines = [...this.lines, ...added].slice(-keptLines);
  }
}
