/** The history of one key: generations of revisions, from a creation to a deletion. */
import { assert } from '../../base/assert.ts';
import { SharedPart } from '../../base/fork.ts';
import type { Below } from '../../base/fork.ts';
import type { Owner } from '../../base/shared-table.ts';
import { compareRevisions, revisionText } from './revision.ts';
import { RevisionTrail } from './revision-trail.ts';
import type { Found, Revision } from './types.ts';

/** One life of a key. All but the last of a key end in a tombstone. */
export interface Generation {
  /** Changes since the creation, those that compaction has dropped included. */
  readonly version: number;
  readonly created: Revision;
  /** Ascending. Empty only in the last generation: the key is not alive. */
  readonly revisions: readonly Revision[];
}

/** As it is kept: only a key's last one still changes. */
interface OpenGeneration {
  version: number;
  created: Revision;
  readonly revisions: RevisionTrail;
}

/** Who has a key for itself that nobody copies. */
const alone: Owner = {};

/** Which revisions a compaction keeps, by `revisionText`. */
export type RevisionSet = Set<string>;

const never: Revision = { main: 0, sub: 0 };
const newGeneration = (): OpenGeneration => ({
  version: 0,
  created: never,
  revisions: new RevisionTrail(),
});

/**
 * Put at 1 and 2, deleted at 3, put at 4, deleted at 5, a key has the generations
 *
 *     {1, 2, 3 tombstone}  {4, 5 tombstone}  {}
 *
 * A read at 3 finds nothing, at 4 it finds 4. A compaction at R drops what no read at R or later can find: of
 * each generation all before the last revision up to R, and a tombstone once it is the only one left:
 *
 *     at 2: {2, 3 tombstone}  {4, 5 tombstone}  {}
 *     at 3 or 4: {4, 5 tombstone}  {}
 *     at 5: {}, and the key leaves the index
 *
 * Copies of a store share it until one of them changes it: only its owner does, another has one of its own.
 * @source etcd mvcc/key_index.go
 */
export class KeyIndex extends SharedPart {
  readonly key: Uint8Array;
  readonly owner: Owner;
  private lastModified: Revision = never;
  private history: OpenGeneration[] = [newGeneration()];

  constructor(key: Uint8Array, owner = alone) {
    super();
    this.key = key;
    this.owner = owner;
  }

  /** A key as a start finds it, of which earlier changes may be gone. */
  static restore(
    key: Uint8Array,
    created: Revision,
    modified: Revision,
    version: number,
    owner = alone,
  ): KeyIndex {
    const index = new KeyIndex(key, owner);
    index.lastModified = modified;
    index.history = [{ version, created, revisions: RevisionTrail.of([modified]) }];
    return index;
  }

  /** The same for another owner, who may change it. */
  for(owner: Owner): KeyIndex {
    const copy = new KeyIndex(this.key, owner);
    copy.lastModified = this.lastModified;
    copy.history = this.history.slice();
    const last = this.last;
    copy.history[copy.history.length - 1] = { ...last, revisions: last.revisions.clone() };
    return copy;
  }

  measure(visit: (below: Below) => void): number {
    visit(this.key.buffer);
    return this.history.reduce((sum, { revisions }) => sum + 64 + revisions.measure(visit), 160);
  }

  /** The last change. */
  get modified(): Revision {
    return this.lastModified;
  }

  /** Nothing is left of the key. */
  get isEmpty(): boolean {
    return this.history.length === 1 && this.history[0].revisions.length === 0;
  }

  /** The key exists at the newest revision. */
  get isAlive(): boolean {
    return this.last.revisions.length > 0;
  }

  /** For inspection: each life's revisions, oldest first. */
  get generations(): readonly Generation[] {
    return this.history.map((life) => ({ ...life, revisions: life.revisions.all() }));
  }

