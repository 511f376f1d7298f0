/** Leases as the picture has them: beside a real lessor, and in a whole cluster where one expires. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { idToHex } from '../../src/base/u64.ts';
import type { LeaseEvent } from '../../src/engine/lease/events.ts';
import { Lessor } from '../../src/engine/lease/lessor.ts';
import { leaseId, type ExpiryKind, type LeaseStore } from '../../src/engine/lease/types.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import { Lab } from '../../src/model/lab.svelte.ts';
import { emptyLeases, foldLeases } from '../../src/model/lease-fold.ts';
import {
  freeServiceKey,
  goneShownUs,
  leftShare,
  leftUs,
  livingCount,
  primaryOf,
  renewalGlow,
  renewalShownUs,
  shownMember,
  visibleLeases,
  type LeasesView,
} from '../../src/model/lease-view.ts';
import { leaseArc } from '../../src/model/layout/lease-arc.ts';
import { layoutHeap } from '../../src/model/layout/heap-tree.ts';
import type { Told } from '../../src/model/told.ts';

const noStore: LeaseStore = { all: () => [], put: () => {}, delete: () => {} };
const keyOf = (number: number): Uint8Array => Uint8Array.of(0x6b, 0x30 + number);

type Deed = readonly [kind: number, lease: number, seconds: number];
const deed = fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 20 }));

/** A real lessor that does as it is told, and the view of what it told. */
function runLessor(expiry: ExpiryKind, deeds: readonly Deed[]): { lessor: Lessor; view: LeasesView } {
  const events: Told[] = [];
  let timeUs = 0;
  const emit = (event: LeaseEvent): void => {
    events.push({ at: { moment: events.length, ordinal: 0, timeUs, member: 1 }, event });
  };
  const lessor = new Lessor(noStore, { minTtlSeconds: 1, expiry }, { on: true, emit });
  lessor.setRangeDeleter(() => ({ deleteRange: () => ({ revision: 2 }), end: () => {} }));
  lessor.promote(0, timeUs);
  for (const [kind, number, seconds] of deeds) {
    timeUs += 300_000;
    const id = leaseId(BigInt(number));
    const isThere = lessor.lookup(id) !== null;
    if (!isThere && kind < 4) lessor.grant(id, seconds, timeUs);
    else if (isThere && kind === 0 && lessor.isPrimary) lessor.renew(id, timeUs);
    else if (isThere && kind === 1) lessor.revoke(id);
    else if (isThere && kind === 2 && lessor.leaseOf(keyOf(number)) === null)
      lessor.attach(id, keyOf(number));
    else if (isThere && kind === 3) lessor.detach(id, keyOf(number));
    else if (kind === 4) lessor.expire(timeUs);
    else if (kind === 5) lessor.demote();
    else if (kind === 6) lessor.promote(1_000_000, timeUs);
  }
  const cut = Math.floor(events.length / 2);
  const view = foldLeases(foldLeases(emptyLeases(1), events.slice(0, cut)), events.slice(cut));
  expect(view).toEqual(foldLeases(emptyLeases(1), events));
  return { lessor, view };
}

test.each(['scan', 'heap', 'heapMap'] as const)(
  'whatever a lessor with a %s does, the view holds its leases, its heap and its work',
  (expiry) => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
        const { lessor, view } = runLessor(expiry, deeds);
        const [member] = view.members;
        expect(member.heap).toEqual(lessor.heap.map(({ id, timeUs }) => ({ id: idToHex(id), timeUs })));
        expect(primaryOf(view) !== null).toBe(lessor.isPrimary);
        expect(member.work.touched).toBe(lessor.work.touched);
        const living = [...member.leases.values()].filter(({ goneAtUs }) => goneAtUs === null);
        const facts = living.map(({ id, ttlSeconds, expiryUs, keyCount, keys }) => {
          expect(keys).toHaveLength(keyCount);
          return { id, ttlSeconds, expiryUs, keyCount };
        });
        const asked = lessor.leases().map((lease) => ({ ...lease, id: idToHex(lease.id) }));
        expect(facts.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
          asked.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        );
      }),
      { numRuns: 150 },
    );
  },
);

async function openLab(): Promise<Lab> {
  const lab = new Lab(openInProcess());
  await lab.open({
    seed: 5,
    members: 3,
    storage: 'memory',
    layout: 'one',
    workspace: 'lease-test',
    lookOnly: false,
    preVote: true,
    startPaused: true,
  });
  return lab;
}

async function act(lab: Lab, command: unknown, virtualUs = 300_000): Promise<unknown> {
  const done = lab.act(command);
  await lab.run(virtualUs);
  return done;
}

