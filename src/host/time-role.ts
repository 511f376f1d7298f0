/** A worker as the past of a run: it follows the lab's run beside it, and answers for its moments. */
import { expose, transfer } from 'comlink';
import { asError } from './crash.ts';
import type { WorkerScope } from './member-protocol.ts';
import type { FromTime, TimeCalls, TimeConnect } from './time-protocol.ts';
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
    expose(unpackedCalls(timeCallsOf(new TimeTravel({ genesis, embedded, clock: wallClock }))), calls);
    say({ kind: 'ready' });
  };
}

/** Events cross the border by transfer. */
function unpackedCalls(calls: TimeCalls): TimeCalls {
  return Object.freeze({
    ...calls,
    window: async (...args: Parameters<TimeCalls['window']>) => {
      const window = await calls.window(...args);
      const chunk = window.ok ? window.chunk : null;
      return transfer(window, chunk === null ? [] : [chunk.words.buffer as ArrayBuffer]);
    },
  });
}
