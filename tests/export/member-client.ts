/** A client beside a member of a simulated cluster: any request, as what that member is given next. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { Member } from '../../src/engine/server/member.ts';
import type { MemberInput, MemberOutput, Reply, RpcMethod } from '../../src/engine/server/types.ts';
import type { Boot, RunningMember } from '../../src/sim/run.ts';
import { Lab } from '../sim/worlds.ts';

/** Numbers of requests that the world's own clients do not come to. */
const firstRequest = 1_000_000_000;

/** What waits to be asked of a member, and what came back. */
interface Desk {
  readonly waiting: Extract<MemberInput, { kind: 'request' }>[];
  readonly replies: Map<number, Reply[]>;
}

/** A member whose clients at the desk are served with whatever it is given next. */
class AttendedMember implements RunningMember {
  readonly #member: Member;
  readonly #desk: Desk;

  constructor(member: Member, desk: Desk) {
    this.#member = member;
    this.#desk = desk;
  }

  step(input: MemberInput, nowUs: number): MemberOutput {
    const outputs = [this.#member.step(input, nowUs)];
    for (const request of this.#desk.waiting.splice(0)) outputs.push(this.#member.step(request, nowUs));
    const last = outputs[outputs.length - 1];
    const replies = outputs.flatMap((output) => output.replies);
    for (const reply of replies) this.#desk.replies.get(reply.request)?.push(reply);
    return {
      ...last,
      sends: outputs.flatMap((output) => output.sends),
      disk: outputs.flatMap((output) => output.disk),
      timers: outputs.flatMap((output) => output.timers),
      events: outputs.flatMap((output) => output.events),
      replies: replies.filter(({ request }) => request < firstRequest),
    };
  }
}

/** Three members, and a client at the first: what it asks goes through raft like any other request. */
export class AttendedLab {
  readonly lab: Lab;
  readonly #desk: Desk = { waiting: [], replies: new Map() };
  #nextRequest = firstRequest;

  constructor(seed: number) {
    const boot: Boot = (config, files, nowUs) => {
      const { member, output } = Member.boot(config, files, nowUs);
      return { member: config.nodeId === 1 ? new AttendedMember(member, this.#desk) : member, output };
    };
    this.lab = new Lab(boot, { seed });
    this.lab.runFor(3_000_000);
  }

  /** Sends requests of one kind at once and waits for all answers. @throws Error with a refusal's text */
  askAll<Request extends DescMessage, Response extends DescMessage>(
    method: RpcMethod,
    [request, response]: readonly [Request, Response],
    inits: readonly MessageInitShape<Request>[],
  ): MessageShape<Response>[] {
    const numbers = inits.map((init) => {
      const number = this.#nextRequest++;
      this.#desk.replies.set(number, []);
      const bytes = toBinary(request, create(request, init));
      this.#desk.waiting.push({ kind: 'request', request: number, method, bytes });
      return number;
    });
    return numbers.map((number) => fromBinary(response, this.#answers(number)[0].bytes));
  }

  ask<Request extends DescMessage, Response extends DescMessage>(
    method: RpcMethod,
    types: readonly [Request, Response],
    init: MessageInitShape<Request>,
  ): MessageShape<Response> {
    return this.askAll(method, types, [init])[0];
  }

  /** All answers of a stream that the member ends. */
  stream<Request extends DescMessage, Response extends DescMessage>(
    method: RpcMethod,
    [request, response]: readonly [Request, Response],
    init: MessageInitShape<Request>,
  ): MessageShape<Response>[] {
    const number = this.#nextRequest++;
    this.#desk.replies.set(number, []);
    const bytes = toBinary(request, create(request, init));
    this.#desk.waiting.push({ kind: 'request', request: number, method, bytes });
    const answers = this.#answers(number).filter(({ bytes: body }) => body.length > 0);
    return answers.map((reply) => fromBinary(response, reply.bytes));
  }

  #answers(number: number): Reply[] {
    const replies = this.#desk.replies.get(number) ?? [];
    this.lab.runUntil(() => replies.length > 0 && replies[replies.length - 1].more !== true);
    this.#desk.replies.delete(number);
    const refused = replies.find(({ code }) => code !== 0);
    if (refused !== undefined) throw new Error(refused.message);
    return replies;
  }
}
