/** Who runs the members' processes: this thread, or a worker for each. */
import type { MemberConfig, MemberOutput, DiskImage } from '../engine/server/types.ts';
import type { PageRun } from '../engine/bolt/types.ts';
import type { Status } from '../engine/raft/status.ts';
import type { RunningMember } from '../sim/run.ts';
import { Members } from '../sim/run.ts';
import type { MemberResult, Plan } from '../sim/types.ts';
import type { Answer, MemberQuery, PageView, RaftView } from './port.ts';

export interface MemberHost {
  readonly layout: 'workers' | 'one';
  /** Does a plan's steps, or starts or ends a process. Rejects only for faults of ours. */
  perform(plan: Plan): readonly MemberResult[] | Promise<readonly MemberResult[]>;
  /** Null where the member has no process, or has not what was asked for. */
  inspect(query: MemberQuery): Promise<Answer | null>;
  close(): void;
}

/** A member that can also be looked into. */
export interface VisibleMember extends RunningMember {
  readonly pageSize: number;
  pageRuns(): readonly PageRun[];
  logEntries(
    from: number,
    limit: number,
  ): {
    readonly firstIndex: number;
    readonly entries: readonly { readonly index: number; readonly term: number; readonly label: string }[];
  };
  page(id: number): PageView | null;
  raftStatus(): Status | null;
}

export type BootMember = (
  config: MemberConfig,
  files: DiskImage,
  nowUs: number,
) => { readonly member: VisibleMember; readonly output: MemberOutput };

/** Answers a view's question from a member's present state; null for a page that is not there. */
export function answerQuery(member: VisibleMember, query: MemberQuery): Answer | null {
  switch (query.kind) {
    case 'pages':
      return { kind: 'pages', pageSize: member.pageSize, runs: member.pageRuns() };
    case 'log':
      return { kind: 'log', ...member.logEntries(query.from, query.limit) };
    case 'page': {
      const page = member.page(query.pgid);
      return page === null ? null : { kind: 'page', page };
    }
    case 'raft': {
      const status = member.raftStatus();
      return status === null ? null : { kind: 'raft', raft: raftView(status) };
    }
    default:
      return query satisfies never;
  }
}

function raftView({ config, progress, ...status }: Status): RaftView {
  const { state, term, lead, commit, applied, firstIndex, lastIndex, leadTransferee } = status;
  const { voters, votersOutgoing, learners, learnersNext } = config;
  return {
    ...{ state, term, lead, commit, applied, firstIndex, lastIndex, leadTransferee },
    ...{ voters, votersOutgoing, learners, learnersNext },
    progress: progress.map((each) => ({
      member: each.id,
      state: each.state,
      match: each.match,
      next: each.next,
      inflight: each.inflights.count,
      inflightLimit: each.inflights.maxCount,
      recentActive: each.recentActive,
      paused: each.isPaused(),
      pendingSnapshot: each.pendingSnapshot,
      isLearner: each.isLearner,
    })),
  };
}

/** All members in the lab's own thread. */
export class LocalMembers implements MemberHost {
  readonly layout = 'one';
  readonly #members: Members;

  /** @param from what starts members, or members that it started and that run already */
  constructor(from: BootMember | Members) {
    this.#members = from instanceof Members ? from : new Members(from);
  }

  perform(plan: Plan): readonly MemberResult[] {
    return this.#members.perform(plan);
  }

  running(member: number): VisibleMember | undefined {
    return this.#members.get(member) as VisibleMember | undefined;
  }

  async inspect(query: MemberQuery): Promise<Answer | null> {
    const member = this.running(query.member);
    return member === undefined ? null : answerQuery(member, query);
  }

  close(): void {}
}
