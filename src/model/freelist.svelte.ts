/** The freelist race on the page: which preset, which step, and whether it plays. */
import type { FreelistPort, Race, RacePreset } from '../host/freelist-port.ts';
import { operationSteps, timelineOf, viewRace, type RaceView, type Timeline } from './freelist-view.ts';
import { Stepper } from './stepper.svelte.ts';

export class FreelistShow extends Stepper {
  preset = $state<RacePreset>('article');
  /** What went wrong; empty: nothing did. */
  problem = $state('');
  #opened = $state.raw<{ readonly race: Race; readonly timeline: Timeline } | null>(null);
  readonly lastStep: number = $derived((this.#opened?.timeline.moments.length ?? 1) - 1);
  readonly partSteps: readonly number[] = $derived(operationSteps(this.#opened?.timeline ?? null));
  readonly view: RaceView | null = $derived(
    this.#opened && viewRace(this.#opened.race, this.#opened.timeline, this.step),
  );

  protected readonly stepMs = 520;
  readonly #port: FreelistPort;
  readonly #seed: number;
  #opening = 0;

  /** @param seed 32 bits, unsigned */
  constructor(port: FreelistPort, seed: number) {
    super();
    this.#port = port;
    this.#seed = seed;
  }

  /** Runs a preset; a later call wins over one under way. */
  async open(preset: RacePreset, autoplay: boolean): Promise<void> {
    const opening = ++this.#opening;
    this.preset = preset;
    this.playing = false;
    const opened = await this.#port.openRace(preset, this.#seed);
    if (opening !== this.#opening) return;
    this.problem = opened.ok ? '' : opened.message;
    this.#opened = opened.ok ? { race: opened.race, timeline: timelineOf(opened.race) } : null;
    this.seek(0);
    if (autoplay && opened.ok) this.playFromStart();
  }
}
