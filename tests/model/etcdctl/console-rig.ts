/** The page's console over a cluster in this thread. */
import { Member } from '../../../src/engine/server/member.ts';
import { parseCommand } from '../../../src/host/commands.ts';
import type { ActResult, Result } from '../../../src/host/port.ts';
import { parseLine } from '../../../src/model/etcdctl/parse.ts';
import { Console } from '../../../src/model/console.svelte.ts';
import type { LabEvent } from '../../../src/sim/types.ts';
import { Lab, recordingTrace } from '../../sim/worlds.ts';

export class ConsoleRig {
  readonly trace = recordingTrace();
  readonly lab: Lab;
  readonly console: Console;
  readonly downloads: { readonly name: string; readonly bytes: Uint8Array }[] = [];
  #receive: (event: LabEvent) => void = () => {};
  #told = 0;

  constructor(memberCount = 1) {
    this.lab = new Lab(Member.boot, { memberCount, trace: this.trace });
    this.lab.runFor(3_000_000);
    this.console = new Console({
      act: (command) => Promise.resolve(this.#act(command)),
      context: () => ({ memberCount, leader: 1 }),
      listen: (receive) => {
        this.#receive = receive;
        return () => {};
      },
      hurry: () => Promise.resolve(this.run(1_000_000)),
      download: (name, bytes) => this.downloads.push({ name, bytes }),
    });
  }

  /** So much virtual time passes, and what was told reaches the console. */
  run(virtualUs: number): void {
    this.lab.runFor(virtualUs);
    for (const { event } of this.trace.told.splice(0)) this.#receive(event);
  }

  /** Does what a line says, from another terminal. */
  elsewhere(line: string): void {
    const parsed = parseLine(line, { memberCount: 1, leader: 1 });
    if (parsed.kind !== 'command' || this.lab.do(parsed.command)?.ok !== true) throw new Error(line);
  }

  /** What was printed since the last time: etcdctl's output, then its errors; the lab's own advice is left out. */
  printed(): string[] {
    const fresh = this.console.lines.filter(({ id }) => id > this.#told);
    this.#told = this.console.lines.at(-1)?.id ?? 0;
    const of = (wanted: string): string[] =>
      fresh.flatMap(({ stream, text }) => (stream === wanted ? text.split('\n') : []));
    return [...of('out'), ...of('error')];
  }

  #act(command: unknown): Result<ActResult> {
    const parsed = parseCommand(command);
    if (!parsed.ok) return parsed;
    const outcome = this.lab.do(parsed.action);
    return { ok: true, moment: 0, timeUs: 0, outcome };
  }
}
