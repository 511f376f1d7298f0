/** The freelist race as a page sees it: a preset and a seed in, plain data out. */
import type { Race } from '../sim/freelist-race.ts';
import type { RacePreset } from '../sim/race-presets.ts';
import type { Result } from './port.ts';

export type { Race, RaceEvent, RaceOperation, RaceStep } from '../sim/freelist-race.ts';
export type { RacePreset } from '../sim/race-presets.ts';

export interface FreelistPort {
  /** Runs a preset on both freelists, wholly. @param seed 32 bits, unsigned */
  openRace(preset: RacePreset, seed: number): Promise<Result<{ readonly race: Race }>>;
  close(): void;
}

/** What the page sends to the worker; the answer carries the same number. */
export interface RaceCall {
  readonly call: number;
  readonly preset: RacePreset;
  readonly seed: number;
}

export interface RaceAnswer {
  readonly call: number;
  readonly result: Result<{ readonly race: Race }>;
}
