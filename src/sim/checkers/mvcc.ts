/** C5: each member's store is what the log leads to: revisions, versions, tombstones, compactions. */
import { InvariantError } from '../../base/assert.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { decodeRevision, isTombstone } from '../../engine/mvcc/revision.ts';
import { decodeKeyValue } from '../../engine/pb/hot.ts';
import { accusedKey, byteText, bytesOf, pairText } from './kv-request.ts';
import { finding } from './checker.ts';
import type { Accused, Checker, Counts, Evidence, Finding, Inspected, MemberState, Read } from './checker.ts';
import type { CommitLog } from './commit-log.ts';
import type { Pair } from './kv-request.ts';
import type { Envelope } from '../../engine/events.ts';
import type { KeyValue } from '../../engine/pb/hot.ts';

const pairOfRecord = (kv: KeyValue): Pair => ({
  key: byteText(kv.key),
  value: byteText(kv.value),
  create: kv.createRevision,
  mod: kv.modRevision,
  version: kv.version,
  lease: kv.lease,
});

const keysOf = (...pairs: readonly (Pair | undefined)[]): Accused[] =>
  pairs.flatMap((pair) => (pair === undefined ? [] : [accusedKey(pair.key)]));

/** The same finding, with words before its own. */
const behind = (words: string, { text, about }: Finding): Finding => finding(`${words}${text}`, ...about);

/** The first difference of two lists of pairs, in words; null for equal ones. */
function difference(found: readonly Pair[], expected: readonly Pair[]): Finding | null {
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    const [a, b] = [found[i], expected[i]].map((pair) => (pair === undefined ? 'nothing' : pairText(pair)));
    if (a !== b) return finding(`has ${a}, the log leads to ${b}`, ...keysOf(found[i], expected[i]));
  }
  return null;
}

const reads = ['mvcc.open', 'backend.committed'] as const;

export class Revisions implements Checker {
  readonly property = 'C5';
  readonly sentence =
    'The store is what the log leads to: one revision a write, versions without gaps, and nothing that a ' +
    'compaction must keep is lost.';
  readonly reads = reads;
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
  observe({ member }: Envelope, event: Read<typeof reads>): Evidence | null {
    if (event.type === 'mvcc.open') this.stored.delete(member);
    if (event.type !== 'backend.committed') return null;
    const before = this.stored.get(member) ?? 0;
    this.stored.set(member, event.consistentIndex);
    if (event.consistentIndex >= before) return null;
    return finding(`m${member} stores consistent_index ${event.consistentIndex} after ${before}`, {
      ...{ kind: 'entry', member, index: before },
    });
  }

  after(world: Inspected, members: readonly number[]): Evidence | null {
    this.log.follow(world, members);
    if (this.log.isSilent) return null;
    for (const member of members) {
      const state = world.state(member);
      if (state === null || !state.isCurrent || state.applied === 0) continue;
      const expected = this.log.revisions[state.applied - 1];
      const { revision } = state.store.kv;
      if (expected === undefined || revision === expected) continue;
      return finding(
        `m${member} is at revision ${revision} after entry ` +
          `${state.applied}, the log leads to ${expected}`,
        { kind: 'entry', index: state.applied, member },
      );
    }
    return null;
  }

  whole(world: Inspected): Evidence | null {
    for (const member of world.members) {
      const state = world.state(member);
      if (state === null || !state.isCurrent) continue;
      const problem = this.look(state);
      if (problem !== null) return behind(`m${member} `, problem);
    }
    return null;
  }

  /** A store so broken that reading it fails is known by the keys that can not be read. */
  private look(state: MemberState): Finding | null {
    try {
      return this.records(state) ?? this.present(state) ?? this.atCompaction(state);
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      const pairs = this.log.isSilent ? [] : this.log.model.range({ key: '', end: '' });
      const unread = pairs.filter((pair) => !isRead(state, pair));
      return finding(`can not be read: ${error.message}`, ...keysOf(...unread));
    }
  }

  /** Against the model, where a member has come as far. */
  private present(state: MemberState): Finding | null {
    if (this.log.isSilent || state.applied !== this.log.index) return null;
    const { kv } = state.store;
    const { model } = this.log;
    if (kv.compactRevision !== model.compactRevision) {
      return finding(`has compacted up to ${kv.compactRevision}, the log leads to ${model.compactRevision}`);
    }
    return difference(pairsAt(state, 0), model.range({ key: '', end: '' }));
  }

  /** The oldest revision that can still be read is whole. */
  private atCompaction(state: MemberState): Finding | null {
    const { compactRevision } = state.store.kv;
    if (this.log.isSilent || state.applied !== this.log.index || compactRevision < 1) return null;
    const found = difference(pairsAt(state, compactRevision), this.log.model.pairsAt(compactRevision));
    return found === null ? null : behind(`at the compacted revision ${compactRevision} `, found);
  }

  /** The index is what the records lead to. */
  private records(state: MemberState): Finding | null {
    const newest = new Map<string, KeyValue | null>();
    let last = 0;
    let problem: Finding | null = null;
    state.store.backend.readTx.forEach('key', (key, value) => {
      const { main, sub } = decodeRevision(key);
      const kv = decodeKeyValue(value);
      const name = byteText(kv.key);
      if (main < last) problem = finding(`has revision ${main} behind ${last}`);
      last = main;
      if (isTombstone(key)) newest.set(name, null);
      else {
        const { modRevision: mod } = kv;
        if (mod !== main)
          problem = finding(`has a record of revision ${mod} at ${main}.${sub}`, accusedKey(name));
        newest.set(name, kv);
      }
    });
    if (problem !== null) return problem;
    const alive = [...newest.values()].filter((kv) => kv !== null);
    const sorted = alive.map(pairOfRecord).sort((a, b) => (a.key < b.key ? -1 : 1));
    const found = difference(pairsAt(state, 0), sorted);
    return found === null ? null : behind('reads otherwise than its records say: ', found);
  }
}

function isRead({ store }: MemberState, { key }: Pair): boolean {
  try {
    const txn = store.kv.read();
    txn.range(bytesOf(key), null, {});
    txn.end();
    return true;
  } catch (error) {
    if (error instanceof InvariantError) return false;
    throw error;
  }
}

function pairsAt({ store }: MemberState, revision: number): Pair[] {
  const txn = store.kv.read();
  const { kvs } = txn.range(emptyBytes, emptyBytes, { revision });
  txn.end();
  return kvs.map(pairOfRecord);
}
