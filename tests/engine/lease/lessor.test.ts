/** The lessor's rules one by one: limits, texts, times, what the search costs, and what is stored. */
import { expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { decodeUtf8 } from '../../../src/base/utf8.ts';
import { Lessor } from '../../../src/engine/lease/lessor.ts';
import { spreadPileUp } from '../../../src/engine/lease/pile-up.ts';
import { LeaseError } from '../../../src/engine/lease/types.ts';
import type { ExpiryWork } from '../../../src/engine/lease/types.ts';
import { expiryKinds, id, MapStore, openBackend, openLessor, second, text } from './rig.ts';

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof LeaseError) return error.message;
    throw error;
  }
  return 'granted';
}

test("what cannot be done is refused in the words of etcd's lease package", () => {
  const { lessor } = openLessor();
  lessor.grant(id(1), 10, 0);
  expect(refusal(() => lessor.grant(id(1), 10, 0))).toBe('lease already exists');
  expect(refusal(() => lessor.grant(id(0), 10, 0))).toBe('lease not found');
  expect(refusal(() => lessor.grant(id(2), 9_000_000_001, 0))).toBe('too large lease TTL');
  expect(refusal(() => lessor.grant(id(2), 9_000_000_000, 0))).toBe('granted');
  expect(refusal(() => lessor.revoke(id(3)))).toBe('lease not found');
  expect(refusal(() => lessor.attach(id(3), text('a')))).toBe('lease not found');
  expect(refusal(() => lessor.renew(id(1), 0))).toBe('not a primary lessor');
  lessor.promote(0, 0);
  expect(refusal(() => lessor.renew(id(3), 0))).toBe('lease not found');
});

test('a TTL below the minimum is lengthened to it, and ids may be negative', () => {
  const { lessor } = openLessor({ minTtlSeconds: 2 });
  const granted = [-5, 0, 1, 2, 3].map((ttl, i) => lessor.grant(id(-1 - i), ttl, 0).ttlSeconds);
  expect(granted).toEqual([2, 2, 2, 2, 3]);
  expect(lessor.lookup(id(-1))?.ttlSeconds).toBe(2);
});

test('time to live is in whole seconds towards zero, and of a follower the longest of all', () => {
  const { lessor } = openLessor();
  lessor.grant(id(1), 10, 0);
  expect(lessor.timeToLive(id(1), 5)).toBe(9_223_372_036);
  lessor.promote(second, 0);
  const seen = [0, 1, 10 * second, 11 * second + 999_999, 13 * second].map((now) =>
    lessor.timeToLive(id(1), now),
  );
  expect(seen).toEqual([11, 10, 1, -0, -2]);
});

test('the longest TTL of all neither overflows nor expires', () => {
  const { lessor } = openLessor();
  lessor.promote(0, 0);
  const century = 100 * 365 * 86_400 * second;
  expect(lessor.grant(id(1), 9_000_000_000, century).expiryUs).toBe(Number.MAX_SAFE_INTEGER);
  expect(lessor.expire(2 * century)).toEqual([]);
});

test('a revocation deletes the keys of its lease in ascending order in one transaction', () => {
  const { lessor, deleted, events } = openLessor();
  lessor.grant(id(1), 10, 0);
  lessor.grant(id(2), 10, 0);
  for (const name of ['b', 'ab', 'B', 'a']) lessor.attach(id(1), text(name));
  lessor.attach(id(2), text('c'));
  lessor.revoke(id(1));
  expect(deleted).toEqual([['B', 'a', 'ab', 'b']]);
  expect(lessor.leaseOf(text('a'))).toBeNull();
  expect(lessor.keysOf(id(2)).map(decodeUtf8)).toEqual(['c']);
  expect(events.at(-1)).toEqual({ type: 'lease.revoke', id: '1', keyCount: 4, revision: 7 });
});

test('an expired lease is handed out once, and again when the recheck time has passed', () => {
  for (const expiry of expiryKinds) {
    const { lessor } = openLessor({ expiry, recheckUs: 7 * second });
    lessor.promote(0, 0);
    lessor.grant(id(1), 2, 0);
    const times = [1.9, 2, 2.5, 8.5, 9, 9.5, 16].map((at) => at * second);
    expect(times.filter((now) => lessor.expire(now).length > 0)).toEqual([
      2 * second,
      9 * second,
      16 * second,
    ]);
    expect(lessor.renew(id(1), 17 * second)).toEqual({ kind: 'expired' });
  }
});

