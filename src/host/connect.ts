/** The page's side: starts the lab's worker, unpacks what it tells, and outlives its death. */
import { wrap } from 'comlink';
import { asError, Lifeline } from './crash.ts';
import { LabFeed } from './lab-message.ts';
import type { LabMessage } from './lab-message.ts';
import type { Answered, Connect, LabCalls } from './lab-protocol.ts';
import labUrl from './lab.worker.ts?worker&url';
import type { LabOptions, LabPort, LabState, Result } from './port.ts';
import { lastRunFile } from './run-file.ts';
import { closedState } from './lab-state.ts';
import { wallClock } from './wall-clock.ts';
import { labWorkerName, loadScript, startWorker } from './worker-script.ts';
import type { WorkerScript } from './worker-script.ts';
import { Witness } from './witness.ts';

/** A dying worker may still give its run file; it gets so long for it. */
const lastWordsMs = 3000;
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

const storeOf = ({ storage }: LabOptions) => (storage === 'opfs' ? 'opfs' : 'indexeddb');

class LabConnection implements LabPort {
  readonly #feed = new LabFeed();
  readonly #line = new Lifeline();
  readonly #calls: Promise<LabCalls>;
  #options: LabOptions | null = null;
  #witness: Witness | null = null;
  #attendedMs = 0;
  #early: ReturnType<LabPort['open']> | null = null;

  constructor(load: () => Promise<WorkerScript>, early: LabOptions | null) {
    this.#calls = load().then((script) => this.#start(script));
    this.#calls.catch((error: unknown) => this.#die(asError(error).message));
    if (typeof document !== 'undefined') {
      for (const type of ['pointerdown', 'keydown']) document.addEventListener(type, () => this.#attend());
    }
    if (early === null) return;
    this.#feed.hold();
    this.#early = this.#open(early);
  }

  open(options: LabOptions): Promise<Result<{ state: LabState }>> {
    const early = this.#early;
    this.#early = null;
    this.#feed.release();
    return early === null ? this.#open(options) : early.then((opened) => this.#asOfNow(opened));
  }

  async #open(options: LabOptions): Promise<Result<{ state: LabState }>> {
    this.#options = options;
    this.#feed.interventions.length = 0;
    this.#witness = new Witness(options.workspace);
    const witness = options.witness ?? this.#witness.read(storeOf(options));
    return this.#result((calls) => calls.open({ ...options, witness }));
  }

  /** An early open may have been answered long ago, or before its events came: the later state counts. */
  #asOfNow(opened: Result<{ state: LabState }>): Result<{ state: LabState }> {
    const told = this.#feed.state;
    if (!opened.ok || told === null || told.moment < opened.state.moment) return opened;
    return { ...opened, state: told };
  }

  act(command: unknown): ReturnType<LabPort['act']> {
    return this.#result((calls) => calls.act(command));
  }

  async play(): Promise<void> {
    await this.#settled((calls) => calls.play());
  }

  async pause(): Promise<void> {
    await this.#settled((calls) => calls.pause());
  }

  async setSpeed(factor: number): Promise<void> {
    await this.#settled((calls) => calls.setSpeed(factor));
  }

  step(...args: Parameters<LabPort['step']>): ReturnType<LabPort['step']> {
    return this.#result((calls) => calls.step(...args));
  }

  run(virtualUs: number): ReturnType<LabPort['run']> {
    return this.#result((calls) => calls.run(virtualUs));
  }

  async state(): Promise<LabState> {
    const answer = await this.#ask((calls) => calls.state());
    return answer.ok ? answer.value : this.#stoppedState(answer.message);
  }

  inspect(query: Parameters<LabPort['inspect']>[0]): ReturnType<LabPort['inspect']> {
    return this.#result((calls) => calls.inspect(query));
  }

  async runFile(): ReturnType<LabPort['runFile']> {
    const late = new Promise<Answered<never>>((resolve) => {
      wallClock.after(lastWordsMs, () => resolve({ ok: false, message: 'The lab does not answer.' }));
    });
    const answer = await Promise.race([this.#ask((calls) => calls.runFile()), late]);
    if (answer.ok) return answer.value;
    const { interventions } = this.#feed;
    return lastRunFile(this.#stoppedState(answer.message), interventions, answer.message);
  }

  genesis(): ReturnType<LabPort['genesis']> {
    return this.#result((calls) => calls.genesis());
  }

  async checks(): ReturnType<LabPort['checks']> {
    const answer = await this.#ask((calls) => calls.checks());
    return answer.ok ? answer.value : null;
  }

  async goOn(): Promise<void> {
    await this.#settled((calls) => calls.goOn());
  }

  async compareStore(): Promise<readonly string[]> {
    const answer = await this.#ask((calls) => calls.compareStore());
    return answer.ok ? answer.value : [answer.message];
  }

  async deleteStored(): Promise<Result<object>> {
    const deleted = await this.#result((calls) => calls.deleteStored());
    if (deleted.ok && this.#options !== null) this.#witness?.forget(storeOf(this.#options));
    return deleted;
  }

  async close(): Promise<void> {
    await this.#settled((calls) => calls.close());
  }

  subscribe(receive: Parameters<LabPort['subscribe']>[0]): () => void {
    return this.#feed.subscribe(receive);
  }

  #start(script: WorkerScript): LabCalls {
    const worker = startWorker(script, labWorkerName);
    const calls = new MessageChannel();
    const trace = new MessageChannel();
    worker.onerror = (event) => {
      event.preventDefault();
      this.#die(`The lab's worker failed: ${event.message || 'it could not be started'}.`);
    };
    trace.port1.onmessage = ({ data }: MessageEvent<LabMessage>) => {
      this.#feed.receive(data);
      this.#witness?.see(data.state);
    };
    const connect: Connect = { calls: calls.port2, trace: trace.port2, script };
    worker.postMessage(connect, [calls.port2, trace.port2]);
    return wrap<LabCalls>(calls.port1);
  }

  #die(message: string): void {
    this.#line.die(message);
    this.#feed.tellState(this.#stoppedState(message));
  }

  #stoppedState(message: string): LabState {
    const last = this.#feed.state ?? closedState;
    const stopped = last.stopped ?? { kind: 'internal', message, moment: last.moment };
    return { ...last, playing: false, stopped };
  }

  /** A call that settles whatever happens to the worker. */
  async #ask<Value>(call: (calls: LabCalls) => Promise<Answered<Value>>): Promise<Answered<Value>> {
    try {
      return await this.#line.race(this.#calls.then(call));
    } catch (error) {
      return { ok: false, message: asError(error).message };
    }
  }

  async #result<Value>(call: (calls: LabCalls) => Promise<Answered<Result<Value>>>): Promise<Result<Value>> {
    const answer = await this.#ask(call);
    return answer.ok ? answer.value : { ok: false, code: 'internal', message: answer.message };
  }

  async #settled(call: (calls: LabCalls) => Promise<Answered<unknown>>): Promise<void> {
    const answer = await this.#ask(call);
    if (!answer.ok) this.#feed.tellState(this.#stoppedState(answer.message));
  }

  #attend(): void {
    const now = wallClock.nowMs();
    if (this.#options === null || now - this.#attendedMs < attendMs) return;
    this.#attendedMs = now;
    void this.#settled((calls) => calls.attend());
  }
}
