/**
 * Members in workers, each with a twin in this thread: a member is a function of its inputs, so both are the
 * same, input for input, and who looks into the twin has looked into the member.
 */
import { fail } from '../base/assert.ts';
import { Members } from '../sim/run.ts';
import type { Boot, RunningMember } from '../sim/run.ts';
import type { MemberResult, Plan } from '../sim/types.ts';
import type { MemberHost } from './member-host.ts';
import type { Answer, MemberQuery } from './port.ts';

export class TwinnedMembers implements MemberHost {
  readonly layout = 'workers';
  readonly #workers: MemberHost;
  readonly #twins: Members;

  constructor(workers: MemberHost, boot: Boot) {
    this.#workers = workers;
    this.#twins = new Members((config, files, nowUs) => boot({ ...config, brief: true }, files, nowUs));
  }

  /**
   * The twins work while the workers do. The events are the twins': the workers' are packed already, so the
   * twins tell only what checkers read.
   */
  async perform(plan: Plan): Promise<readonly MemberResult[]> {
    const asked = this.#workers.perform(plan);
    const twins = this.#twins.perform(plan);
    const results = await asked;
    return results.map((result) => withEvents(result, twins));
  }

  running(member: number): RunningMember | undefined {
    return this.#twins.get(member);
  }

  inspect(query: MemberQuery): Promise<Answer | null> {
    return this.#workers.inspect(query);
  }

  close(): void {
    this.#workers.close();
  }
}

/** @throws InvariantError where a member and its twin differ */
function withEvents({ member, outputs }: MemberResult, twins: readonly MemberResult[]): MemberResult {
  const twin = twins.find((result) => result.member === member)?.outputs ?? [];
  if (twin.length !== outputs.length)
    fail(`twins: m${member} did ${outputs.length} inputs, its twin ${twin.length}`);
  return {
    member,
    outputs: outputs.map((output, i) => {
      const { digest, events } = twin[i];
      if (digest.some((word, at) => word !== output.digest[at]))
        fail(`twins: m${member} differs from its twin`);
      return { ...output, events };
    }),
  };
}
