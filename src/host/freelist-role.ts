/** Who runs freelists for a page: a worker's scope, or this thread. */
import { mirrorTrace } from '../sim/freelist-mirror.ts';
import { openPreset } from '../sim/race-presets.ts';
import { asError } from './crash.ts';
import type { FreelistPort, Mirror, Race, RaceAnswer, RaceCall } from './freelist-port.ts';
import type { Result } from './port.ts';

const failed = (error: unknown): { ok: false; code: string; message: string } => ({
  ok: false,
  code: 'internal',
  message: asError(error).message,
});

function race({ preset, seed }: Extract<RaceCall, { kind: 'preset' }>): Result<{ race: Race }> {
  try {
    return { ok: true, race: openPreset(preset, seed) };
  } catch (error) {
    return failed(error);
  }
}

function mirror({ trace, from }: Extract<RaceCall, { kind: 'mirror' }>): Result<{ reflection: Mirror }> {
  try {
    return { ok: true, reflection: mirrorTrace(trace, from) };
  } catch (error) {
    return failed(error);
  }
}

/** Makes a worker's scope answer for both freelists. */
export function runRaces(scope: {
  onmessage: ((event: MessageEvent<RaceCall>) => void) | null;
  postMessage(message: RaceAnswer): void;
}): void {
  scope.onmessage = ({ data }) => {
    scope.postMessage({ call: data.call, result: data.kind === 'preset' ? race(data) : mirror(data) });
  };
}

/** The freelists without a worker: for Node and tests. */
export function openRacesInProcess(): FreelistPort {
  return {
    openRace: async (preset, seed) => race({ call: 0, kind: 'preset', preset, seed }),
    reflect: async (trace, from) => mirror({ call: 0, kind: 'mirror', trace, from }),
    close: () => {},
  };
}
