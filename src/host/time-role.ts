/** A worker as the past of a run: it follows the lab's run beside it, and answers for its moments. */
import { expose, transfer } from 'comlink';
import { asError } from './crash.ts';
import { callsOf } from './lab-protocol.ts';
import { navigatorLocks, post } from './lab-role.ts';
import type { WorkerScope } from './member-protocol.ts';
import type { BranchPorts, BranchWish, FromTime } from './time-protocol.ts';
import type { RemoteTimeCalls, TimeCalls, TimeConnect } from './time-protocol.ts';
import { timeCallsOf } from './time-protocol.ts';
import { TimeTravel } from './time-travel.ts';
import { wallClock } from './wall-clock.ts';

/** Makes a worker's scope the time worker, once the page has sent what the run began with. */
export function runTime(scope: WorkerScope): void {
  const say = (message: FromTime): void => scope.postMessage(message);
  scope.onfailure((error) => {
    const { name, message } = asError(error);
    say({ kind: 'failed', message: `${name}: ${message}` });
  });
  scope.onmessage = ({ data }: MessageEvent<TimeConnect>) => {
    scope.onmessage = null;
    const { calls, genesis, embedded } = data;
    const travel = new TimeTravel({ genesis, embedded, clock: wallClock, locks: navigatorLocks() });
    expose(callsOver(travel), calls);
    say({ kind: 'ready' });
  };
}

/** Events cross the border by transfer, labs by ports of their own. */
function callsOver(travel: TimeTravel): RemoteTimeCalls {
  const calls = timeCallsOf(travel);
  return Object.freeze({
    ...calls,
    window: async (...args: Parameters<TimeCalls['window']>) => {
      const window = await calls.window(...args);
      const chunk = window.ok ? window.chunk : null;
      return transfer(window, chunk === null ? [] : [chunk.words.buffer as ArrayBuffer]);
    },
    branch: async (wish: BranchWish, ports: BranchPorts) => {
      const branched = await travel.branch({ ...wish, send: (message) => post(ports.trace, message) });
      if (!branched.ok) return branched;
      expose(callsOf(branched.lab), ports.calls);
      return { ok: true as const, timeline: branched.timeline };
    },
  });
}
