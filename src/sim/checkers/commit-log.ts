/** What the cluster's log says: every committed request, done again on the model, with its revision. */
import { decodeLogged } from '../../engine/server/entry-data.ts';
import { AlarmModel } from './alarm-model.ts';
import { KvModel, refused } from './kv-model.ts';
import { kvRequest } from './kv-request.ts';
import type { Inspected } from './checker.ts';
import type { Change } from './kv-model.ts';
import type { KvRequest } from './kv-request.ts';
import type { Entry } from '../../engine/raft/types.ts';

/** A committed request on keys or leases. */
export interface Committed {
  readonly index: number;
  readonly request: KvRequest;
  /** The store's revision after it. */
  readonly revision: number;
  /** Null where the store refuses it. */
  readonly answer: string | null;
  readonly changes: readonly Change[];
}

/**
 * It grows as members apply: the first that applies an entry shows it. Other checkers see to it that all
 * members have the same one. A request that the model has no rule for ends it, for then nobody knows what
 * the store should be: `isSilent`.
 */
export class CommitLog {
  readonly model = new KvModel(true);
  readonly requests: Committed[] = [];
  /** The revision after each entry, from index 1 on. */
  readonly revisions: number[] = [];
  isSilent = false;
  private readonly alarms = new AlarmModel();

  /** The last entry in it. */
  get index(): number {
    return this.revisions.length;
  }

  /** Takes what these members have applied. */
  follow(world: Inspected, members: readonly number[]): void {
    for (const member of members) {
      const state = world.state(member);
      if (state === null || this.isSilent || state.applied <= this.index) continue;
      for (const entry of state.entries(this.index + 1, state.applied - this.index)) this.take(entry);
    }
  }

  private take(entry: Entry): void {
    if (entry.index !== this.index + 1) {
      // a start from a snapshot that nobody has seen the entries of: nothing is known from here on
      this.isSilent = this.isSilent || entry.index > this.index;
      return;
    }
    if (entry.type === 'EntryNormal') this.takeNormal(entry);
    this.revisions.push(this.model.revision);
  }

  private takeNormal(entry: Entry): void {
    const logged = decodeLogged(entry.data);
    if (logged.kind !== 'write') return;
    const { write } = logged;
    if (write.kind === 'alarm') {
      if (!this.alarms.take(write.body)) this.isSilent = true;
      return;
    }
    const request = kvRequest(write);
    if (request === null) {
      // who may do what is no matter of the model's, nor what a txn does within a txn
      this.isSilent = this.isSilent || write.kind === 'txn' || write.kind === 'authEnable';
      return;
    }
    const isRefused = this.alarms.refuses(request);
    const { answer, changes } = isRefused ? refused : this.model.apply(request);
    const { revision } = this.model;
    this.requests.push({ index: entry.index, request, revision, answer, changes });
  }
}
