/** A lab without workers: for Node, tests and commands. */
import { Member } from '../engine/server/member.ts';
import { Lab } from './lab.ts';
import { LabFeed } from './lab-message.ts';
import type { BootMember } from './member-host.ts';
import { LocalMembers } from './member-host.ts';
import type { LabPort } from './port.ts';
import type { WallClock } from './wall-clock.ts';
import { wallClock } from './wall-clock.ts';

export interface InProcessOptions {
  readonly clock?: WallClock;
  readonly locks?: LockManager;
  /** Starts a member; the engine's own where absent. */
  readonly boot?: BootMember;
}

/** Makes a lab in this thread; `open` starts it. */
export function openInProcess(options: InProcessOptions = {}): LabPort {
  const feed = new LabFeed();
  const lab = new Lab({
    clock: options.clock ?? wallClock,
    locks: options.locks,
    members: async () => new LocalMembers(options.boot ?? Member.boot),
    send: (message) => feed.receive(message),
  });
  return portOf(lab, feed);
}

/** A lab of this thread as whoever uses it sees it. */
export function portOf(lab: Lab, feed: LabFeed): LabPort {
  return {
    open: (labOptions) => {
      feed.interventions.length = 0;
      return lab.open(labOptions);
    },
    act: (command) => lab.act(command),
    play: async () => lab.play(),
    pause: () => lab.pause(),
    setSpeed: async (factor) => lab.setSpeed(factor),
    step: (unit, count) => lab.step(unit, count),
    run: (virtualUs) => lab.run(virtualUs),
    state: async () => lab.state(),
    inspect: (query) => lab.inspect(query),
    checks: async () => lab.checks(),
    goOn: async () => lab.goOn(),
    runFile: async () => lab.runFile(),
    genesis: async () => lab.genesis(),
    compareStore: () => lab.compareStore(),
    release: () => lab.release(),
    adopt: (where) => lab.adopt(where),
    deleteStored: () => lab.deleteStored(),
    close: () => lab.close(),
    subscribe: (receive) => feed.subscribe(receive),
  };
}