  put(revision: Revision): void {
    assert(
      compareRevisions(revision, this.lastModified) > 0,
      'key-index: a change is newer than all before it',
    );
    const generation = this.last;
    if (generation.revisions.length === 0) generation.created = revision;
    generation.revisions.push(revision);
    generation.version++;
    this.lastModified = revision;
  }

  /** Ends the key's life. @returns false when it is not alive: nothing has changed then */
  tombstone(revision: Revision): boolean {
    if (!this.isAlive) return false;
    this.put(revision);
    this.history.push(newGeneration());
    return true;
  }

  /** The change that a read at main revision `at` sees; null when the key does not exist then. */
  get(at: number): Found | null {
    const generation = this.findGeneration(at);
    if (generation === null) return null;
    const { revisions, created, version } = generation;
    const found = revisions.upTo(at);
    if (found === null) return null;
    return { modified: found.revision, created, version: version - (revisions.length - found.place - 1) };
  }

  /** All changes from main revision `from` on, of each transaction the last one. */
  since(from: number): Revision[] {
    const found: Revision[] = [];
    for (const { revisions } of this.history) {
      if ((revisions.last?.main ?? 0) < from) continue;
      for (const revision of revisions.all()) {
        if (revision.main < from) continue;
        if (found.at(-1)?.main === revision.main) found.pop();
        found.push(revision);
      }
    }
    return found;
  }

  /** Whether a compaction at `at` drops anything. */
  isCompactedBy(at: number): boolean {
    const { place, revisionPlace } = this.placeOfKept(at, new Set());
    return place > 0 || revisionPlace > 0 || this.endsAlone(place);
  }

  /** Drops what no read at `at` or later can see; what stays of the revisions up to `at` goes into `kept`. */
  compact(at: number, kept: RevisionSet): void {
    const { place, revisionPlace } = this.placeOfKept(at, kept);
    const generation = this.history[place];
    let from = place;
    if (generation.revisions.length > 0) {
      const left = revisionPlace > 0 ? generation.revisions.from(revisionPlace) : generation.revisions;
      this.history[place] = { ...generation, revisions: left };
      if (this.endsAlone(place) && left.last !== null) {
        kept.delete(revisionText(left.last));
        from++;
      }
    }
    this.history.splice(0, from);
  }

  /** What a compaction at `at` would keep, without doing it. */
  keep(at: number, kept: RevisionSet): void {
    if (this.isEmpty) return;
    const { place, revisionPlace } = this.placeOfKept(at, kept);
    const { revisions } = this.history[place];
    const isTombstone = revisionPlace === revisions.length - 1 && place < this.history.length - 1;
    if (revisions.last !== null && isTombstone) kept.delete(revisionText(revisions.last));
  }

  /** Of a life that is over only the tombstone is left. */
  private endsAlone(place: number): boolean {
    return this.history[place].revisions.length === 1 && place < this.history.length - 1;
  }

  private get last(): OpenGeneration {
    return this.history[this.history.length - 1];
  }

  /** The first generation not over at `at`, and its last revision up to `at` (-1: none), which stays. */
  private placeOfKept(at: number, kept: RevisionSet): { place: number; revisionPlace: number } {
    const lives = this.history;
    const isOver = ({ revisions }: OpenGeneration): boolean => (revisions.last?.main ?? Infinity) <= at;
    const open = lives.findIndex((life) => !isOver(life));
    const place = open < 0 ? lives.length - 1 : open;
    const { revisions } = lives[place];
    const found = revisions.upTo(at);
    if (found !== null) kept.add(revisionText(found.revision));
    return { place, revisionPlace: found?.place ?? -1 };
  }

  /** The life in which `at` falls; null in the gap between two, where the key does not exist. */
  private findGeneration(at: number): OpenGeneration | null {
    const last = this.history.length - 1;
    for (let place = last; place >= 0; place--) {
      const generation = this.history[place];
      const { revisions } = generation;
      const { first, last: end } = revisions;
      if (first === null || end === null) continue;
      if (place < last && end.main <= at) return null;
      if (first.main <= at) return generation;
    }
    return null;
  }
}
