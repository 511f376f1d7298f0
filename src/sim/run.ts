/** Runs a cluster in one thread: Node, tests, the one-worker layout and replays. */
import { fail } from '../base/assert.ts';
import { sharedByForks } from '../base/fork.ts';
import { Cluster } from './cluster.ts';
import type { DiskImage, MemberConfig, MemberInput, MemberOutput } from '../engine/server/types.ts';
import type { ClusterConfig, Intervention, MemberResult, Plan } from './types.ts';

/** A member's process as a function of its inputs. */
export interface RunningMember {
  step(input: MemberInput, nowUs: number): MemberOutput;
  /** Whether it tells events from now on; `brief`: only those that checkers read. */
  listen?(on: boolean, brief?: boolean): void;
}

export type Boot = (
  config: MemberConfig,
  files: DiskImage,
  nowUs: number,
) => { readonly member: RunningMember; readonly output: MemberOutput };

/** The members' processes; does a plan's work in this thread. */
export class Members {
  private readonly boot: Boot;
  private readonly running = new Map<number, RunningMember>();

  constructor(boot: Boot) {
    this.boot = sharedByForks(boot);
  }

  /** The member's process; undefined where none runs. */
  get(member: number): RunningMember | undefined {
    return this.running.get(member);
  }

  /** Whether all that run tell events from now on; `brief`: only those that checkers read. */
  listen(on: boolean, brief?: boolean): void {
    for (const member of this.running.values()) member.listen?.(on, brief);
  }

  /** Does the plan's lifecycle change or steps. After a halt a member's outputs end. */
  perform(plan: Plan): MemberResult[] {
    const { lifecycle } = plan;
    if (lifecycle?.kind === 'stop') this.running.delete(lifecycle.member);
    else if (lifecycle?.kind === 'start') {
      const { config, files, clockUs } = lifecycle;
      const { member, output } = this.boot(config, files, clockUs);
      this.running.set(config.nodeId, member);
      return [{ member: config.nodeId, outputs: [output] }];
    }
    return plan.steps.map(({ member, clockUs, inputs }) => {
      const running = this.running.get(member) ?? fail(`run: m${member} has no process`);
      const outputs: MemberOutput[] = [];
      for (const { input } of inputs) {
        const output = running.step(input, clockUs);
        outputs.push(output);
        if (output.halted !== null) break;
      }
      return { member, outputs };
    });
  }
}

/**
 * Plans, performs and merges until the condition holds between two plans; false when nothing is left to
 * happen. A condition that never holds runs for ever: give it a limit of time.
 */
export function runUntil(cluster: Cluster, members: Members, until: (cluster: Cluster) => boolean): boolean {
  while (!until(cluster)) {
    const plan = cluster.plan();
    if (plan === null) return false;
    cluster.merge(plan, members.perform(plan));
  }
  return true;
}

/** Boots nothing by itself: the cluster's first plans start the members. Returns them, to go on with. */
export function runSync(cluster: Cluster, boot: Boot, until: (cluster: Cluster) => boolean): Members {
  const members = new Members(boot);
  runUntil(cluster, members, until);
  return members;
}

/**
 * Runs a recorded run again, up to the first end of a plan at or past `moment`: each action is done where it
 * was done then. The same configuration gives the same chain hash there.
 */
export function replay(
  config: ClusterConfig,
  interventions: readonly Intervention[],
  boot: Boot,
  moment: number,
): { readonly cluster: Cluster; readonly members: Members } {
  const cluster = new Cluster(config);
  let done = 0;
  const members = runSync(cluster, boot, () => {
    while (done < interventions.length && interventions[done].moment <= cluster.moment) {
      cluster.act(interventions[done++].action);
    }
    return cluster.moment >= moment;
  });
  return { cluster, members };
}
