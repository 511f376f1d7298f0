/** C2: one order of all requests explains what clients heard, and it respects real time. */
import { testify } from './witness.ts';
import { search } from './wgl.ts';
import { KvModel } from './kv-model.ts';
import type { Checker, Counts, Inspected } from './checker.ts';
import type { CommitLog } from './commit-log.ts';
import type { History, Operation } from './history.ts';
import type { Verdict } from './wgl.ts';

const defaultBudget = 100_000;

/** What was decided, and how often it could not be. */
export interface LinearizabilityWork {
  operations: number;
  searched: number;
  undecided: number;
  steps: number;
}

/**
 * Decides a history without the log. An order that was found is gone through again; a verdict against, which
 * rests on hashes, is asked for twice.
 */
export function decide(history: readonly Operation[], budget = defaultBudget): Verdict {
  const verdict = search(history, budget);
  if (verdict.kind === 'contradictory') return search(history, budget, 2);
  if (verdict.kind === 'linearizable' && !explains(verdict.order)) {
    return { ...verdict, kind: 'undecided' };
  }
  return verdict;
}

/** Whether each operation of an order has its answer, and comes behind none that began after its end. */
function explains(order: readonly Operation[]): boolean {
  const model = new KvModel(false);
  let latestCallUs = -Infinity;
  for (const { request, answer, revision, callUs, returnUs } of order) {
    if (returnUs < latestCallUs) return false;
    latestCallUs = Math.max(latestCallUs, callUs);
    const effect = model.apply(request);
    if (answer !== null && effect.answer !== answer) return false;
    if (answer !== null && revision !== null && revision !== model.revision) return false;
  }
  return true;
}

/**
 * Two deciders that share nothing but the model. The witness takes the log's order. The search takes from
 * the log what became of requests that nobody had an answer to, and finds an order by itself.
 */
export class Linearizability implements Checker {
  readonly property = 'C2';
  readonly sentence =
    'All requests have their effects at one moment between call and answer: linearizable, as etcd promises.';
  readonly reads = [];
  readonly work: LinearizabilityWork = { operations: 0, searched: 0, undecided: 0, steps: 0 };
  private readonly history: History;
  private readonly log: CommitLog;
  private readonly budget: number;

  constructor(history: History, log: CommitLog, budget = defaultBudget) {
    this.history = history;
    this.log = log;
    this.budget = budget;
  }

  counts(): Counts {
    const { operations, searched, undecided } = this.work;
    return { operations, searched, undecided };
  }

  whole(_: Inspected): string | null {
    const history = this.history.whole();
    this.work.operations = history.length;
    const known = this.log.isSilent ? null : testify(history, this.log.requests);
    if (known !== null && known.contradiction !== null) return known.contradiction;
    const verdict = decide(known?.resolved ?? history, this.budget);
    this.work.searched++;
    this.work.steps += verdict.steps;
    if (verdict.kind === 'undecided') this.work.undecided++;
    if (verdict.kind !== 'contradictory') return null;
    const last = verdict.order.at(-1)?.id ?? 0;
    const reached = `${verdict.order.length} of ${history.length}`;
    return `no order explains the answers; the longest has ${reached} requests and ends with request ${last}`;
  }
}
