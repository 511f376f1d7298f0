/** Calls to a worker that may die: each settles with its answer or, at the latest, with the death. */

/** What a call to something dead is refused with. */
export class DeathError extends Error {
  override readonly name = 'DeathError';
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** The calls to one process. A worker's end is not told to who waits for it: whoever ends it says so here. */
export class Lifeline {
  #death: DeathError | null = null;
  #calls = 0;
  readonly #waiting = new Map<number, Waiting>();

  /** The reason of the death; null while alive. */
  get death(): DeathError | null {
    return this.#death;
  }

  /** Makes a call by number; `answer` or `refuse` with that number settles it. */
  call<Value>(send: (call: number) => void): Promise<Value> {
    if (this.#death !== null) return Promise.reject(this.#death);
    const call = ++this.#calls;
    return new Promise<Value>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      send(call);
    });
  }

  answer(call: number, value: unknown): void {
    this.#waiting.get(call)?.resolve(value as never);
    this.#waiting.delete(call);
  }

  refuse(call: number, error: Error): void {
    this.#waiting.get(call)?.reject(error);
    this.#waiting.delete(call);
  }

  /** Lets a promise of somebody else's (a Comlink call) end with the death as well. */
  race<Value>(promise: Promise<Value>): Promise<Value> {
    // after the death nobody waits for it, but it must not count as unheard
    promise.catch(() => {});
    return this.call<Value>((call) => {
      promise.then(
        (value) => this.answer(call, value),
        (error: unknown) => this.refuse(call, asError(error)),
      );
    });
  }

  /** Refuses all calls, those under way and those to come. */
  die(reason: string): void {
    if (this.#death !== null) return;
    this.#death = new DeathError(reason);
    for (const { reject } of this.#waiting.values()) reject(this.#death);
    this.#waiting.clear();
  }
}

export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
