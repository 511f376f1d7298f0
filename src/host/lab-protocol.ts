/**
 * What a page and its lab's worker say to each other: calls by Comlink, the trace through a port of its own.
 */
import type { Lab } from './lab.ts';
import { asError } from './crash.ts';
import type { WorkerScript } from './worker-script.ts';

/** The page's first message, with both ports transferred. */
export interface Connect {
  readonly calls: MessagePort;
  readonly trace: MessagePort;
  /** The worker's own code, for the members' workers that it starts. */
  readonly script: WorkerScript;
}

/** A call's answer: no error crosses the border as an exception, which would lose its class and code. */
export type Answered<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly message: string };

/** What may be called, and with what it answers. */
export type LabCalls = {
  readonly [Name in CallName]: (
    ...args: Parameters<Lab[Name]>
  ) => Promise<Answered<Awaited<ReturnType<Lab[Name]>>>>;
};

type CallName =
  | 'open'
  | 'act'
  | 'play'
  | 'pause'
  | 'setSpeed'
  | 'attend'
  | 'step'
  | 'run'
  | 'state'
  | 'inspect'
  | 'runFile'
  | 'genesis'
  | 'checks'
  | 'goOn'
  | 'compareStore'
  | 'release'
  | 'adopt'
  | 'deleteStored'
  | 'close';

/** The lab's calls as the one object that Comlink exposes: frozen, without a prototype, nothing but these. */
export function callsOf(lab: Lab): LabCalls {
  const calls: LabCalls = {
    open: (options) => answered(() => lab.open(options)),
    act: (command) => answered(() => lab.act(command)),
    play: () => answered(() => lab.play()),
    pause: () => answered(() => lab.pause()),
    setSpeed: (factor) => answered(() => lab.setSpeed(factor)),
    attend: () => answered(() => lab.attend()),
    step: (unit, count) => answered(() => lab.step(unit, count)),
    run: (virtualUs) => answered(() => lab.run(virtualUs)),
    state: () => answered(() => lab.state()),
    inspect: (query) => answered(() => lab.inspect(query)),
    checks: () => answered(() => lab.checks()),
    goOn: () => answered(() => lab.goOn()),
    runFile: () => answered(() => lab.runFile()),
    genesis: () => answered(() => lab.genesis()),
    compareStore: () => answered(() => lab.compareStore()),
    release: () => answered(() => lab.release()),
    adopt: (where) => answered(() => lab.adopt(where)),
    deleteStored: () => answered(() => lab.deleteStored()),
    close: () => answered(() => lab.close()),
  };
  return Object.freeze(Object.assign(Object.create(null) as LabCalls, calls));
}

async function answered<Value>(call: () => Value): Promise<Answered<Awaited<Value>>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    const { name, message } = asError(error);
    return { ok: false, message: `${name}: ${message}` };
  }
}
