/** Both freelists under a member's own requests: the newest transaction step by step, and all work so far. */
import type { FreelistPort, Mirror } from '../host/freelist-port.ts';
import {
  operationSteps,
  timelineOf,
  touchedPages,
  viewRace,
  type RaceView,
  type SideName,
  type Timeline,
  type Work,
} from './freelist-view.ts';
import type { ListTrace } from './list-trace.ts';
import { Stepper } from './stepper.svelte.ts';

interface Seen {
  readonly reflected: Mirror;
  readonly timeline: Timeline;
  readonly trace: ListTrace;
  readonly txid: number;
}

interface Wanted {
  readonly trace: ListTrace;
  readonly txid: number;
}

export class LiveLists extends Stepper {
  /** What went wrong; empty: nothing did. */
  problem = $state('');
  #seen = $state.raw<Seen | null>(null);
  readonly lastStep: number = $derived((this.#seen?.timeline.moments.length ?? 1) - 1);
  readonly partSteps: readonly number[] = $derived(operationSteps(this.#seen?.timeline ?? null));
  /** The transaction that is told step by step; null before the first. */
  readonly txid: number | null = $derived(this.#seen?.txid ?? null);
  /** The counts begin after this transaction. */
  readonly sinceTxid: number = $derived(this.#seen?.trace.sinceTxid ?? 0);
  readonly callCount: number = $derived(this.#seen?.reflected.callCount ?? 0);
  readonly view: RaceView | null = $derived(
    this.#seen &&
      viewRace(
        this.#seen.reflected.race,
        this.#seen.timeline,
        this.step,
        touchedPages(this.#seen.reflected.race),
      ),
  );

  protected readonly stepMs = 520;
  readonly #port: FreelistPort;
  #wanted: Wanted | null = null;
  #isAsking = false;

  constructor(port: FreelistPort) {
    super();
    this.#port = port;
  }

  /** All that a list has done since `sinceTxid`, up to the step that is shown. */
  workOf(side: SideName): Work {
    const { scanned, probed, merged, moved } = this.#seen?.reflected.before[side] ?? {
      scanned: 0,
      probed: 0,
      merged: 0,
      moved: 0,
    };
    const now = this.view?.[side].work;
    return {
      scanned: scanned + (now?.scanned ?? 0),
      probed: probed + (now?.probed ?? 0),
      merged: merged + (now?.merged ?? 0),
      movedBytes: moved + (now?.movedBytes ?? 0),
    };
  }

  /** Shows what a member has asked so far, transaction `txid` in steps; null: nothing. */
  follow(trace: ListTrace | null, txid: number): void {
    const { trace: shown, txid: shownTxid } = this.#wanted ?? this.#seen ?? { trace: null, txid: 0 };
    if (trace === shown && txid === shownTxid) return;
    this.#wanted = trace === null ? null : { trace, txid };
    if (trace === null) this.#seen = null;
    else if (!this.#isAsking) void this.#ask();
  }

  close(): void {
    this.#wanted = null;
    this.#port.close();
  }

  /** One question at a time: a member under load asks faster than a picture is drawn. */
  async #ask(): Promise<void> {
    this.#isAsking = true;
    for (let next = this.#wanted; next !== null; next = this.#wanted) {
      const { trace, txid } = next;
      const first = trace.calls.findIndex((call) => call.txid >= txid);
      const from = first < 0 ? trace.calls.length : first;
      const { free, highWater, calls } = trace;
      const answer = await this.#port.reflect({ free, highWater, calls }, from);
      if (this.#wanted !== next) continue;
      this.#wanted = null;
      this.problem = answer.ok ? '' : answer.message;
      const seen = answer.ok
        ? { reflected: answer.reflection, timeline: timelineOf(answer.reflection.race), ...next }
        : null;
      this.#show(seen);
    }
    this.#isAsking = false;
  }

  #show(seen: Seen | null): void {
    const goesOn = this.playing;
    this.#seen = seen;
    this.seek(this.lastStep);
    if (goesOn) this.playFromStart();
  }
}
