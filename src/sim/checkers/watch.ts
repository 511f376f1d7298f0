/** C3: a watch hears every change of its keys once, in order, whole, from where it began: etcd's own nine. */
import { fromHex } from '../../base/bytes.ts';
import { rangeOf } from '../kv-rpc.ts';
import { accusedKey, byteText, covers, keysOf, pairText } from './kv-request.ts';
import { finding } from './checker.ts';
import { WatcherNames } from './watcher-names.ts';
import type { Checker, Counts, Evidence, Finding, Inspected, Read } from './checker.ts';
import type { CommitLog } from './commit-log.ts';
import type { Keys, Pair } from './kv-request.ts';
import type { Change } from './kv-model.ts';
import type { Envelope } from '../../engine/events.ts';
import type { WatchAction } from '../etcd-actions.ts';
import type { SimEvent } from '../events.ts';
import type { LabEvent } from '../types.ts';

type Told = Extract<SimEvent, { type: 'sim.watch' }>;
type Notified = Extract<LabEvent, { type: 'watch.notify' }>;
type Moved = Extract<LabEvent, { type: 'watch.move' }>;

/** An event as a client was told of it. */
interface Heard {
  readonly kind: 'put' | 'delete';
  readonly pair: Pair;
  readonly before: Pair | null;
}

interface Watch {
  readonly keys: Keys;
  readonly from: number;
  readonly prevKv: boolean;
  readonly heard: Heard[];
  /** How much of `heard` was compared with the log. */
  compared: number;
  /** Where in the log's changes the comparison goes on. */
  place: number;
}

const text = (hex: string): string => byteText(fromHex(hex));

function parsePair(packed: string): Pair {
  const [key, value, create, mod, version, lease] = packed.split(',');
  const numbers = { create: Number(create), mod: Number(mod), version: Number(version) };
  return { key: text(key), value: text(value), ...numbers, lease: BigInt(lease) };
}

function parseEvent(packed: string): Heard {
  const [kind, pair, before] = packed.split(' ');
  const previous = before === undefined ? null : parsePair(before);
  return { kind: kind === 'delete' ? 'delete' : 'put', pair: parsePair(pair), before: previous };
}

const heardText = ({ kind, pair }: Heard): string =>
  kind === 'delete' ? `delete ${pair.key} ${pair.mod}` : `put ${pairText(pair)}`;

/** A change of the log with its revision, as a watch should hear of it. */
interface Expected extends Change {
  readonly revision: number;
}

const expectedText = ({ key, after, revision }: Expected): string =>
  after === null ? `delete ${key} ${revision}` : `put ${pairText(after)}`;

const reads = ['sim.clientSend', 'sim.watch', 'watch.notify', 'watch.move', 'server.boot'] as const;

export class Watches implements Checker {
  readonly property = 'C3';
  readonly sentence =
    'A watch hears each change of its keys once, in the order of revisions, a revision never in two parts, ' +
    'and nothing before the revision it began from.';
  readonly reads = reads;
  heardCount = 0;
  private readonly log: CommitLog;
  private readonly names = new WatcherNames();
  private readonly watches = new Map<number, Watch>();
  private readonly changes: Expected[] = [];
  private readonly compacted = new Set<number>();
  private logged = 0;
  /** Of each member's watchers: the last revision that was told, and whether all before it was. */
  private readonly watchers = new Map<string, { revision: number; isSynced: boolean; from: number }>();

  constructor(log: CommitLog) {
    this.log = log;
  }

  /** A client begins to watch; `id` is its command's. */
  begin(id: number, action: WatchAction): void {
    const keys = keysOf(rangeOf(action));
    const { revision: from = 0, prevKv = false } = action;
    this.watches.set(id, { keys, from, prevKv, heard: [], compared: 0, place: 0 });
    this.names.begin(id, action);
  }

  counts(): Counts {
    return { watches: this.watches.size, heard: this.heardCount };
  }

  observe(at: Envelope, event: Read<typeof reads>): Evidence | null {
    const { member } = at;
    this.names.observe(at, event);
    if (event.type === 'sim.watch') return this.hear(event);
    if (event.type === 'watch.notify') return this.notified(member, event);
    if (event.type === 'watch.move') return this.moved(member, event);
    if (event.type === 'server.boot') this.forget(member);
    return null;
  }

  whole(_: Inspected): Evidence | null {
    if (this.log.isSilent) return null;
    for (; this.logged < this.log.requests.length; this.logged++) {
      const { changes, revision, request, answer } = this.log.requests[this.logged];
      if (request.kind === 'compact' && answer !== null) this.compacted.add(request.revision);
      for (const change of changes) this.changes.push({ ...change, revision });
    }
    for (const [id, watch] of this.watches) {
      const problem = this.compare(id, watch);
      if (problem !== null) return problem;
    }
    return null;
  }

