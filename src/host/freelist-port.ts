/** The freelists as a page sees them: a preset or a member's requests in, plain data out. */
import type { Race } from '../sim/freelist-race.ts';
import type { Mirror, MirrorTrace } from '../sim/freelist-mirror.ts';
import type { RacePreset } from '../sim/race-presets.ts';
import type { Result } from './port.ts';

export type { Race, RaceEvent, RaceOperation, RaceStep } from '../sim/freelist-race.ts';
export type { Mirror, MirrorTrace } from '../sim/freelist-mirror.ts';
export type { RacePreset } from '../sim/race-presets.ts';

export interface FreelistPort {
  /** Runs a preset on both freelists, wholly. @param seed 32 bits, unsigned */
  openRace(preset: RacePreset, seed: number): Promise<Result<{ readonly race: Race }>>;
  /** Asks both freelists what a member asked of its own. @param from the first call to tell step by step */
  reflect(trace: MirrorTrace, from: number): Promise<Result<{ readonly reflection: Mirror }>>;
  close(): void;
}

/** What the page sends to the worker; the answer carries the same number. */
export type RaceCall = { readonly call: number } & (
  | { readonly kind: 'preset'; readonly preset: RacePreset; readonly seed: number }
  | { readonly kind: 'mirror'; readonly trace: MirrorTrace; readonly from: number }
);

export interface RaceAnswer {
  readonly call: number;
  readonly result: Result<{ readonly race: Race }> | Result<{ readonly reflection: Mirror }>;
}
