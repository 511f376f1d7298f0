/** Stored runs over several boots, each ended at no particular moment: done again they hold the same files. */
import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stream, type Prng } from '../../src/base/prng.ts';
import { Member } from '../../src/engine/server/member.ts';
import type { DiskImage } from '../../src/engine/server/types.ts';
import { DiskHost } from '../../src/host/disk-host.ts';
import { IdbStore, readStoredLab } from '../../src/host/idb-store.ts';
import { LocalMembers } from '../../src/host/member-host.ts';
import { MemoryStore } from '../../src/host/memory-store.ts';
import { readStoredOpfs } from '../../src/host/opfs-look.ts';
import { OpfsStore } from '../../src/host/opfs-store.ts';
import { Pace } from '../../src/host/pace.ts';
import type { LabRecord, PageStore, Replacement, StoredLab } from '../../src/host/page-store.ts';
import { StoreError } from '../../src/host/page-store.ts';
import { beginDiffers, redo } from '../../src/host/redo.ts';
import { Scheduler } from '../../src/host/scheduler.ts';
import type { BootInputs, InputsPart } from '../../src/host/stored-inputs.ts';
import { filesChecksum, reachesGenesis } from '../../src/host/stored-inputs.ts';
import { wallClock } from '../../src/host/wall-clock.ts';
import { Cluster } from '../../src/sim/cluster.ts';
import { faultKinds, swarmSchedule } from '../../src/sim/swarm.ts';
import type { Action, StoreCommit } from '../../src/sim/types.ts';
import { plain } from '../contract/page-store.ts';
import { OpfsDouble } from './opfs-double.ts';

const setup = { seed: 3, members: 3, preVote: true, settings: { snapshotCount: 20 } };

/** A store that refuses some writes, and whose tab ends at one of them, before or after it is durable. */
class MortalStore implements PageStore {
  readonly kind = 'memory';
  readonly #inner: PageStore;
  readonly #draws: Prng;
  #left: number;
  #die: () => void = () => {};
  readonly dead: Promise<void>;

