/** The page's side of the past: starts the time worker beside a lab. */
import { transfer, wrap } from 'comlink';
import { Lifeline } from './crash.ts';
import labUrl from './lab.worker.ts?worker&url';
import type { Genesis, LabPort, Result } from './port.ts';
import type { RemoteLab } from './remote-lab.ts';
import { PortLab } from './remote-lab.ts';
import type { StartedTime } from './time-connection.ts';
import { TimeConnection } from './time-connection.ts';
import type { BranchWish, FromTime, RemoteTimeCalls, TimeConnect } from './time-protocol.ts';
import { pastBytes } from './time-port.ts';
import type { TimelineInfo, TimePort } from './time-port.ts';
import type { WorkerScript } from './worker-script.ts';
import { loadScript, startWorker, timeWorkerName } from './worker-script.ts';

/**
 * Connects to the past of a lab's run. Call it once the lab's own page has subscribed. The worker starts with
 * the first call, or when the run has come to 500 inputs.
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
  const calls = wrap<RemoteTimeCalls>(port1);
  const labs: RemoteLab[] = [];
  return {
    calls,
    branch: async (wish) => {
      const branched = await branchOver(calls, wish, line);
      if (branched.ok) labs.push(branched.port);
      return branched;
    },
    line,
    end: () => {
      worker.terminate();
      port1.close();
      for (const lab of labs) lab.die(line.death?.message ?? 'The past of the run was closed.');
    },
  };
}

async function branchOver(
  time: RemoteTimeCalls,
  wish: BranchWish,
  line: Lifeline,
): Promise<Result<{ timeline: TimelineInfo; port: RemoteLab }>> {
  const [calls, trace] = [new MessageChannel(), new MessageChannel()];
  const ports = { calls: calls.port2, trace: trace.port2 };
  const branched = await time.branch(wish, transfer(ports, [calls.port2, trace.port2]));
  if (!branched.ok) return branched;
  return { ...branched, port: new PortLab(calls.port1, trace.port1, line) };
}

/** The page has no use for the files. */
function buffersOf({ images }: Genesis): ArrayBuffer[] {
  const all = images.flatMap((image) => [...image.values()].map(({ buffer }) => buffer as ArrayBuffer));
  return [...new Set(all)];
}
