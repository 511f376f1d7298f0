/** Keys, compactions and watchers from events: each member's index as its own store has it. */
import type { MvccEvent } from '../engine/mvcc/events.ts';
import { compacted, newHistory, withPut, withTombstone, type KeyHistory, type Life } from './key-history.ts';
import type { KeysView, MemberKeys, WatcherView } from './keys-view.ts';
import { noShards, ShardsDraft } from './shards.ts';
import { firstSeats, replaced, seated, type Told } from './told.ts';

const noKeys = (id: number): MemberKeys => ({
  id,
  isRunning: false,
  revision: 1,
  compactRevision: -1,
  keys: noShards,
  leases: noShards,
  watchers: new Map(),
  compaction: null,
});

export function emptyKeys(memberCount: number): KeysView {
  return { members: firstSeats(memberCount, noKeys) };
}

/** The view after these events, told in order; the view before stays as it was. */
export function foldKeys(before: KeysView, events: readonly Told[]): KeysView {
  let members = seated(before.members, events, noKeys);
  const drafts = new Map<number, KeysDraft>();
  for (const { at, event } of events) {
    if (!isOfStore(event.type)) continue;
    const member = members[at.member - 1];
    if (member === undefined) continue;
    const draft = drafts.get(member.id) ?? new KeysDraft(member);
    drafts.set(member.id, draft);
    draft.step(event);
  }
  for (const [id, draft] of drafts) members = replaced(members, id - 1, draft.taken());
  return members === before.members ? before : { members };
}

const otherTypes: ReadonlySet<string> = new Set([
  'sim.start',
  'sim.kill',
  'sim.stop',
  'sim.powerCut',
  'sim.wipe',
  'server.halt',
  'watch.move',
  'watch.notify',
  'lease.open',
  'lease.attach',
  'lease.detach',
]);

const isOfStore = (type: string): boolean => type.startsWith('mvcc.') || otherTypes.has(type);

type EventOf<Type extends MvccEvent['type']> = Extract<MvccEvent, { type: Type }>;

/** One member's store while a batch is folded. */
class KeysDraft {
  #member: MemberKeys;
  readonly #keys: ShardsDraft<KeyHistory>;
  readonly #leases: ShardsDraft<string>;
  #watchers: Map<number, WatcherView> | null = null;

  constructor(member: MemberKeys) {
    this.#member = member;
    this.#keys = new ShardsDraft(member.keys);
    this.#leases = new ShardsDraft(member.leases);
  }

  taken(): MemberKeys {
    const [keys, leases] = [this.#keys.taken(), this.#leases.taken()];
    return { ...this.#member, keys, leases, watchers: this.#watchers ?? this.#member.watchers };
  }

  step(event: Told['event']): void {
    this.#stepProcess(event);
    this.#stepKeys(event);
    this.#stepCompaction(event);
    if (event.type === 'watch.move') this.#move(event);
    if (event.type === 'watch.notify' && event.eventCount > 0) this.#notified(event);
  }

  #stepProcess(event: Told['event']): void {
    switch (event.type) {
      case 'sim.start':
        return this.#change({ isRunning: true });
      case 'sim.kill':
      case 'sim.stop':
      case 'sim.powerCut':
      case 'server.halt':
        // the index is only in memory, but what it was is worth looking at; nobody listens any more
        this.#watchers = new Map();
        return this.#change({ isRunning: false, compaction: null });
      case 'sim.wipe':
        this.#forget();
        this.#watchers = new Map();
        this.#member = noKeys(this.#member.id);
        return;
      case 'lease.open':
        return this.#leases.clear();
      case 'lease.attach':
        return this.#leases.set(event.key, event.id);
      case 'lease.detach':
        return this.#leases.delete(event.key);
      default:
    }
  }

  #stepKeys(event: Told['event']): void {
    switch (event.type) {
      case 'mvcc.open':
        this.#keys.clear();
        return this.#change({
          revision: event.revision,
          compactRevision: event.compactRevision,
          compaction: null,
        });
      case 'mvcc.index':
        for (const history of historiesOf(event)) this.#keys.set(history.key, history);
        return;
      case 'mvcc.put': {
        const before = this.#keys.get(event.key) ?? newHistory(event.key);
        this.#keys.set(event.key, withPut(before, { main: event.main, sub: event.sub }));
        return this.#change({ revision: event.main });
      }
      case 'mvcc.tombstone': {
        const before = this.#keys.get(event.key) ?? newHistory(event.key);
        this.#keys.set(event.key, withTombstone(before, { main: event.main, sub: event.sub }));
        return this.#change({ revision: event.main });
      }
      default:
    }
  }

  #stepCompaction(event: Told['event']): void {
    const { compaction } = this.#member;
    switch (event.type) {
      case 'mvcc.compact': {
        const { revision } = event;
        const begun = { revision, step: 'index', seenCount: 0, deletedCount: 0 } as const;
        return this.#change({ compactRevision: revision, compaction: begun });
      }
      case 'mvcc.compactIndex':
        this.#keys.change((history) => compacted(history, event.revision));
        if (compaction?.revision !== event.revision) return;
        return this.#change({ compaction: { ...compaction, step: 'records' } });
      case 'mvcc.compactBatch': {
        if (compaction?.revision !== event.revision) return;
        const seenCount = compaction.seenCount + event.seenCount;
        const deletedCount = compaction.deletedCount + event.deletedCount;
        return this.#change({ compaction: { ...compaction, seenCount, deletedCount } });
      }
      case 'mvcc.finishCompaction':
        if (compaction?.revision !== event.revision) return;
        return this.#change({ compaction: { ...compaction, step: 'finished' } });
      default:
    }
  }

  #move({ watcher, id, key, end, to, minRevision }: EventOf<'watch.move'>): void {
    this.#watchers ??= new Map(this.#member.watchers);
    if (to === 'gone') this.#watchers.delete(watcher);
    else this.#watchers.set(watcher, { watcher, id, key, end, place: to, minRevision });
  }

  /** One that is up to date has seen the revision that it was told of. */
  #notified({ watcher, revision }: EventOf<'watch.notify'>): void {
    const known = (this.#watchers ?? this.#member.watchers).get(watcher);
    if (known?.place !== 'synced') return;
    this.#watchers ??= new Map(this.#member.watchers);
    this.#watchers.set(watcher, { ...known, minRevision: revision + 1 });
  }

  #forget(): void {
    this.#keys.clear();
    this.#leases.clear();
  }

  #change(changes: Partial<MemberKeys>): void {
    this.#member = { ...this.#member, ...changes };
  }
}

/** Unpacks a piece of the index: its lists follow on from key to key. */
function historiesOf(event: EventOf<'mvcc.index'>): KeyHistory[] {
  let [life, revision] = [0, 0];
  const lifeOf = (): Life => {
    const at = life++;
    const count = event.revisionCounts[at] ?? 0;
    const revisions = Array.from({ length: count }, () => {
      const place = revision++;
      return { main: event.mains[place] ?? 0, sub: event.subs[place] ?? 0 };
    });
    const created = { main: event.createdMains[at] ?? 0, sub: event.createdSubs[at] ?? 0 };
    return { version: event.versions[at] ?? 0, created, revisions };
  };
  return event.keys.map((key, i) => ({
    key,
    lives: Array.from({ length: event.lifeCounts[i] ?? 0 }, lifeOf),
    dropped: [],
  }));
}