test('a lease expires in a whole cluster: its revoke has a place in the log, and its keys go with it', async () => {
  const lab = await openLab();
  await act(lab, { type: 'leaseGrant', ttl: 2, id: 'a1' });
  await act(lab, { type: 'put', key: '/services/web-1', value: 'up', lease: 'a1' });
  const granted = shownMember(lab.leases);
  expect(granted).toBe(primaryOf(lab.leases));
  expect(granted.id).toBe(lab.leader?.id);
  const lease = granted.leases.get('a1');
  if (lease === undefined) throw new Error('no lease');
  expect(lease).toMatchObject({ ttlSeconds: 2, keys: ['/services/web-1'], keyCount: 1, goneAtUs: null });
  expect(lease.expiryUs).toBe((lease.grantedAtUs ?? 0) + 2_000_000);
  expect(leftShare(lease, (lease.grantedAtUs ?? 0) + 500_000)).toBe(0.75);
  expect(freeServiceKey(granted)).toBe('/services/web-2');

  await act(lab, { type: 'leaseKeepAlive', id: 'a1', once: true });
  const renewed = shownMember(lab.leases).leases.get('a1');
  expect(renewed?.renewalCount).toBe(1);
  expect(renewed?.expiryUs).toBeGreaterThan(lease.expiryUs ?? 0);
  if (renewed === undefined || renewed.renewedAtUs === null) throw new Error('not renewed');
  expect(renewalGlow(renewed, renewed.renewedAtUs)).toBe(1);
  expect(renewalGlow(renewed, renewed.renewedAtUs + renewalShownUs)).toBe(0);

  await lab.run(3_000_000);
  const [end] = lab.leases.ends;
  expect(end).toMatchObject({ id: 'a1', because: 'expired', keys: ['/services/web-1'], keyCount: 1 });
  expect(end?.startedAtUs).toBeGreaterThanOrEqual(renewed.expiryUs ?? Infinity);
  expect(end?.applied.map(({ member }) => member).toSorted()).toEqual([1, 2, 3]);
  const log = lab.logs.members[granted.id - 1];
  const entry = log.entries.find(({ index }) => index === end?.entry?.index);
  expect(entry?.label).toBe('lease revoke a1');
  for (const member of lab.leases.members) {
    const gone = member.leases.get('a1');
    expect(livingCount(member)).toBe(0);
    expect(visibleLeases(member, gone?.goneAtUs ?? 0)).toHaveLength(1);
    expect(visibleLeases(member, (gone?.goneAtUs ?? 0) + goneShownUs)).toEqual([]);
  }
  expect(await act(lab, { type: 'get', key: '/services/web-1' })).toMatchObject({ outcome: { count: 0 } });
});

test('a new leader counts anew: every lease gets its full time and no lease expires while nobody leads', async () => {
  const lab = await openLab();
  await act(lab, { type: 'leaseGrant', ttl: 4, id: 'b2' });
  const old = primaryOf(lab.leases)?.id ?? 0;
  await act(lab, { type: 'kill', member: old }, 100_000);
  expect(primaryOf(lab.leases)).toBeNull();
  const orphan = shownMember(lab.leases).leases.get('b2');
  expect(orphan).toMatchObject({ expiryUs: null });
  expect(orphan && leftUs(orphan, lab.leases.timeUs)).toBeNull();
  await lab.run(4_000_000);
  const next = primaryOf(lab.leases);
  expect(next?.id).not.toBe(old);
  const since = next?.primarySinceUs ?? 0;
  expect(next?.leases.get('b2')?.expiryUs).toBeGreaterThanOrEqual(since + 4_000_000);
});

test('the arc closes with the time that is left, and the heap stands as a tree under its top', () => {
  const dial = { inner: 40, outer: 46 };
  expect(leaseArc(dial, 0)).toBe('');
  expect(leaseArc(dial, 1)).toBe(leaseArc(dial, 1.5));
  expect(new Set([0.25, 0.5, 0.75, 1].map((share) => leaseArc(dial, share))).size).toBe(4);
  const { places, width } = layoutHeap(6, 600, { width: 90, height: 30 });
  expect(places).toHaveLength(6);
  const parent = (at: number): number => (at - 1) >> 1;
  places.slice(1).forEach(({ y }, i) => expect(y).toBeGreaterThan(places[parent(i + 1)].y));
  expect(Math.max(...places.map(({ x }) => x))).toBeLessThanOrEqual(width);
  expect(layoutHeap(40, 300, { width: 90, height: 30 }).places).toHaveLength(3);
});
