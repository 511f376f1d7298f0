/** What a lab tells its page, and how a page makes batches of it. */
import type { Intervention } from '../sim/types.ts';
import type { LabBatch, LabState, Place } from './port.ts';
import type { TraceChunk } from './trace-codec.ts';
import { TraceDecoder } from './trace-codec.ts';

export interface LabMessage {
  /** Of whole plans: their events, once sorted, follow all earlier ones. */
  readonly chunks: readonly TraceChunk[];
  readonly state: LabState;
  /** As in a batch. */
  readonly place: Place | null;
  /** Those since the last message. */
  readonly interventions: readonly Intervention[];
}

/** Unpacks messages and hands batches out. What came before the first subscriber waits for it. */
export class LabFeed {
  readonly #decoder = new TraceDecoder();
  readonly #subscribers = new Set<(batch: LabBatch) => void>();
  readonly interventions: Intervention[] = [];
  #backlog: LabBatch[] = [];
  #state: LabState | null = null;
  #isHeld = false;

  /** The last state that came; null before any. */
  get state(): LabState | null {
    return this.#state;
  }

  receive(message: LabMessage): void {
    const events = message.chunks.flatMap((chunk) => this.#decoder.decode(chunk));
    events.sort((a, b) => a.at.moment - b.at.moment || a.at.ordinal - b.at.ordinal);
    const { state, place, interventions } = message;
    const interventionsBefore = this.interventions.length;
    this.interventions.push(...interventions);
    this.tell({ events, state, place, interventions, interventionsBefore });
  }

  /** Tells what the page itself has to say of the lab. */
  tellState(state: LabState): void {
    const interventionsBefore = this.interventions.length;
    this.tell({ events: [], state, place: null, interventions: [], interventionsBefore });
  }

  tell(batch: LabBatch): void {
    this.#state = batch.state;
    if (this.#isHeld || this.#subscribers.size === 0) this.#backlog.push(batch);
    else for (const receive of this.#subscribers) receive(batch);
  }

  subscribe(receive: (batch: LabBatch) => void): () => void {
    this.#subscribers.add(receive);
    if (!this.#isHeld) this.release();
    return () => this.#subscribers.delete(receive);
  }

  /** From now on subscribers wait as well, until the release. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    for (const batch of this.#backlog.splice(0)) for (const receive of this.#subscribers) receive(batch);
  }
}
