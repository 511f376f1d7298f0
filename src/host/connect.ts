/** The page's side: starts the lab's worker, unpacks what it tells, and outlives its death. */
import { wrap } from 'comlink';
import { asError, Lifeline } from './crash.ts';
import type { LabMessage } from './lab-message.ts';
import type { Connect, LabCalls } from './lab-protocol.ts';
import labUrl from './lab.worker.ts?worker&url';
import type { LabOptions, LabPort, LabState, Result } from './port.ts';
import { RemoteLab, storeOf } from './remote-lab.ts';
import { placeName } from './storage-bucket.ts';
import { wallClock } from './wall-clock.ts';
import { labWorkerName, loadScript, startWorker } from './worker-script.ts';
import type { WorkerScript } from './worker-script.ts';
import { Witness } from './witness.ts';

/** Someone who moves through the page is told of so often. */
const attendMs = 30_000;

/**
 * Connects to a lab in workers. Loading them begins at once; the lab starts with `open`.
 * @param early opens the lab at once too, while its page still loads: the page's first `open` waits for that
 * one, whatever its options, and nothing is told before it
 */
export function connectLab(
  load: () => Promise<WorkerScript> = () => loadScript(labUrl),
  early: LabOptions | null = null,
): LabPort {
  return new LabConnection(load, early);
}

class LabConnection extends RemoteLab {
  protected readonly line = new Lifeline();
  protected readonly calls: Promise<LabCalls>;
  #options: LabOptions | null = null;
  #attendedMs = 0;
  #worker: Worker | null = null;
  #early: ReturnType<LabPort['open']> | null = null;

  constructor(load: () => Promise<WorkerScript>, early: LabOptions | null) {
    super();
    this.calls = load().then((script) => this.#start(script));
    this.calls.catch((error: unknown) => this.die(asError(error).message));
    if (typeof document !== 'undefined') {
      for (const type of ['pointerdown', 'keydown']) document.addEventListener(type, () => this.#attend());
    }
    if (early === null) return;
    this.feed.hold();
    this.#early = this.#open(early);
  }

  override open(options: LabOptions): Promise<Result<{ state: LabState }>> {
    const early = this.#early;
    this.#early = null;
    this.feed.release();
    return early === null ? this.#open(options) : early.then((opened) => this.#asOfNow(opened));
  }

  override endWorker(): void {
    if (this.#worker === null) return;
    this.#worker.terminate();
    this.die("The lab's worker was ended where it stood.", 'ended');
  }

  async #open(options: LabOptions): Promise<Result<{ state: LabState }>> {
    this.#options = options;
    this.feed.interventions.length = 0;
    this.watched = { witness: new Witness(placeName(options)), storage: storeOf(options) };
    const witness = options.witness ?? this.watched.witness.read(this.watched.storage);
    return this.result((calls) => calls.open({ ...options, witness }));
  }

  /** An early open may have been answered long ago, or before its events came: the later state counts. */
  #asOfNow(opened: Result<{ state: LabState }>): Result<{ state: LabState }> {
    const told = this.feed.state;
    if (!opened.ok || told === null || told.moment < opened.state.moment) return opened;
    return { ...opened, state: told };
  }

  #start(script: WorkerScript): LabCalls {
    const worker = startWorker(script, labWorkerName);
    this.#worker = worker;
    const calls = new MessageChannel();
    const trace = new MessageChannel();
    worker.onerror = (event) => {
      event.preventDefault();
      this.die(`The lab's worker failed: ${event.message || 'it could not be started'}.`);
    };
    trace.port1.onmessage = ({ data }: MessageEvent<LabMessage>) => this.hear(data);
    const connect: Connect = { calls: calls.port2, trace: trace.port2, script };
    worker.postMessage(connect, [calls.port2, trace.port2]);
    return wrap<LabCalls>(calls.port1);
  }

  #attend(): void {
    const now = wallClock.nowMs();
    if (this.#options === null || now - this.#attendedMs < attendMs) return;
    this.#attendedMs = now;
    void this.settled((calls) => calls.attend());
  }
}
