/** One lab as its page hears it: what it has told, drawn or not, and the pictures of its run. */
import type { LabBatch, LabPort, LabState } from '../host/port.ts';
import type { Playback } from './playback.svelte.ts';
import type { Told } from './told.ts';

export class Track {
  readonly port: LabPort;
  readonly playback: Playback;
  /** What was told since the last drawing. */
  waiting: Told[] = [];
  isStale = false;
  /** The state that was told last, drawn or not; null before any. */
  told: LabState | null = null;
  toldMoment = -1;
  /** How many members the lab began with. */
  firstCount = 0;
  /** The newest event's sentence. */
  sentence = '';
  #leave: () => void = () => {};
  #waits: { readonly moment: number; readonly settle: () => void }[] = [];

  constructor(port: LabPort, playback: Playback) {
    this.port = port;
    this.playback = playback;
  }

  listen(receive: (track: Track, batch: LabBatch) => void): void {
    this.#leave = this.port.subscribe((batch) => receive(this, batch));
  }

  leave(): void {
    this.#leave();
  }

  reset(memberCount: number): void {
    this.playback.reset(memberCount);
    this.firstCount = memberCount;
    this.waiting = [];
    this.told = null;
    this.toldMoment = -1;
  }

  take({ events, state }: LabBatch): void {
    // A stored lab has as many members as when it was made.
    if (state.members > 0 && state.members !== this.firstCount) this.reset(state.members);
    for (const told of events) this.waiting.push(told);
    this.toldMoment = state.moment;
    this.hear(state);
    for (const { moment, settle } of this.#waits) if (moment <= this.toldMoment) settle();
    this.#waits = this.#waits.filter(({ moment }) => moment > this.toldMoment);
  }

  /** Settles once all was told up to a moment: answers and events take different ways. */
  toldUpTo(moment: number): Promise<void> {
    if (this.toldMoment >= moment) return Promise.resolve();
    return new Promise((settle) => this.#waits.push({ moment, settle }));
  }

  /** Answers and batches take different ways: a batch from before an answer does not undo it. */
  hear(state: LabState): void {
    this.isStale = true;
    if (this.told === null || state.moment >= this.told.moment) this.told = state;
  }
}
