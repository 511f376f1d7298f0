/** The past of a lab's run without a worker: for Node, tests and commands. */
import { Lifeline } from './crash.ts';
import type { LabPort } from './port.ts';
import { TimeConnection } from './time-connection.ts';
import { pastBytes } from './time-port.ts';
import type { TimePort } from './time-port.ts';
import { timeCallsOf } from './time-protocol.ts';
import { TimeTravel } from './time-travel.ts';
import { wallClock } from './wall-clock.ts';

/** Connects to the past of a lab's run, which is done again in this thread. */
export function timeInProcess(root: LabPort, { embedded } = { embedded: false }): TimePort {
  return new TimeConnection({
    root,
    limitBytes: pastBytes(embedded),
    start: async (genesis) => {
      const travel = new TimeTravel({ genesis, embedded, clock: wallClock });
      return { calls: timeCallsOf(travel), line: new Lifeline(), end: () => travel.close() };
    },
  });
}
