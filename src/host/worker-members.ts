/**
 * A worker for each member's process. Ending a process ends its worker; what a dead worker still says is not
 * heard.
 */
import { assert } from '../base/assert.ts';
import type { MemberResult, Plan } from '../sim/types.ts';
import { Lifeline } from './crash.ts';
import type { MemberTold } from './lab-told.ts';
import type { MemberHost } from './member-host.ts';
import type { FromMember, Stepped, ToMember } from './member-protocol.ts';
import type { Answer, MemberQuery } from './port.ts';
import type { WallClock } from './wall-clock.ts';
import type { WorkerScript } from './worker-script.ts';
import { startWorker } from './worker-script.ts';

/** A worker that has not said a word by then does not run in this context. */
const startMs = 5000;

type Unnumbered<Message> = Message extends { readonly call: number } ? Omit<Message, 'call'> : never;

/** One life: a worker from its start to its end. A new process of the member is another one. */
class Life {
  readonly #worker: Worker;
  readonly #line = new Lifeline();
  readonly ready: Promise<void>;

  constructor(script: WorkerScript, member: number, clock: WallClock) {
    this.#worker = startWorker(script, `m${member}`);
    this.ready = this.#line.call((call) => {
      const cancel = clock.after(startMs, () => this.end(`the worker of m${member} did not start`));
      this.#worker.onmessage = ({ data }: MessageEvent<FromMember>) => {
        cancel();
        this.#hear(data, call);
      };
    });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.end(`the worker of m${member} failed: ${event.message || 'it could not be loaded'}`);
    };
  }

  ask<Value>(message: Unnumbered<ToMember>): Promise<Value> {
    return this.#line.call((call) => this.#worker.postMessage({ ...message, call }));
  }

  end(reason: string): void {
    this.#worker.terminate();
    this.#worker.onmessage = null;
    this.#worker.onerror = null;
    this.#line.die(reason);
  }

  #hear(message: FromMember, readyCall: number): void {
    switch (message.kind) {
      case 'ready':
        return this.#line.answer(readyCall, undefined);
      case 'stepped':
        return this.#line.answer(message.call, message.stepped);
      case 'answer':
        return this.#line.answer(message.call, message.answer);
      case 'failed':
        return this.#line.refuse(message.call, new Error(message.message));
      default:
        message satisfies never;
    }
  }
}

export class WorkerMembers implements MemberHost {
  readonly layout = 'workers';
  readonly #script: WorkerScript;
  readonly #clock: WallClock;
  readonly #told: (told: MemberTold) => void;
  /** Started workers whose process has not: there from the open on, so that a lab starts at once. */
  readonly #spare = new Map<number, Life>();
  readonly #lives = new Map<number, Life>();

  private constructor(script: WorkerScript, clock: WallClock, told: (told: MemberTold) => void) {
    this.#script = script;
    this.#clock = clock;
    this.#told = told;
  }

  /** Starts all workers. @throws Error where this context runs no workers inside a worker */
  static async start(
    script: WorkerScript,
    memberCount: number,
    clock: WallClock,
    told: (told: MemberTold) => void,
  ): Promise<WorkerMembers> {
    const host = new WorkerMembers(script, clock, told);
    try {
      for (let member = 1; member <= memberCount; member++) host.#spare.set(member, host.#life(member));
      await Promise.all([...host.#spare.values()].map(({ ready }) => ready));
      return host;
    } catch (error) {
      host.close();
      throw error;
    }
  }

  async perform({ lifecycle, steps, timeUs }: Plan): Promise<readonly MemberResult[]> {
    if (lifecycle?.kind === 'stop') {
      this.#lives.get(lifecycle.member)?.end(`m${lifecycle.member} was killed`);
      this.#lives.delete(lifecycle.member);
      return [];
    }
    if (lifecycle?.kind === 'start') {
      const { config, files, moment, clockUs } = lifecycle;
      const life = this.#begin(config.nodeId);
      return [
        await this.#result(
          config.nodeId,
          life.ask({ kind: 'start', timeUs, clockUs, moment, config, files: [...files] }),
        ),
      ];
    }
    return Promise.all(
      steps.map(({ member, clockUs, inputs }) => {
        const life = this.#lives.get(member);
        assert(life !== undefined, 'members: a step finds no process');
        return this.#result(member, life.ask({ kind: 'step', timeUs, clockUs, inputs }));
      }),
    );
  }

  async inspect(query: MemberQuery): Promise<Answer | null> {
    return (await this.#lives.get(query.member)?.ask<Answer | null>({ kind: 'inspect', query })) ?? null;
  }

  close(): void {
    for (const life of [...this.#lives.values(), ...this.#spare.values()]) life.end('the lab is closed');
    this.#lives.clear();
    this.#spare.clear();
  }

  #life(member: number): Life {
    const life = new Life(this.#script, member, this.#clock);
    life.ready.catch(() => {});
    return life;
  }

  #begin(member: number): Life {
    const life = this.#spare.get(member) ?? this.#life(member);
    this.#spare.delete(member);
    this.#lives.set(member, life);
    return life;
  }

  async #result(member: MemberResult['member'], asked: Promise<Stepped>): Promise<MemberResult> {
    const { outputs, chunk, notes } = await asked;
    this.#told({ chunk, notes });
    return { member, outputs };
  }
}
