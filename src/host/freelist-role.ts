/** Who runs freelist races: a worker's scope, or this thread. */
import { openPreset } from '../sim/race-presets.ts';
import { asError } from './crash.ts';
import type { FreelistPort, RaceAnswer, RaceCall } from './freelist-port.ts';

function answer({ call, preset, seed }: RaceCall): RaceAnswer {
  try {
    return { call, result: { ok: true, race: openPreset(preset, seed) } };
  } catch (error) {
    return { call, result: { ok: false, code: 'internal', message: asError(error).message } };
  }
}

/** Makes a worker's scope answer races. */
export function runRaces(scope: {
  onmessage: ((event: MessageEvent<RaceCall>) => void) | null;
  postMessage(message: RaceAnswer): void;
}): void {
  scope.onmessage = ({ data }) => scope.postMessage(answer(data));
}

/** Races without a worker: for Node and tests. */
export function openRacesInProcess(): FreelistPort {
  return {
    openRace: async (preset, seed) => answer({ call: 0, preset, seed }).result,
    close: () => {},
  };
}
