/** The past of a lab's run without a worker: for Node, tests and commands. */
import { Lifeline } from './crash.ts';
import { portOf } from './in-process.ts';
import { LabFeed } from './lab-message.ts';
import type { LabPort } from './port.ts';
import type { StartedTime } from './time-connection.ts';
import { TimeConnection } from './time-connection.ts';
import { pastBytes } from './time-port.ts';
import type { TimePort } from './time-port.ts';
import type { BranchWish } from './time-protocol.ts';
import { timeCallsOf } from './time-protocol.ts';
import { TimeTravel } from './time-travel.ts';
import { wallClock } from './wall-clock.ts';

/** Connects to the past of a lab's run, which is done again in this thread. */
export function timeInProcess(root: LabPort, { embedded } = { embedded: false }): TimePort {
  return new TimeConnection({
    root,
    limitBytes: pastBytes(embedded),
    start: async (genesis) => {
      const travel = new TimeTravel({ genesis, embedded, clock: wallClock, locks: undefined });
      return {
        calls: timeCallsOf(travel),
        branch: (wish) => branchHere(travel, wish),
        line: new Lifeline(),
        end: () => travel.close(),
      };
    },
  });
}

async function branchHere(travel: TimeTravel, wish: BranchWish): ReturnType<StartedTime['branch']> {
  const feed = new LabFeed();
  const branched = await travel.branch({ ...wish, send: (message) => feed.receive(message) });
  if (!branched.ok) return branched;
  return { ok: true, timeline: branched.timeline, port: portOf(branched.lab, feed) };
}
