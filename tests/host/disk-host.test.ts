import { expect, test } from 'vitest';
import { nodeId } from '../../src/engine/raft/types.ts';
import type { DiskImage } from '../../src/engine/server/types.ts';
import { DiskHost } from '../../src/host/disk-host.ts';
import type { LabRecord, PageStore, StoredLab } from '../../src/host/page-store.ts';
import { StoreError } from '../../src/host/page-store.ts';
import type { InputsPart } from '../../src/host/stored-inputs.ts';
import type { Intervention, StoreCommit } from '../../src/sim/types.ts';
import { ManualClock, settled } from './manual-clock.ts';

/** A store whose transactions end when the test says so. */
class SlowStore implements PageStore {
  readonly kind = 'indexeddb';
  readonly groups: string[][] = [];
  readonly inputs: (InputsPart | null)[] = [];
  #end: ((error: StoreError | null) => void) | null = null;

  write(commits: readonly StoreCommit[], inputs: InputsPart | null): Promise<void> {
    this.inputs.push(inputs);
    expect(this.#end).toBeNull(); // one transaction at a time
    this.groups.push(commits.map(({ member, commit }) => `m${member}.${commit}`));
    return new Promise((resolve, reject) => {
      this.#end = (error) => {
        this.#end = null;
        if (error === null) resolve();
        else reject(error);
      };
    });
  }

  async end(error: StoreError | null = null): Promise<void> {
    this.#end?.(error);
    await settled();
  }

  open(): Promise<StoredLab> {
    throw new Error('not used');
  }
  seal(): Promise<string> {
    throw new Error('not used');
  }
  replace(): Promise<LabRecord> {
    throw new Error('not used');
  }
  read(): Promise<readonly DiskImage[]> {
    throw new Error('not used');
  }
  async close(): Promise<void> {}
  async destroy(): Promise<void> {}
}

const commit = (member: number, number: number, urgent = true): StoreCommit => ({
  member: nodeId(member),
  commit: number,
  timeUs: 0,
  urgent,
  ops: [],
});
const gate = (member: number, number: number) => ({ member: nodeId(member), commit: number });

function hostOver(store: PageStore, clock = new ManualClock()) {
  const hangs: (string | null)[] = [];
  return { host: new DiskHost(store, clock, (message) => hangs.push(message)), hangs, clock };
}

test('what comes during a transaction forms the next one, of all members', async () => {
  const store = new SlowStore();
  const { host } = hostOver(store);
  host.submit([commit(1, 1)], false);
  host.submit([commit(2, 1)], false);
  host.submit([commit(3, 1), commit(1, 2)], false);
  expect(host.isOpen(gate(1, 1))).toBe(false);
  await store.end();
  expect([host.isOpen(gate(1, 1)), host.isOpen(gate(1, 2)), host.isOpen(gate(2, 1))]).toEqual([
    true,
    false,
    false,
  ]);
  await store.end();
  expect(host.isOpen(gate(1, 2))).toBe(true);
  expect(store.groups).toEqual([['m1.1'], ['m1.2', 'm2.1', 'm3.1']]);
  expect(host.storedCommits).toBe(4);
});

test('a barrier rides with the next urgent commit: pages, sync, meta, sync are one transaction', async () => {
  const store = new SlowStore();
  const { host } = hostOver(store);
  host.submit([commit(1, 1, false)], false);
  expect(store.groups).toEqual([]);
  expect(host.wait([gate(1, 1)])).toBeNull();
  host.submit([commit(1, 2)], false);
  expect(store.groups).toEqual([['m1.1', 'm1.2']]);
  await store.end();
  expect(host.isOpen(gate(1, 2))).toBe(true);
});

test('a barrier that nothing follows is stored when all must be', async () => {
  const store = new SlowStore();
  const { host } = hostOver(store);
  host.submit([commit(1, 1, false)], false);
  const flushed = host.flush();
  expect(store.groups).toEqual([['m1.1']]);
  await store.end();
  await flushed;
});

test('a failed transaction opens its gates and is told once for each member; others go on', async () => {
  const store = new SlowStore();
  const { host } = hostOver(store);
  host.submit([commit(1, 1, false), commit(1, 2), commit(2, 1)], false);
  const waited = host.wait([gate(1, 2)]);
  host.submit([commit(1, 3), commit(3, 1)], false);
  await store.end(new StoreError('ENOSPC', 'full'));
  await waited;
  expect(store.groups[1]).toEqual(['m3.1']); // m1.3 builds on what failed
  await store.end();
  host.submit([commit(1, 4)], false);
  expect(host.takeFailures().map(({ member, code }) => `m${member} ${code}`)).toEqual([
    'm1 ENOSPC',
    'm2 ENOSPC',
  ]);
  expect(host.takeFailures()).toEqual([]);
  // the world holds the barrier for durable: it rides with what puts the store right
  host.submit([commit(1, 5)], true);
  expect(store.groups[2]).toEqual(['m1.1', 'm1.5']);
  await store.end();
  expect(host.storedCommits).toBe(3);
});

test('what puts the store right is tried again with the next commit, until it is there', async () => {
  const store = new SlowStore();
  const { host } = hostOver(store);
  host.submit([commit(1, 1)], true);
  await store.end(new StoreError('EIO', 'no'));
  host.takeFailures();
  expect(host.isOpen(gate(1, 1))).toBe(true);
  host.submit([commit(1, 2)], false);
  expect(store.groups[1]).toEqual(['m1.1', 'm1.2']);
  await store.end();
});

test('a store that hangs is told of after five seconds, and told well when it answers', async () => {
  const store = new SlowStore();
  const { host, hangs, clock } = hostOver(store);
  host.submit([commit(1, 1)], false);
  await clock.pass(4999);
  expect(hangs).toEqual([]);
  await clock.pass(1);
  expect(hangs).toEqual(["The browser's storage has not answered for 5 seconds; the lab waits for it."]);
  await store.end();
  expect(hangs[1]).toBeNull();
});

test('a fault is stored at once; a client’s request rides with commits, and again where they were refused', async () => {
  const store = new SlowStore();
  const interventions: Intervention[] = [{ moment: 2, action: { type: 'get', key: 'a' } }];
  const run = { interventions, whole: { moment: 5, chainHash: 'aa' } };
  const host = new DiskHost(store, new ManualClock(), () => {}, run);
  host.submit([], false);
  expect(store.groups).toEqual([]);
  host.submit([commit(1, 1)], false);
  interventions.push({ moment: 6, action: { type: 'kill', member: 3 } });
  run.whole = { moment: 7, chainHash: 'bb' };
  host.submit([], false);
  await store.end(new StoreError('EIO', 'no'));
  expect(store.groups).toEqual([['m1.1'], []]);
  await store.end();
  host.takeFailures();
  host.submit([commit(1, 2)], false);
  expect(store.groups.at(-1)).toEqual(['m1.2']);
  const told = store.inputs.map((part) => [
    part?.moment,
    part?.interventions.map(({ action }) => action.type),
  ]);
  expect(told).toEqual([
    [5, ['get']],
    [7, ['get', 'kill']],
    [7, []],
  ]);
});
