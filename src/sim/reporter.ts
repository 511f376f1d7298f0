/** Sends events to the trace with their envelopes: a member's own from ordinal 0, the world's from 65536. */
import { sharedByForks } from '../base/fork.ts';
import type { EngineEvent, Envelope } from '../engine/events.ts';
import type { SimEvent } from './events.ts';
import type { LabTrace } from './types.ts';

const firstWorldOrdinal = 65536;

export class Reporter {
  private heardBy: LabTrace;
  private moment = 0;
  private timeUs = 0;
  private memberOrdinal = 0;
  private worldOrdinal = firstWorldOrdinal;

  constructor(trace: LabTrace) {
    this.heardBy = sharedByForks(trace);
  }

  /** Who hears of what happens. */
  get trace(): LabTrace {
    return this.heardBy;
  }

  /** Another one hears of it from now on. */
  hearBy(trace: LabTrace): void {
    this.heardBy = sharedByForks(trace);
  }

  /** Whether events are wanted; building one for nobody is the caller's to avoid on hot paths. */
  get on(): boolean {
    return this.trace.on;
  }

  /** What follows belongs to this input. */
  begin(moment: number, timeUs: number): void {
    this.moment = moment;
    this.timeUs = timeUs;
    this.memberOrdinal = 0;
    this.worldOrdinal = firstWorldOrdinal;
    this.heardBy.began?.(moment);
  }

  tellMember(member: number, event: EngineEvent): void {
    if (this.trace.on) this.trace.emit(this.envelope(this.memberOrdinal++, member), event);
  }

  /**
   * @param member whom it happened to: the sender of a message, the receiver of a delivery; 0 for links and
   * clients
   */
  tell(member: number, event: SimEvent): void {
    if (this.trace.on) this.trace.emit(this.envelope(this.worldOrdinal++, member), event);
  }

  private envelope(ordinal: number, member: number): Envelope {
    return { moment: this.moment, ordinal, timeUs: this.timeUs, member };
  }
}
