/** Hears the events of a stretch that is done again, in the form in which a lab tells them. */
import type { Envelope } from '../engine/events.ts';
import type { Cluster } from '../sim/cluster.ts';
import type { LabEvent, LabTrace } from '../sim/types.ts';
import type { Place } from './port.ts';
import type { Told } from './time-port.ts';
import type { TraceChunk } from './trace-codec.ts';
import { TraceDecoder, TraceEncoder } from './trace-codec.ts';

export class PastEvents implements LabTrace {
  readonly on = true;
  readonly #after: number;
  readonly #upTo: number;
  readonly #heard: Told[] = [];
  /** Null: hashes are not noted. */
  readonly #places: Place[] | null;
  #cluster: Cluster | null = null;

  /** Hears of inputs after one moment, up to another. */
  constructor(after: number, upTo: number, notesPlaces = false) {
    this.#after = after;
    this.#upTo = upTo;
    this.#places = notesPlaces ? [] : null;
  }

  /** Each input with the chain hash after it, where they are noted. */
  get places(): readonly Place[] {
    return this.#places ?? [];
  }

  /** Who does the stretch again. */
  hear(cluster: Cluster): void {
    this.#cluster = cluster;
  }

  get count(): number {
    return this.#heard.length;
  }

  began(moment: number): void {
    if (this.#places === null || this.#cluster === null) return;
    if (moment <= this.#after || moment > this.#upTo) return;
    const { nowUs: timeUs, chainHash } = this.#cluster;
    this.#places.push({ moment, timeUs, chainHash });
  }

  emit(at: Envelope, event: LabEvent): void {
    if (at.moment > this.#after && at.moment <= this.#upTo) this.#heard.push({ at, event });
  }

  /** In the order of a lab's batches. */
  take(): Told[] {
    return this.#heard.splice(0).sort((a, b) => a.at.moment - b.at.moment || a.at.ordinal - b.at.ordinal);
  }
}

/** Events as a lab's worker packs them: what the packed form does not have is not told. */
export function pack(events: readonly Told[]): TraceChunk | null {
  const encoder = new TraceEncoder(0);
  for (const { at, event } of events) encoder.add(at, event);
  return encoder.take();
}

/** As a page unpacks them. */
export const unpack = (chunk: TraceChunk | null): readonly Told[] =>
  chunk === null ? [] : new TraceDecoder().decode(chunk);
