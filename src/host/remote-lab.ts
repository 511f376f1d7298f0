/** A lab in a worker, as its page holds it: every call settles, whatever happens to the worker. */
import { wrap } from 'comlink';
import { asError } from './crash.ts';
import type { Lifeline } from './crash.ts';
import { LabFeed } from './lab-message.ts';
import type { LabMessage } from './lab-message.ts';
import type { Answered, LabCalls } from './lab-protocol.ts';
import { closedState } from './lab-state.ts';
import type { LabOptions, LabPort, LabState, Result, StoredWhere } from './port.ts';
import { lastRunFile } from './run-file.ts';
import { placeName } from './storage-bucket.ts';
import { wallClock } from './wall-clock.ts';
import { Witness } from './witness.ts';

/** A dying worker may still give its run file; it gets so long for it. */
const lastWordsMs = 3000;

/** What the page remembers of a store. */
export interface Watched {
  readonly witness: Witness;
  readonly storage: 'opfs' | 'indexeddb';
}

/** The store that options name. */
export const storeOf = ({ storage }: Pick<LabOptions, 'storage'>): Watched['storage'] =>
  storage === 'opfs' ? 'opfs' : 'indexeddb';

export abstract class RemoteLab implements LabPort {
  protected readonly feed = new LabFeed();
  /** What remembers how far its store has come, while it has one. */
  protected watched: Watched | null = null;
  /** Ends with the worker. */
  protected abstract readonly line: Lifeline;
  protected abstract readonly calls: Promise<LabCalls>;
  #deathKind: 'internal' | 'ended' = 'internal';

  open(options: LabOptions): Promise<Result<{ state: LabState }>> {
    return this.result((calls) => calls.open(options));
  }

  act(command: unknown): ReturnType<LabPort['act']> {
    return this.result((calls) => calls.act(command));
  }

  async play(): Promise<void> {
    await this.settled((calls) => calls.play());
  }

  async pause(): Promise<void> {
    await this.settled((calls) => calls.pause());
  }

  async setSpeed(factor: number): Promise<void> {
    await this.settled((calls) => calls.setSpeed(factor));
  }

  step(...args: Parameters<LabPort['step']>): ReturnType<LabPort['step']> {
    return this.result((calls) => calls.step(...args));
  }

  run(virtualUs: number): ReturnType<LabPort['run']> {
    return this.result((calls) => calls.run(virtualUs));
  }

  async state(): Promise<LabState> {
    const answer = await this.#ask((calls) => calls.state());
    return answer.ok ? answer.value : this.#stoppedState(answer.message);
  }

  inspect(query: Parameters<LabPort['inspect']>[0]): ReturnType<LabPort['inspect']> {
    return this.result((calls) => calls.inspect(query));
  }

  async runFile(): ReturnType<LabPort['runFile']> {
    const late = new Promise<Answered<never>>((resolve) => {
      wallClock.after(lastWordsMs, () => resolve({ ok: false, message: 'The lab does not answer.' }));
    });
    const answer = await Promise.race([this.#ask((calls) => calls.runFile()), late]);
    if (answer.ok) return answer.value;
    const { interventions } = this.feed;
    return lastRunFile(this.#stoppedState(answer.message), interventions, answer.message);
  }

  genesis(): ReturnType<LabPort['genesis']> {
    return this.result((calls) => calls.genesis());
  }

  async checks(): ReturnType<LabPort['checks']> {
    const answer = await this.#ask((calls) => calls.checks());
    return answer.ok ? answer.value : null;
  }

  async goOn(): Promise<void> {
    await this.settled((calls) => calls.goOn());
  }

  async compareStore(): Promise<readonly string[]> {
    const answer = await this.#ask((calls) => calls.compareStore());
    return answer.ok ? answer.value : [answer.message];
  }

  async release(): ReturnType<LabPort['release']> {
    const released = await this.result((calls) => calls.release());
    if (released.ok) this.watched = null;
    return released;
  }

  /** What is remembered of the run before goes first: its end is later than the new one's may be. */
  async adopt(where: StoredWhere): ReturnType<LabPort['adopt']> {
    const watched = { witness: new Witness(placeName(where)), storage: storeOf(where) };
    watched.witness.forget(watched.storage);
    const adopted = await this.result((calls) => calls.adopt(where));
    if (!adopted.ok) return adopted;
    this.watched = watched;
    const state = await this.state();
    watched.witness.see(state);
    return adopted;
  }

  async deleteStored(): Promise<Result<object>> {
    const deleted = await this.result((calls) => calls.deleteStored());
    if (deleted.ok) this.watched?.witness.forget(this.watched.storage);
    return deleted;
  }

  async close(): Promise<void> {
    await this.settled((calls) => calls.close());
  }

  subscribe(receive: Parameters<LabPort['subscribe']>[0]): () => void {
    return this.feed.subscribe(receive);
  }

  /** Ends the worker, where it is this one's to end. */
  endWorker?(): void;

  /** Its worker is gone: whoever subscribed is told. */
  die(message: string, kind: 'internal' | 'ended' = 'internal'): void {
    this.line.die(message);
    this.#deathKind = kind;
    this.feed.tellState(this.#stoppedState(message));
  }

  /** What its worker tells. */
  protected hear(message: LabMessage): void {
    // what was on its way when the worker ended
    if (this.line.death !== null) return;
    this.feed.receive(message);
    this.watched?.witness.see(message.state);
  }

  #stoppedState(message: string): LabState {
    const last = this.feed.state ?? closedState;
    const stopped = last.stopped ?? { kind: this.#deathKind, message, moment: last.moment };
    return { ...last, playing: false, stopped };
  }

  /** A call that settles whatever happens to the worker. */
  async #ask<Value>(call: (calls: LabCalls) => Promise<Answered<Value>>): Promise<Answered<Value>> {
    try {
      return await this.line.race(this.calls.then(call));
    } catch (error) {
      return { ok: false, message: asError(error).message };
    }
  }

  protected async result<Value>(
    call: (calls: LabCalls) => Promise<Answered<Result<Value>>>,
  ): Promise<Result<Value>> {
    const answer = await this.#ask(call);
    return answer.ok ? answer.value : { ok: false, code: 'internal', message: answer.message };
  }

  protected async settled(call: (calls: LabCalls) => Promise<Answered<unknown>>): Promise<void> {
    const answer = await this.#ask(call);
    if (!answer.ok) this.feed.tellState(this.#stoppedState(answer.message));
  }
}

/** A lab that is open already, behind two ports of a worker. */
export class PortLab extends RemoteLab {
  protected readonly line: Lifeline;
  protected readonly calls: Promise<LabCalls>;

  constructor(calls: MessagePort, trace: MessagePort, line: Lifeline) {
    super();
    this.line = line;
    this.calls = Promise.resolve(wrap<LabCalls>(calls));
    trace.onmessage = ({ data }: MessageEvent<LabMessage>) => this.hear(data);
  }
}
