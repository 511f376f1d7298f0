/** txn and watch -i: commands that read the lines after them. */
import type { ClientAction } from '../sim/types.ts';
import { outLines } from './etcdctl/answer.ts';
import { argify } from './etcdctl/go-text.ts';
import { parseFlags } from './etcdctl/flags.ts';
import { formatLineError, formatOutcome } from './etcdctl/format.ts';
import { commands } from './etcdctl/grammar.ts';
import { TxnReader } from './etcdctl/txn-reader.ts';
import { execFault, watchAction } from './etcdctl/watch-action.ts';
import { watchLines } from './etcdctl/watch-format.ts';
import type { OutputLine } from './etcdctl/answer.ts';
import type { LineError, ParsedLine } from './etcdctl/parsed-line.ts';
import type { Dialogue, Taken, Terminal } from './console-terminal.ts';

type Reads = Extract<ParsedLine, { kind: 'reads' }>;

const hint = (text: string): OutputLine => ({ stream: 'hint', text });
const error = (text: string): OutputLine => ({ stream: 'error', text });
const eof: LineError = {
  kind: 'error',
  message: 'EOF',
  hint: 'Each of the three parts ends with an empty line, the last one too.',
};

/** @source etcd v3.4.23 etcdctl txn_command.go */
export class TxnDialogue implements Dialogue {
  readonly #terminal: Terminal;
  readonly #reads: Reads;
  readonly #reader = new TxnReader();

  constructor(terminal: Terminal, reads: Reads) {
    this.#terminal = terminal;
    this.#reads = reads;
    this.#ask();
    if (!reads.interactive && reads.input === null) {
      const parts = 'comparisons, requests for when they hold, requests for when not';
      terminal.print([hint(`Three parts, each ended by an empty line: ${parts}. txn -i asks for each.`)]);
    }
  }

  get prompt(): string {
    return this.#reader.partName;
  }

  get words(): readonly string[] {
    return this.#reader.words;
  }

  async take(line: string): Promise<Taken> {
    const { format, hex, asking } = this.#reads;
    const part = this.#reader.prompt;
    const taken = this.#reader.take(line);
    switch (taken.kind) {
      case 'error':
        this.#terminal.print(formatLineError(taken));
        return 'refused';
      case 'more':
        this.#terminal.print(taken.notes.map(hint));
        if (this.#reader.prompt !== part) this.#ask();
        return 'more';
      case 'ready': {
        const command: ClientAction = { ...taken.txn, ...asking };
        const done = await this.#terminal.lab.act(command);
        if (!done.ok) this.#terminal.print([error(`Error: ${done.message}`)]);
        else if (done.outcome !== null) {
          this.#terminal.print(formatOutcome(done.outcome, { format, hex, valueOnly: false, command }));
        }
        return 'over';
      }
      default:
        return taken satisfies never;
    }
  }

  end(): void {
    this.#terminal.print(formatLineError(eof));
  }

  interrupt(): void {}

  #ask(): void {
    if (this.#reads.interactive) this.#terminal.print(outLines([this.#reader.prompt]));
  }
}

/** @source etcd v3.4.23 etcdctl watch_command.go watchInteractiveFunc */
export class WatchDialogue implements Dialogue {
  readonly prompt = 'watch';
  readonly words = ['watch', 'progress'];
  readonly #terminal: Terminal;
  readonly #reads: Reads;
  readonly #requests: number[] = [];

  constructor(terminal: Terminal, reads: Reads) {
    this.#terminal = terminal;
    this.#reads = reads;
    if (reads.input === null) {
      terminal.print([hint('Lines: watch <key> [options], or progress. Ctrl+C ends it, and its watches.')]);
    }
  }

  async take(line: string): Promise<Taken> {
    const read = argify(line);
    if (read === null)
      return this.#say(`Invalid command ${line} (a quote is not closed, or cuts a character)`);
    const [first, ...words] = read.words;
    if (first === undefined) return this.#say(`Invalid command: ${line} (watch and progress supported)`);
    if (first === 'progress') return this.#progress();
    if (first !== 'watch') return this.#say(`Invalid command ${line} (only support watch)`);
    if (words.length === 0) return this.#say(`Invalid command ${line} (command type or key is not provided)`);
    const action = readWatch(words);
    if ('type' in action) return this.#watch(action);
    // a range and a prefix, too many words: etcdctl goes on reading
    if (action.goesOn) return this.#say(`Invalid command ${line} (${action.error.message})`);
    this.#terminal.print(formatLineError(action.error));
    this.#stopAll();
    return 'refused';
  }

  end(): void {
    this.#terminal.print([error('Error: Error reading watch request line: EOF')]);
    this.#stopAll();
  }

  interrupt(): void {
    this.#stopAll();
  }

  #say(text: string): Taken {
    this.#terminal.print([error(text)]);
    return 'more';
  }

  async #progress(): Promise<Taken> {
    for (const watch of this.#requests) await this.#terminal.lab.act({ type: 'watchProgress', watch });
    return 'more';
  }

  async #watch(action: ClientAction): Promise<Taken> {
    const { format, hex, asking } = this.#reads;
    const done = await this.#terminal.lab.act({ ...action, ...asking });
    if (!done.ok) return this.#say(`Error: ${done.message}`);
    const { outcome } = done;
    if (outcome === null) return 'more';
    if (!outcome.ok || outcome.type !== 'watch') {
      this.#terminal.print(formatOutcome(outcome, { format, valueOnly: false, command: action }));
      return 'more';
    }
    this.#requests.push(outcome.watch);
    this.#terminal.stand({
      request: outcome.watch,
      title: `watch ${'key' in action ? action.key : ''}`,
      hear: (event) => ({
        lines: event.type === 'sim.watch' ? watchLines(event, format, hex) : [],
        isOver: event.ended !== '',
      }),
    });
    return 'more';
  }

  #stopAll(): void {
    for (const request of this.#requests.splice(0)) this.#terminal.stop(request);
  }
}

type WatchLine = ClientAction | { readonly error: LineError; readonly goesOn: boolean };

function readWatch(words: readonly string[]): WatchLine {
  const command = commands.find(({ name }) => name === 'watch');
  const program = execFault(words);
  if (program !== null) return { error: program, goesOn: false };
  const flags = parseFlags(words, command?.flags ?? []);
  if (!flags.ok) {
    return { error: { kind: 'error', message: flags.message, hint: flags.hint }, goesOn: false };
  }
  const action = watchAction(flags);
  return 'kind' in action ? { error: action, goesOn: flags.args.length > 0 } : action;
}