  /** Filter, Ordered, Unique, Atomic, Resumable. */
  private hear({ watch: id, events, ended, compactRevision }: Told): Evidence | null {
    const watch = this.watches.get(id);
    if (watch === undefined) return null;
    if (compactRevision > 0 && watch.from >= compactRevision && watch.heard.length === 0) {
      const text = `watch ${id} from ${watch.from} was ended for what is compacted up to ${compactRevision}`;
      return finding(text, ...this.names.of(id));
    }
    const before = watch.heard.at(-1)?.pair.mod ?? 0;
    let previous: Pair | null = null;
    for (const packed of events) {
      const heard = parseEvent(packed);
      const { key, mod } = heard.pair;
      const tell = (what: string): Finding =>
        finding(`watch ${id} ${what}: ${heardText(heard)}`, accusedKey(key), ...this.names.of(id));
      if (!covers(watch.keys, key)) return tell('hears of a key that it does not watch');
      if (mod < watch.from) return tell(`from ${watch.from} hears of what was before`);
      if (mod === before) return tell(`hears of revision ${mod} in two parts, or again`);
      if (mod < before || mod < (previous?.mod ?? 0)) return tell('hears of an earlier revision later');
      if (previous?.key === key && previous.mod === mod) return tell('hears of one change twice');
      watch.heard.push(heard);
      previous = heard.pair;
    }
    this.heardCount += events.length;
    return ended === '' ? null : this.end(id);
  }

  private end(id: number): null {
    const watch = this.watches.get(id);
    if (watch !== undefined && this.log.isSilent) {
      this.watches.delete(id);
      this.names.forget(id);
    }
    return null;
  }

  /** Reliable, IsCreate, PrevKV: what was heard is the log's changes, from the first to the last. */
  private compare(id: number, watch: Watch): Evidence | null {
    const { heard, keys } = watch;
    for (; watch.compared < heard.length; watch.compared++) {
      const next = heard[watch.compared];
      const isFirst = watch.compared === 0;
      const least = isFirst && watch.from === 0 ? next.pair.mod : watch.from;
      while (this.passes(keys, least, watch.place, next)) watch.place++;
      const expected = this.changes[watch.place++] as Expected | undefined;
      if (expected === undefined)
        return finding(
          `watch ${id} hears of what is not in the log: ${heardText(next)}`,
          accusedKey(next.pair.key),
          ...this.names.of(id),
        );
      if (expectedText(expected) !== heardText(next)) {
        const text = `watch ${id} hears ${heardText(next)}, next in the log is ${expectedText(expected)}`;
        return finding(text, accusedKey(next.pair.key), accusedKey(expected.key), ...this.names.of(id));
      }
      const { before } = next;
      if (!watch.prevKv || before === null || expected.before === null) continue;
      if (pairText(before) !== pairText(expected.before)) {
        return finding(
          `watch ${id} hears ${heardText(next)} after ` +
            `${pairText(before)}, it was ${pairText(expected.before)}`,
          accusedKey(next.pair.key),
          ...this.names.of(id),
        );
      }
    }
    return null;
  }

  /**
   * Whether a watch need not hear of this change. A deletion at a revision that was compacted is gone for who
   * watches from there: so it is in etcd 3.4 (etcd#19179), and members must agree with it.
   */
  private passes(keys: Keys, least: number, place: number, next: Heard): boolean {
    const change = this.changes[place] as Expected | undefined;
    if (change === undefined) return false;
    if (change.revision < least || !covers(keys, change.key)) return true;
    const isGone = change.after === null && this.compacted.has(change.revision);
    return isGone && expectedText(change) !== heardText(next);
  }

  private forget(member: number): void {
    for (const name of [...this.watchers.keys()]) {
      if (name.startsWith(`${member}/`)) this.watchers.delete(name);
    }
  }

  private moved(member: number, { watcher, to, minRevision }: Moved): null {
    const name = `${member}/${watcher}`;
    if (to === 'gone') this.watchers.delete(name);
    else {
      const known = this.watchers.get(name) ?? { revision: 0, isSynced: false, from: minRevision };
      known.isSynced = to === 'synced';
      this.watchers.set(name, known);
    }
    return null;
  }

  /** Bookmarkable: the revision alone is told to those that have heard all up to it, and never goes back. */
  private notified(member: number, { watcher, revision, eventCount }: Notified): Evidence | null {
    const known = this.watchers.get(`${member}/${watcher}`);
    if (known === undefined) return null;
    const before = known.revision;
    known.revision = Math.max(before, revision);
    if (eventCount > 0) return null;
    const about = { kind: 'watcher', watcher, member } as const;
    if (!known.isSynced)
      return finding(
        `m${member} tells watcher ${watcher}, which is behind, of revision ${revision} alone`,
        about,
      );
    return revision < before
      ? finding(`m${member} tells watcher ${watcher} of revision ${revision} after ${before}`, about)
      : null;
  }
}
