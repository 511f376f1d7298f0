/** Bugs of the harness itself: would it notice that it has gone blind? */
import { Member } from '../../src/engine/server/member.ts';
import { contradiction } from '../../src/sim/checkers/witness.ts';
import { replay } from '../../src/sim/run.ts';
import { badHistories } from './histories.ts';
import { decide } from '../../src/sim/checkers/linearizability.ts';
import { Run, configOf } from './run.ts';
import type { MemberConfig, MemberInput, MemberOutput } from '../../src/engine/server/types.ts';
import type { Boot, RunningMember } from '../../src/sim/run.ts';
import type { RunPlan } from './run.ts';

export interface Canary {
  readonly id: string;
  readonly what: string;
  isCaught(): boolean;
}

const plan: RunPlan = {
  seed: 1,
  members: 3,
  virtualUs: 3_000_000,
  faults: [],
  perSecond: 4,
  defects: {},
};

/** A member whose digest is changed by what must not play a part. */
function tampered(change: (config: MemberConfig, steps: number) => number): Boot {
  return (config, files, nowUs) => {
    const { member, output } = Member.boot(config, files, nowUs);
    let steps = 0;
    const tamper = (each: MemberOutput): MemberOutput => {
      const [low, high] = each.digest;
      return Object.assign(each, { digest: [(low ^ change(config, steps++)) >>> 0, high] as const });
    };
    const running: RunningMember = {
      step: (input: MemberInput, atUs: number) => tamper(member.step(input, atUs)),
    };
    return { member: running, output: tamper(output) };
  };
}

/** Whether a run and its replay, which tells no events, come to different chain hashes. */
function differs(boot: Boot): boolean {
  const run = new Run({ ...plan, boot });
  run.run();
  const { interventions, moment, chainHash } = run.cluster;
  const again = replay(configOf(plan), interventions, boot, moment);
  return again.cluster.chainHash !== chainHash;
}

let order = 0;

export const canaries: readonly Canary[] = [
  {
    id: 'K1',
    what: 'a number is drawn only where events are told',
    isCaught: () =>
      !differs(tampered(() => 0)) && differs(tampered(({ trace }, steps) => (trace && steps === 9 ? 1 : 0))),
  },
  {
    id: 'K2',
    what: 'the order of a map from outside',
    isCaught: () => differs(tampered(() => (order++ % 7 === 0 ? order : 0))),
  },
  {
    id: 'K3',
    what: 'a clock of the real world',
    isCaught: () => differs(tampered(() => Number(process.hrtime.bigint() & 0xffn))),
  },
  {
    id: 'K4',
    what: 'a checker that says yes to everything',
    isCaught: () =>
      badHistories.length > 0 &&
      badHistories.every(({ history }) => decide(history).kind === 'contradictory'),
  },
  {
    id: 'K5',
    what: 'a fault that never fires',
    isCaught: () => {
      const kill = { atUs: 2_000_000, action: { type: 'kill', member: 2 } } as const;
      const fired = new Run({ ...plan, schedule: [kill] }).run().reach.kills;
      const absent = new Run({
        ...plan,
        schedule: [{ ...kill, atUs: 2 * plan.virtualUs }].filter(({ atUs }) => atUs < plan.virtualUs),
      }).run();
      return fired === 1 && absent.reach.kills === 0;
    },
  },
  {
    id: 'K6',
    what: 'the history loses a request',
    isCaught: () => {
      const { judge } = new Run(plan).run();
      const history = judge.history.whole();
      const write = history.findIndex(({ request, answer }) => request.kind === 'put' && answer !== null);
      const whole = contradiction(history, judge.log.requests);
      const holed = contradiction(
        history.filter((_, i) => i !== write),
        judge.log.requests,
      );
      return write >= 0 && whole === null && holed !== null;
    },
  },
];