test('a pass hands out at most 500, whatever has expired', () => {
  for (const expiry of expiryKinds) {
    const { lessor } = openLessor({ expiry });
    lessor.promote(0, 0);
    for (let i = 1; i <= 1100; i++) lessor.grant(id(i), 2, 0);
    const passes = [2, 2.5, 3, 3.5].map((at) => lessor.expire(at * second).map(Number));
    expect(passes.map((ids) => ids.length)).toEqual([500, 500, 100, 0]);
    expect(passes.flat()).toEqual(Array.from({ length: 1100 }, (_, i) => i + 1));
  }
});

function costOf(lessor: Lessor, act: () => void): ExpiryWork {
  const before = lessor.work;
  act();
  const { touched, compared } = lessor.work;
  return { touched: touched - before.touched, compared: compared - before.compared };
}

test('a pass touches every lease by scan, and by heap the due ones and one more', () => {
  const [total, due] = [1000, 5];
  const touched = expiryKinds.map((expiry) => {
    const { lessor } = openLessor({ expiry });
    lessor.promote(0, 0);
    for (let i = 1; i <= total; i++) lessor.grant(id(i), i <= due ? 5 : 60, 0);
    const idle = costOf(lessor, () => lessor.expire(second));
    const busy = costOf(lessor, () => expect(lessor.expire(5 * second)).toHaveLength(due));
    return [expiry, idle.touched, idle.compared, busy.touched];
  });
  expect(touched).toEqual([
    ['scan', total, total, total],
    ['heap', 1, 1, 1 + due],
    ['heapMap', 1, 1, 1 + due],
  ]);
});

test('renewals grow a plain heap by an entry each, while one with a map keeps an entry a lease', () => {
  const sizes = (['heap', 'heapMap'] as const).map((expiry) => {
    const { lessor } = openLessor({ expiry });
    lessor.promote(0, 0);
    for (let i = 1; i <= 100; i++) lessor.grant(id(i), 60, 0);
    for (let round = 1; round <= 10; round++) {
      for (let i = 1; i <= 100; i++) lessor.renew(id(i), round * second);
    }
    return lessor.heap.length;
  });
  expect(sizes).toEqual([1100, 100]);
});

test('a lease that is granted anew for a shorter time expires before those that came between', () => {
  for (const expiry of expiryKinds) {
    const { lessor } = openLessor({ expiry });
    lessor.promote(0, 0);
    for (let i = 1; i <= 7; i++) lessor.grant(id(i), 20 + i, 0);
    lessor.revoke(id(7));
    lessor.grant(id(7), 5, 0);
    expect(lessor.expire(5 * second)).toEqual([7n]);
    expect(lessor.expire(21 * second)).toEqual([7n, 1n]);
  }
});

test('the told moves lead from one state of the heap to the next', () => {
  const { lessor, events } = openLessor();
  lessor.promote(0, 0);
  const ttls = [9, 4, 7, 2, 30, 5, 8, 3];
  ttls.forEach((ttl, i) => lessor.grant(id(i + 1), ttl, 0));
  lessor.renew(id(4), second);
  lessor.renew(id(2), 2 * second);
  lessor.revoke(id(6));
  lessor.expire(9 * second);
  const ids: string[] = [];
  /** Moves the entry at `from` to `to` along the tree, where one is an ancestor of the other. */
  const move = (from: number, to: number): void => {
    const entry = ids[from];
    const path = [Math.max(from, to)];
    while (path[0] > Math.min(from, to)) path.unshift((path[0] - 1) >> 1);
    const places = from < to ? path : path.reverse();
    for (let i = 0; i + 1 < places.length; i++) ids[places[i]] = ids[places[i + 1]];
    ids[to] = entry;
  };
  for (const event of events) {
    if (event.type !== 'lease.heap') continue;
    if (event.op === 'push') ids.push(event.id);
    if (event.op === 'pop') ids[0] = ids.pop() as string;
    if (event.op === 'pop' && event.to >= 0 && event.size > 0) move(0, event.to);
    else if (event.op === 'push' || event.op === 'update') move(event.from, event.to);
  }
  expect(ids).toEqual(lessor.heap.map((entry) => entry.id.toString(16)));
  expect(ids).not.toContain('6');
});

test('a promotion gives every lease its full time and the extension', () => {
  const { lessor } = openLessor();
  lessor.promote(0, 0);
  lessor.grant(id(1), 60, 0);
  lessor.demote();
  expect(lessor.lookup(id(1))?.expiryUs).toBeNull();
  expect(lessor.expire(100 * second)).toEqual([]);
  lessor.promote(second, 100 * second);
  expect(lessor.lookup(id(1))?.expiryUs).toBe(161 * second);
  expect(lessor.heap.map((entry) => entry.timeUs)).toEqual([161 * second]);
});

