/** The console: lines typed and answered. Buttons that act on the lab type here too, to be learnt from. */
import type { LabEvent } from '../sim/types.ts';
import type { OutputLine } from './etcdctl/answer.ts';
import { CommandHistory } from './etcdctl/history.ts';
import type { ConsoleLab, Dialogue, SavedFile, Standing, Taken, Terminal } from './console-terminal.ts';
import type { Heard, Renewed } from './etcdctl/watch-format.ts';

export interface ConsoleLine {
  readonly id: number;
  /** `read`: a line that a command has read. */
  readonly stream: OutputLine['stream'] | 'typed' | 'read';
  readonly text: string;
}

const keptLines = 500;

type Language = typeof import('./console-language.ts');

let loaded: Language | null = null;
/** Once it is there a line is read at once: a browser comes back to an import only after other tasks. */
const language = async (): Promise<Language> => (loaded ??= await import('./console-language.ts'));

export class Console {
  lines = $state.raw<readonly ConsoleLine[]>([]);
  /** Commands whose answer is still to come. */
  waiting = $state(0);
  /** What goes on by itself, oldest first. */
  standing = $state.raw<readonly Standing[]>([]);
  /** What the next line is for, where a command reads it; null: it is a command. */
  prompt = $state<string | null>(null);

  readonly #lab: ConsoleLab;
  readonly #history = new CommandHistory(200);
  readonly #files = new Map<string, SavedFile>();
  #dialogue: Dialogue | null = null;
  /** What was told while answers were to come: a watch may be heard of before it is known. */
  #unclaimed: (Heard | Renewed)[] = [];
  /** Lines are read one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #nextId = 1;

  constructor(lab: ConsoleLab) {
    this.#lab = lab;
    lab.listen((event) => this.#hear(event));
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
      const lines = await answerTo(parseLine(line, this.#lab.context()), this.#terminal(line.trim()));
      this.#print(lines);
      return lines.find(({ stream }) => stream === 'error')?.text ?? null;
    } finally {
      this.#answered();
    }
  }

  /** A line from the console's own field: a command, or what a command reads. */
  async enter(line: string): Promise<Taken> {
    if (this.#dialogue !== null) {
      this.#history.add(line);
      return this.#take(this.#dialogue, line);
    }
    await this.run(line);
    return 'over';
  }

  /**
   * Enters pasted lines, one after the other; a quote that is open at a line's end goes on in the next. Where
   * a command refuses a line that it reads, those after it are left out: they are no commands.
   */
  async paste(lines: readonly string[]): Promise<void> {
    const entered: Promise<Taken>[] = [];
    for (let i = 0; i < lines.length; i++) {
      let line = lines[i];
      while (this.#dialogue === null && hasOpenQuote(line) && i + 1 < lines.length) line += `\n${lines[++i]}`;
      const taken = this.enter(line);
      entered.push(taken);
      // what reads lines must be there before the next one; other commands answer when they can
      const mayBeRead = this.#dialogue !== null || mayRead(line);
      if (mayBeRead && (await taken) === 'refused' && i + 1 < lines.length) {
        this.#print([{ stream: 'hint', text: `${lines.length - i - 1} pasted lines were left out` }]);
        break;
      }
    }
    await Promise.all(entered);
  }

  /** Ctrl+C: what reads lines ends, else what was begun last. */
  interrupt(): void {
    const dialogue = this.#dialogue;
    if (dialogue !== null) {
      this.#print([{ stream: 'read', text: '^C' }]);
      this.#endDialogue();
      return dialogue.interrupt();
    }
    const last = this.standing.at(-1);
    if (last !== undefined) void this.stop(last.request);
  }

  /** Ctrl+D: there are no more lines. */
  endInput(): void {
    const dialogue = this.#dialogue;
    this.#endDialogue();
    dialogue?.end();
  }

  /** Ends what goes on by itself; settles when it has ended. */
  async stop(request: number): Promise<void> {
    const ended = this.standing.find((one) => one.request === request);
    if (ended === undefined) return;
    const done = await this.#lab.act(ended.stoppedBy ?? { type: 'stop', request });
    if (!done.ok) return this.#print([{ stream: 'error', text: `Error: ${done.message}` }]);
    this.standing = this.standing.filter((one) => one !== ended);
    this.#print([{ stream: 'hint', text: `stopped: ${ended.title}` }]);
  }

  /** Another lab is shown: nothing that was begun goes on there. */
  forget(): void {
    this.standing = [];
    this.#endDialogue();
  }

  /** A file that snapshot commands may name from now on; it is the newest. */
  keep(name: string, file: SavedFile): void {
    this.#files.delete(name);
    this.#files.set(name, file);
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
    return completeLine(line, at, this.#lab.context().memberCount, this.#dialogue?.words ?? null);
  }

  #take(dialogue: Dialogue, line: string): Promise<Taken> {
    this.#print([{ stream: 'read', text: line }]);
    const taken = this.#last.then(async (): Promise<Taken> => {
      if (this.#dialogue !== dialogue) return 'over';
      this.waiting += 1;
      try {
        const became = await dialogue.take(line);
        if (this.#dialogue !== dialogue) return became;
        if (became === 'more') this.prompt = dialogue.prompt;
        else this.#endDialogue();
        return became;
      } finally {
        this.#answered();
      }
    });
    this.#last = taken;
    return taken;
  }

  #answered(): void {
    this.waiting -= 1;
    if (this.waiting === 0) this.#unclaimed = [];
  }

  #endDialogue(): void {
    this.#dialogue = null;
    this.prompt = null;
  }

  #terminal(title: string): Terminal {
    return {
      lab: this.#lab,
      title,
      files: this.#files,
      keep: (name, file) => this.keep(name, file),
      print: (lines) => this.#print(lines),
      read: (dialogue) => {
        this.#dialogue = dialogue;
        this.prompt = dialogue.prompt;
      },
      stand: (standing) => this.#stand(standing),
      stop: (request) => void this.stop(request),
      ended: (request) => (this.standing = this.standing.filter((one) => one.request !== request)),
    };
  }

  /** Once what it was answered is printed, what was told meanwhile follows. */
  #stand(standing: Standing): void {
    this.standing = [...this.standing, standing];
    const told = this.#unclaimed;
    this.#unclaimed = [];
    void Promise.resolve().then(() => told.forEach((event) => this.#hear(event)));
  }

  #hear(event: LabEvent): void {
    if (event.type !== 'sim.watch' && event.type !== 'sim.keepAlive') return;
    const request = event.type === 'sim.watch' ? event.watch : event.request;
    const standing = this.standing.find((one) => one.request === request);
    if (standing === undefined) {
      if (this.waiting > 0) this.#unclaimed.push(event);
      return;
    }
    const { lines, isOver } = standing.hear(event);
    if (isOver) this.standing = this.standing.filter((one) => one !== standing);
    this.#print(lines);
  }

  #print(lines: readonly Omit<ConsoleLine, 'id'>[]): void {
    if (lines.length === 0) return;
    const added = lines.map(({ stream, text }) => ({ id: this.#nextId++, stream, text }));
    this.lines = [...this.lines, ...added].slice(-keptLines);
  }
}

function hasOpenQuote(line: string): boolean {
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\' && quote !== "'") at++;
    else if (line[at] === quote) quote = '';
    else if (quote === '' && (line[at] === '"' || line[at] === "'")) quote = line[at];
  }
  return quote !== '';
}

/** Whether the lines after it may be its own. */
const mayRead = (line: string): boolean => /\b(txn|watch)\b/.test(line);
