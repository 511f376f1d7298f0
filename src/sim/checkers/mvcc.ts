/** C5: each member's store is what the log leads to: revisions, versions, tombstones, compactions. */
import { emptyBytes } from '../../base/bytes.ts';
import { decodeRevision, isTombstone } from '../../engine/mvcc/revision.ts';
import { decodeKeyValue } from '../../engine/pb/hot.ts';
import { byteText, pairText } from './kv-request.ts';
import type { Checker, Counts, Inspected, MemberState } from './checker.ts';
import type { CommitLog } from './commit-log.ts';
import type { Pair } from './kv-request.ts';
import type { Envelope } from '../../engine/events.ts';
import type { KeyValue } from '../../engine/pb/hot.ts';
import type { LabEvent } from '../types.ts';

const pairOfRecord = (kv: KeyValue): Pair => ({
  key: byteText(kv.key),
  value: byteText(kv.value),
  create: kv.createRevision,
  mod: kv.modRevision,
  version: kv.version,
  lease: kv.lease,
});

/** The first difference of two lists of pairs, in words; null for equal ones. */
function difference(found: readonly Pair[], expected: readonly Pair[]): string | null {
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    const [a, b] = [found[i], expected[i]].map((pair) => (pair === undefined ? 'nothing' : pairText(pair)));
    if (a !== b) return `has ${a}, the log leads to ${b}`;
  }
  return null;
}

export class Revisions implements Checker {
  readonly property = 'C5';
  readonly sentence =
    'The store is what the log leads to: one revision a write, versions without gaps, and nothing that a ' +
    'compaction must keep is lost.';
  private readonly log: CommitLog;
  private readonly stored = new Map<number, number>();

  constructor(log: CommitLog) {
    this.log = log;
  }

  counts(): Counts {
    return {
      entries: this.log.index,
      requests: this.log.requests.length,
      revision: this.log.model.revision,
    };
  }

  /** The entry that the store is at never goes back while a process lives. */
  observe({ member }: Envelope, event: LabEvent): string | null {
    if (event.type === 'mvcc.open') this.stored.delete(member);
    if (event.type !== 'backend.committed') return null;
    const before = this.stored.get(member) ?? 0;
    this.stored.set(member, event.consistentIndex);
    if (event.consistentIndex >= before) return null;
    return `m${member} stores consistent_index ${event.consistentIndex} after ${before}`;
  }

  after(world: Inspected, members: readonly number[]): string | null {
    this.log.follow(world, members);
    if (this.log.isSilent) return null;
    for (const member of members) {
      const state = world.state(member);
      if (state === null || !state.isCurrent || state.applied === 0) continue;
      const expected = this.log.revisions[state.applied - 1];
      const { revision } = state.store.kv;
      if (expected === undefined || revision === expected) continue;
      return (
        `m${member} is at revision ${revision} after entry ` +
        `${state.applied}, the log leads to ${expected}`
      );
    }
    return null;
  }

  whole(world: Inspected): string | null {
    for (const member of world.members) {
      const state = world.state(member);
      if (state === null || !state.isCurrent) continue;
      const problem = this.records(state) ?? this.present(state) ?? this.atCompaction(state);
      if (problem !== null) return `m${member} ${problem}`;
    }
    return null;
  }

  /** Against the model, where a member has come as far. */
  private present(state: MemberState): string | null {
    if (this.log.isSilent || state.applied !== this.log.index) return null;
    const { kv } = state.store;
    const { model } = this.log;
    if (kv.compactRevision !== model.compactRevision) {
      return `has compacted up to ${kv.compactRevision}, the log leads to ${model.compactRevision}`;
    }
    return difference(pairsAt(state, 0), model.range({ key: '', end: '' }));
  }

  /** The oldest revision that can still be read is whole. */
  private atCompaction(state: MemberState): string | null {
    const { compactRevision } = state.store.kv;
    if (this.log.isSilent || state.applied !== this.log.index || compactRevision < 1) return null;
    const found = difference(pairsAt(state, compactRevision), this.log.model.pairsAt(compactRevision));
    return found === null ? null : `at the compacted revision ${compactRevision} ${found}`;
  }

  /** The index is what the records lead to. */
  private records(state: MemberState): string | null {
    const newest = new Map<string, Pair | null>();
    let last = 0;
    let problem: string | null = null;
    state.store.backend.readTx.forEach('key', (key, value) => {
      const { main, sub } = decodeRevision(key);
      const kv = pairOfRecord(decodeKeyValue(value));
      if (main < last) problem = `has revision ${main} behind ${last}`;
      last = main;
      if (isTombstone(key)) newest.set(kv.key, null);
      else {
        if (kv.mod !== main) problem = `has a record of revision ${kv.mod} at ${main}.${sub}`;
        newest.set(kv.key, kv);
      }
    });
    if (problem !== null) return problem;
    const alive = [...newest.values()].filter((pair) => pair !== null);
    const sorted = alive.sort((a, b) => (a.key < b.key ? -1 : 1));
    const found = difference(pairsAt(state, 0), sorted);
    return found === null ? null : `reads otherwise than its records say: ${found}`;
  }
}

function pairsAt({ store }: MemberState, revision: number): Pair[] {
  const txn = store.kv.read();
  const { kvs } = txn.range(emptyBytes, emptyBytes, { revision });
  txn.end();
  return kvs.map(pairOfRecord);
}