  constructor(inner: PageStore, draws: Prng, writes: number) {
    this.#inner = inner;
    this.#draws = draws;
    this.#left = writes;
    this.dead = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  async write(commits: readonly StoreCommit[], inputs: InputsPart | null): Promise<void> {
    if (this.#left-- === 0) {
      if (this.#draws.chance(1, 2)) await this.#inner.write(commits, inputs);
      this.#die();
    }
    if (this.#left < 0) return new Promise(() => {});
    if (this.#draws.chance(1, 15)) throw new StoreError('EIO', 'it refuses');
    await this.#inner.write(commits, inputs);
  }

  open = (): Promise<StoredLab> => this.#inner.open(setup);
  seal = (): Promise<string> => this.#inner.seal();
  replace = (lab: Replacement): Promise<LabRecord> => this.#inner.replace(lab);
  read = (): Promise<readonly DiskImage[]> => this.#inner.read();
  close = (): Promise<void> => this.#inner.close();
  destroy = (): Promise<void> => this.#inner.destroy();
}

/** Puts, deletions and the swarm's faults, by virtual time. */
function scheduleOf(seed: number, virtualUs: number): { atUs: number; action: Action }[] {
  const draws = stream(seed, 'puts');
  const kinds = faultKinds.filter((kind) => kind !== 'message' && kind !== 'load');
  const puts = Array.from({ length: 25 }, (_, i) => ({
    atUs: draws.below(virtualUs),
    action: { type: 'put', key: `k${i % 7}`, value: 'v'.repeat(draws.below(300)) } as const,
  }));
  const faults = swarmSchedule(seed, { members: 3, faults: kinds, virtualUs });
  return [...faults, ...puts].sort((a, b) => a.atUs - b.atUs);
}

/** Lives one boot of the lab over a store, up to its sudden end. */
async function live(store: MortalStore, seed: number): Promise<void> {
  const { record, images } = await store.open();
  const cluster = new Cluster({
    ...{ seed: record.seed, memberCount: record.members, preVote: record.preVote, settings: record.settings },
    ...{ images, boot: record.boot, startUs: record.timeUs, trace: { on: false, emit: () => {} } },
  });
  const scheduler = new Scheduler({
    cluster,
    members: new LocalMembers(Member.boot),
    disk: new DiskHost(store, wallClock, () => {}, cluster),
    pace: new Pace(record.timeUs),
    clock: wallClock,
    progressed: () => {},
    storeFailed: () => {},
    merged: () => null,
  });
  const run = async (): Promise<void> => {
    let atUs = 0;
    for (const one of scheduleOf(seed, 4_000_000)) {
      await scheduler.run(one.atUs - atUs);
      atUs = one.atUs;
      void scheduler.act(one.action, false);
    }
    await scheduler.run(4_000_000 - atUs);
  };
  await Promise.race([run(), store.dead]);
  expect(scheduler.stopped).toBeNull();
  scheduler.stop({ kind: 'store', message: 'the tab has ended', moment: cluster.moment });
}

let workspaces = 0;
/** Opens one store again and again; `look` reads it without opening it. */
interface Kind {
  readonly make: (draws: Prng) => {
    next(): Promise<PageStore>;
    look(): Promise<StoredLab | null>;
  };
}
const kinds: Readonly<Record<string, Kind>> = {
  memory: {
    make: () => {
      const store = new MemoryStore();
      return { next: async () => store, look: async () => null };
    },
  },
  indexeddb: {
    make: (draws) => {
      const workspace = `redo-${++workspaces}`;
      let last: IdbStore | null = null;
      return {
        async next() {
          await last?.close();
          last = new IdbStore({ workspace, lost: () => {}, foldBytes: draws.chance(1, 2) ? 1e9 : 100_000 });
          return last;
        },
        look: () => readStoredLab({ workspace }),
      };
    },
  },
  opfs: {
    make: (draws) => {
      const disk = new OpfsDouble();
      let last: OpfsStore | null = null;
      return {
        async next() {
          await last?.folded();
          disk.cut(() => (draws.chance(1, 2) ? 'kept' : 'lost'));
          const foldBytes = draws.chance(1, 2) ? 1e9 : 100_000;
          last = new OpfsStore({ workspace: 'w', root: disk.root, foldBytes });
          return last;
        },
        look: () => readStoredOpfs('w', disk.root),
      };
    },
  },
};

for (const [name, { make }] of Object.entries(kinds)) {
  test(`${name}: boots that ended anywhere, done again, end with the same hashes and the same files`, async () => {
    let acts = 0;
    let cutShort = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), async (seed) => {
        const draws = stream(seed, 'redo');
        const stores = make(draws);
        const boots = draws.between(2, 4);
        for (let boot = 1; boot <= boots; boot++) {
          const writes = draws.chance(1, 5) ? draws.below(4) : draws.below(250);
          const store = new MortalStore(await stores.next(), draws, writes);
          await live(store, seed + boot);
        }
        const last = await stores.next();
        const looked = await stores.look();
        const { record, images, inputs } = await last.open(setup);
        expect(reachesGenesis(inputs)).toBe(true);
        const now = inputs.boots.at(-1) as BootInputs;
        const earlier = inputs.boots.slice(0, -1);
        if (looked !== null) expect(looked.inputs.boots).toEqual(earlier);
        expect([now.boot, now.files, now.startUs]).toEqual([
          record.boot,
          filesChecksum(images),
          record.timeUs,
        ]);
        const again = redo(setup, earlier, Member.boot);
        expect(again.differs).toBeNull();
        expect(beginDiffers(now, again)).toBeNull();
        expect(again.timeUs).toBe(record.timeUs);
        expect(again.images.map(plain)).toEqual(images.map(plain));
        acts += earlier.reduce((sum, { interventions }) => sum + interventions.length, 0);
        for (const { end } of earlier) if (end.stored.some((spans) => spans.length > 2)) cutShort++;
        await last.close();
      }),
      { numRuns: 3, seed: 7 },
    );
    expect(acts).toBeGreaterThan(50);
    expect(cutShort).toBeGreaterThan(0); // some commits were refused and are in no span
  });
}
