/** What one step produces, gathered from all parts of a member. */
import type { Trace } from '../../base/trace.ts';
import { kept } from '../../base/fork.ts';
import { tellsAll } from '../../base/trace.ts';
import type { EngineEvent } from '../events.ts';
import { Meter } from './meter.ts';
import type { DiskRequest, MemberOutput, Reply, Send, TimerName } from './types.ts';

interface Pending {
  sends: Send[];
  disk: DiskRequest[];
  replies: Reply[];
  timers: { timer: TimerName; afterUs: number }[];
  events: EngineEvent[];
}

const empty = (): Pending => ({ sends: [], disk: [], replies: [], timers: [], events: [] });

/** The parts of a member write here; `take` hands over what the step has produced and starts anew. */
export class Outbox {
  private readonly told: { on: boolean; brief: boolean; readonly emit: (event: EngineEvent) => void };
  readonly meter = new Meter();
  private pending: Pending = empty();

  constructor(traced: boolean, brief = false) {
    const emit = kept((self: Outbox) => (event: EngineEvent) => void self.pending.events.push(event), this);
    this.told = { on: traced, brief, emit };
  }

  get trace(): Trace<EngineEvent> {
    return this.told;
  }

  /** Whether events are made from now on; `brief`: only those that checkers read. */
  listen(on: boolean, brief = false): void {
    this.told.on = on;
    this.told.brief = brief;
  }

  send(send: Send): void {
    this.pending.sends.push(send);
    this.meter.sent(send);
  }

  disk(request: DiskRequest): void {
    this.pending.disk.push(request);
    this.meter.disk(request);
  }

  reply(reply: Reply): void {
    this.pending.replies.push(reply);
    this.meter.replied(reply);
    const { request, code, message } = reply;
    if (tellsAll(this.trace)) this.trace.emit({ type: 'server.reply', request, code, message });
  }

  timer(timer: TimerName, afterUs: number): void {
    this.pending.timers.push({ timer, afterUs });
  }

  /** The process has ended in the midst of a step: nothing of it leaves, and only the trace tells of it. */
  dropAllButEvents(): void {
    this.pending = { ...empty(), events: this.pending.events };
  }

  take(digest: readonly [number, number], halted: string | null): MemberOutput {
    const { sends, disk, replies, timers, events } = this.pending;
    this.pending = empty();
    return { sends, disk, replies, timers, events, digest, halted };
  }
}