test('leases that a promotion would let expire together are spread over seconds', () => {
  const store = new MapStore();
  for (let i = 1; i <= 100; i++) store.put({ id: id(i), ttlSeconds: 10, remainingTtlSeconds: 0 });
  const { lessor } = openLessor({ revokeRate: 10 }, store);
  lessor.promote(second, 0);
  const perSecond = new Map<number, number>();
  for (const { expiryUs } of lessor.leases()) {
    expect(expiryUs).toBeGreaterThanOrEqual(11 * second);
    const at = Math.floor((expiryUs ?? 0) / second);
    perSecond.set(at, (perSecond.get(at) ?? 0) + 1);
  }
  expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(10);
  expect([...perSecond.values()].reduce((sum, count) => sum + count, 0)).toBe(100);
});

test('a full window passes its overflow on, share by share; few leases are left as they are', () => {
  const together = (count: number): number[] => Array.from({ length: count }, () => 10 * second);
  expect(spreadPileUp(together(4), 5)).toEqual([0, 0, 0, 0]);
  // three fit into a second at a rate of five; the fourth moves 4/3 s, the fifth 5/3 s
  expect(spreadPileUp(together(5), 5)).toEqual([0, 0, 0, 1_333_333, 1_666_666]);
  const later = [...together(4), 10 * second + 500_000, 13 * second];
  expect(spreadPileUp(later, 5)).toEqual([0, 0, 0, 1_333_333, 1_166_666, 0]);
});

test('a lease is stored as etcd stores it', () => {
  const { backend, store } = openBackend();
  const lessor = new Lessor(store, { minTtlSeconds: 2 });
  lessor.grant(id(0x694d_7fb5_4e6e_d00an), 60, 0);
  lessor.grant(id(-2), 2, 0);
  const pairs = backend.readTx.range('lease', new Uint8Array(0), null);
  // leasepb.Lease: field 1 ID, field 2 TTL, both varints; a negative id takes ten bytes
  expect(pairs.map(({ key, value }) => [toHex(key), toHex(value)])).toEqual([
    ['694d7fb54e6ed00a', '088aa0bbf3d4f6dfa669' + '103c'],
    ['fffffffffffffffe', '08feffffffffffffffff01' + '1002'],
  ]);
});

test('after a restart each lease has its full time, and what was revoked is gone', () => {
  const first = openBackend();
  const lessor = new Lessor(first.store, { minTtlSeconds: 2 });
  lessor.setRangeDeleter(() => ({ deleteRange: () => ({ revision: 1 }), end: () => first.backend.unlock() }));
  for (const [each, ttl] of [
    [1, 60],
    [-7, 9_000_000_000],
    [3, 5],
  ])
    lessor.grant(id(each), ttl, 0);
  lessor.revoke(id(3));
  if (first.backend.commit('force')) first.backend.committed();
  const reopened = new Lessor(openBackend(first.pager.image()).store, { minTtlSeconds: 2 });
  expect(
    reopened.leases().map((lease) => [lease.id, lease.ttlSeconds, lease.expiryUs, lease.keyCount]),
  ).toEqual([
    [-7n, 9_000_000_000, null, 0],
    [1n, 60, null, 0],
  ]);
  reopened.promote(0, 50 * second);
  expect(reopened.timeToLive(id(1), 50 * second)).toBe(60);
});

test('a record that is no lease is refused by name', () => {
  const { backend, store } = openBackend();
  backend.batchTx.put('lease', text('12345678'), new Uint8Array([0x08]));
  backend.unlock();
  expect(() => new Lessor(store, { minTtlSeconds: 2 })).toThrow('lease: bad record');
});

test('whether anyone listens changes nothing', () => {
  const run = (on: boolean): unknown => {
    const events: unknown[] = [];
    const trace = { on, emit: (event: unknown) => void events.push(event) };
    const lessor = new Lessor(new MapStore(), { minTtlSeconds: 2 }, trace);
    lessor.promote(0, 0);
    for (let i = 1; i <= 20; i++) lessor.grant(id(i), 2 + ((i * 7) % 5), i);
    const expired = [2, 3, 4].map((at) => lessor.expire(at * second));
    expect(events.length > 0).toBe(on);
    return [expired, lessor.leases(), lessor.work];
  };
  expect(run(true)).toEqual(run(false));
});
