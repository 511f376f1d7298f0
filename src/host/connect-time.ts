/** The page's side of the past: starts the time worker beside a lab. */
import { wrap } from 'comlink';
import { Lifeline } from './crash.ts';
import labUrl from './lab.worker.ts?worker&url';
import type { Genesis, LabPort } from './port.ts';
import type { StartedTime } from './time-connection.ts';
import { TimeConnection } from './time-connection.ts';
import type { FromTime, TimeCalls, TimeConnect } from './time-protocol.ts';
import { pastBytes } from './time-port.ts';
import type { TimePort } from './time-port.ts';
import type { WorkerScript } from './worker-script.ts';
import { loadScript, startWorker, timeWorkerName } from './worker-script.ts';

/**
 * Connects to the past of a lab's run. Call it once the lab's own page has subscribed. The worker starts with
 * the first call, or when the run has come to 20,000 inputs.
 */
export function connectTime(
  root: LabPort,
  { embedded }: { readonly embedded: boolean },
  load: () => Promise<WorkerScript> = () => loadScript(labUrl),
): TimePort {
  return new TimeConnection({
    root,
    limitBytes: pastBytes(embedded),
    start: async (genesis) => startTime(await load(), genesis, embedded),
  });
}

function startTime(script: WorkerScript, genesis: Genesis, embedded: boolean): StartedTime {
  const worker = startWorker(script, timeWorkerName);
  const line = new Lifeline();
  const die = (why: string): void => line.die(`The time worker failed: ${why}.`);
  worker.onerror = (event) => {
    event.preventDefault();
    die(event.message || 'it could not be started');
  };
  worker.onmessage = ({ data }: MessageEvent<FromTime>) => {
    if (data.kind === 'failed') die(data.message);
  };
  const { port1, port2 } = new MessageChannel();
  const connect: TimeConnect = { calls: port2, genesis, embedded };
  worker.postMessage(connect, [port2, ...buffersOf(genesis)]);
  return {
    calls: wrap<TimeCalls>(port1),
    line,
    end: () => {
      worker.terminate();
      port1.close();
    },
  };
}

/** The page has no use for the files. */
function buffersOf({ images }: Genesis): ArrayBuffer[] {
  const all = images.flatMap((image) => [...image.values()].map(({ buffer }) => buffer as ArrayBuffer));
  return [...new Set(all)];
}
