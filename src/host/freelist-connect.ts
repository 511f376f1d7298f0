/**
 * The page's side of the freelists: starts its worker, and settles every call even when the worker dies.
 */
import { asError, Lifeline } from './crash.ts';
import type { FreelistPort, RaceAnswer, RaceCall } from './freelist-port.ts';
import freelistUrl from './freelist.worker.ts?worker&url';
import type { Result } from './port.ts';
import { loadScript, startWorker } from './worker-script.ts';

/** Connects to races in a worker; loading it begins at once. */
export function connectFreelist(): FreelistPort {
  const line = new Lifeline();
  const started = loadScript(freelistUrl).then((script) => {
    const worker = startWorker(script, 'freelist');
    worker.onerror = (event) => {
      event.preventDefault();
      line.die(`The freelists' worker failed: ${event.message || 'it could not be started'}.`);
    };
    worker.onmessage = ({ data }: MessageEvent<RaceAnswer>) => line.answer(data.call, data.result);
    return worker;
  });
  started.catch((error: unknown) => line.die(asError(error).message));
  const ask = <Value>(message: (call: number) => RaceCall): Promise<Result<Value>> =>
    line
      .call<Result<Value>>((call) => {
        void started.then((worker) => worker.postMessage(message(call))).catch(() => {});
      })
      .catch((error: unknown) => ({ ok: false, code: 'internal', message: asError(error).message }));
  return {
    openRace: (preset, seed) => ask((call) => ({ call, kind: 'preset', preset, seed })),
    reflect: (trace, from) => ask((call) => ({ call, kind: 'mirror', trace, from })),
    close: () => {
      line.die('The freelists are closed.');
      void started.then((worker) => worker.terminate()).catch(() => {});
    },
  };
}
