/** window.quorumLab: the lab for scripts, tests and pages around it; the same commands as the buttons do. */
import type { ActResult, LabState, Result, RunFile, StepUnit } from '../host/port.ts';
import type { Sought, TimelineInfo } from '../host/time-port.ts';
import type { Lab } from '../model/lab.svelte.ts';
import type { Told } from '../model/told.ts';

export interface TimelinesNow {
  readonly list: readonly TimelineInfo[];
  readonly shown: number;
  /** Null: nothing is stored. */
  readonly stored: number | null;
}

export interface QuorumLab {
  readonly version: 1;
  /** Settles when the lab is open with a leader; fails where it cannot be. Waits while another tab has it. */
  readonly ready: Promise<LabState>;
  /** @throws Error before `ready` */
  state(): LabState;
  /** Does one command of host/commands.ts; client commands settle with the client's outcome. */
  act(command: unknown): Promise<Result<ActResult>>;
  play(): Promise<void>;
  pause(): Promise<void>;
  step(unit?: StepUnit, count?: number): Promise<Result<{ moment: number }>>;
  /** Runs for so many virtual microseconds as fast as the machine allows. */
  run(virtualUs: number): Promise<Result<{ moment: number }>>;
  /** Events after input number `moment`, as far back as they are kept. */
  events(since?: number): readonly Told[];
  /** Calls back with each event of a type (`'*'`: every event); the answer ends it. */
  on(type: string, call: (told: Told) => void): () => void;
  /** Shows the timeline that is shown just behind an input; by its answer that was done again, and proven. */
  seek(moment: number): Promise<Result<Sought>>;
  /** The root first; which one the pictures show and commands go to, and whose data are stored. */
  timelines(): TimelinesNow;
  /** Shows another timeline, at its newest moment. */
  show(timeline: number): Promise<void>;
  compareStore(): Promise<readonly string[]>;
  runFile(): Promise<RunFile>;
  deleteStored(): Promise<Result<object>>;
}

declare global {
  interface Window {
    quorumLab: QuorumLab;
  }
}

export function quorumLabOf(lab: Lab): QuorumLab {
  return {
    version: 1,
    ready: lab.ready,
    state: () => {
      if (lab.newest === null) throw new Error('the lab is not open yet: wait for ready');
      return lab.newest;
    },
    act: (command) => lab.act(command),
    play: () => lab.play(),
    pause: () => lab.pause(),
    step: (unit = 'input', count = 1) => lab.step(unit, count),
    run: (virtualUs) => lab.run(virtualUs),
    events: (since = -1) => lab.eventsSince(since),
    on: (type, call) =>
      lab.listen(({ events }) => {
        for (const told of events) if (type === '*' || told.event.type === type) call(told);
      }),
    seek: async (moment) => {
      const sought = await lab.timelines.seek(lab.timelines.shown, moment);
      if (sought.ok) await lab.goToMoment(moment);
      return sought;
    },
    timelines: () => {
      const { list, shown, storedId } = lab.timelines;
      return { list, shown, stored: storedId };
    },
    show: (timeline) => lab.timelines.show(timeline),
    compareStore: () => lab.compareStore(),
    runFile: () => lab.runFile(),
    deleteStored: () => lab.deleteStored(),
  };
}
