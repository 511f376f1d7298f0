/** A worker as one member: one process. Ending the worker is killing the process. */
import { assert } from '../base/assert.ts';
import { Member } from '../engine/server/member.ts';
import type { MemberOutput } from '../engine/server/types.ts';
import { asError } from './crash.ts';
import { answerQuery } from './member-host.ts';
import type { FromMember, Stepped, ToMember, WorkerScope } from './member-protocol.ts';
import type { MemberNotes } from './notes.ts';
import { noNotes, noteEvent } from './notes.ts';
import { TraceEncoder } from './trace-codec.ts';

/** A process and what its worker keeps of it. */
class MemberProcess {
  readonly #member: Member;
  readonly #encoder: TraceEncoder;
  #notes: MemberNotes;
  readonly #boot: MemberOutput;

  constructor({ config, files, timeUs, clockUs, moment }: Extract<ToMember, { kind: 'start' }>) {
    this.#encoder = new TraceEncoder(config.nodeId);
    this.#notes = noNotes(config.nodeId);
    const { member, output } = Member.boot(config, new Map(files), clockUs);
    this.#member = member;
    this.#boot = this.#emptied(output, moment, timeUs);
  }

  booted(): Stepped {
    return this.#stepped([this.#boot]);
  }

  step({ inputs, timeUs, clockUs }: Extract<ToMember, { kind: 'step' }>): Stepped {
    const outputs: MemberOutput[] = [];
    for (const { moment, input } of inputs) {
      const output = this.#member.step(input, clockUs);
      outputs.push(this.#emptied(output, moment, timeUs));
      if (output.halted !== null) break;
    }
    return this.#stepped(outputs);
  }

  answer({
    query,
  }: Extract<ToMember, { kind: 'inspect' }>): Extract<FromMember, { kind: 'answer' }>['answer'] {
    return answerQuery(this.#member, query);
  }

  #stepped(outputs: readonly MemberOutput[]): Stepped {
    return { outputs, chunk: this.#encoder.take(), notes: this.#notes };
  }

  /**
   * Packs the events away, and frees the bytes of the buffers around them: a clone would copy those whole.
   */
  #emptied(output: MemberOutput, moment: number, timeUs: number): MemberOutput {
    const { member } = this.#notes;
    output.events.forEach((event, ordinal) => {
      this.#encoder.add({ moment, ordinal, timeUs, member }, event);
      this.#notes = noteEvent(this.#notes, event, moment);
    });
    return {
      ...output,
      events: [],
      sends: output.sends.map((send) => ({ ...send, bytes: own(send.bytes) })),
      replies: output.replies.map((reply) => ({ ...reply, bytes: own(reply.bytes) })),
      disk: output.disk.map((request) =>
        request.kind === 'write' ? { ...request, data: own(request.data) } : request,
      ),
    };
  }
}

const own = (bytes: Uint8Array): Uint8Array =>
  bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();

/** Makes a worker's scope a member's: it answers the lab's worker from now on. */
export function runMember(scope: WorkerScope): void {
  let running: MemberProcess | null = null;
  const take = (message: ToMember): FromMember => {
    const { call } = message;
    if (message.kind === 'start') {
      assert(running === null, 'member worker: a worker runs one process in its life');
      running = new MemberProcess(message);
      return { kind: 'stepped', call, stepped: running.booted() };
    }
    assert(running !== null, 'member worker: nothing runs yet');
    if (message.kind === 'step') return { kind: 'stepped', call, stepped: running.step(message) };
    return { kind: 'answer', call, answer: running.answer(message) };
  };
  const send = (message: FromMember): void => {
    const chunk = message.kind === 'stepped' ? message.stepped.chunk : null;
    scope.postMessage(message, chunk === null ? [] : [chunk.words.buffer as ArrayBuffer]);
  };
  scope.onmessage = (event: MessageEvent<ToMember>) => {
    try {
      send(take(event.data));
    } catch (error) {
      const { name, message } = asError(error);
      send({ kind: 'failed', call: event.data.call, message: `${name}: ${message}` });
    }
  };
  send({ kind: 'ready' });
}
