/** The lessor against a list that is searched from end to end, for each way to find what has expired. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8 } from '../../../src/base/utf8.ts';
import type { LeaseId } from '../../../src/engine/lease/types.ts';
import { LeaseError } from '../../../src/engine/lease/types.ts';
import { expiryKinds, id, MapStore, openLessor, second, text } from './rig.ts';
import type { Opened } from './rig.ts';

const recheckUs = 3 * second;
const minTtlSeconds = 2;
/** A pass hands out at most three. There are fewer leases than this rate, so nothing is spread. */
const revokeRate = 7;
const passLimit = 3;

interface NaiveLease {
  readonly id: LeaseId;
  readonly ttl: number;
  expiryUs: number;
  dueUs: number;
  keys: Set<string>;
}

/** A lessor by the obvious means. A lease of a follower expires at Infinity. */
class NaiveLessor {
  leases: NaiveLease[] = [];
  primary = false;

  find(lease: LeaseId): NaiveLease {
    const found = this.leases.find((each) => each.id === lease);
    if (found === undefined) throw new LeaseError('lease not found');
    return found;
  }

  grant(lease: LeaseId, ttlSeconds: number, nowUs: number): void {
    if (this.leases.some((each) => each.id === lease)) throw new LeaseError('lease already exists');
    const ttl = Math.max(ttlSeconds, minTtlSeconds);
    const expiryUs = this.primary ? nowUs + ttl * second : Infinity;
    this.leases.push({ id: lease, ttl, expiryUs, dueUs: expiryUs, keys: new Set() });
  }

  revoke(lease: LeaseId): string[] {
    const { keys } = this.find(lease);
    this.leases = this.leases.filter((each) => each.id !== lease);
    return [...keys].sort();
  }

  renew(lease: LeaseId, nowUs: number): 'renewed' | 'expired' {
    if (!this.primary) throw new LeaseError('not a primary lessor');
    const found = this.find(lease);
    if (found.expiryUs <= nowUs) return 'expired';
    found.expiryUs = found.dueUs = nowUs + found.ttl * second;
    return 'renewed';
  }

  put(lease: LeaseId | null, key: string): void {
    const target = lease === null ? null : this.find(lease);
    for (const each of this.leases) each.keys.delete(key);
    target?.keys.add(key);
  }

  promote(extendUs: number, nowUs: number): void {
    this.primary = true;
    for (const lease of this.leases) lease.expiryUs = lease.dueUs = nowUs + lease.ttl * second + extendUs;
  }

  demote(): void {
    this.primary = false;
    for (const lease of this.leases) lease.expiryUs = lease.dueUs = Infinity;
  }

  expire(nowUs: number): LeaseId[] {
    if (!this.primary) return [];
    const due = this.leases.filter((lease) => lease.dueUs <= nowUs);
    due.sort((a, b) => a.dueUs - b.dueUs || (a.id < b.id ? -1 : 1));
    return due.slice(0, passLimit).map((lease) => {
      lease.dueUs = nowUs + recheckUs;
      return lease.id;
    });
  }
}

const lease = fc
  .integer({ min: -2, max: 4 })
  .filter((n) => n !== 0)
  .map(id);
const key = fc.constantFrom('a', 'b', 'c');
const waitUs = fc.constantFrom(0, 500_000, second, 2 * second);
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      lease,
      ttl: fc.integer({ min: -1, max: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('revoke' as const), lease }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('renew' as const), lease }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('put' as const), lease: fc.option(lease), key }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('promote' as const), extendUs: fc.constantFrom(0, second) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('demote' as const) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('pass' as const), afterUs: waitUs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** What a call gave: its value, or the text of its refusal. */
function outcome(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    if (error instanceof LeaseError) return error.code;
    throw error;
  }
}

/** As the key-value store does: a put moves the key from its old lease to the new one. */
function put({ lessor }: Opened, lease: LeaseId | null, name: string): void {
  if (lease !== null && lessor.lookup(lease) === null) throw new LeaseError('lease not found');
  const old = lessor.leaseOf(text(name));
  if (old !== null) lessor.detach(old, text(name));
  if (lease !== null) lessor.attach(lease, text(name));
}

interface Both {
  real: Opened;
  readonly model: NaiveLessor;
  nowUs: number;
}

function run(both: Both, step: Command, reopen: (store: MapStore) => Opened): readonly [unknown, unknown] {
  const {
    real: { lessor, deleted },
    model,
    nowUs,
  } = both;
  switch (step.kind) {
    case 'grant':
      return [
        outcome(() => void lessor.grant(step.lease, step.ttl, nowUs)),
        outcome(() => model.grant(step.lease, step.ttl, nowUs)),
      ];
    case 'revoke':
      return [
        outcome(() => (lessor.revoke(step.lease), deleted.at(-1))),
        outcome(() => model.revoke(step.lease)),
      ];
    case 'renew':
      return [
        outcome(() => lessor.renew(step.lease, nowUs).kind),
        outcome(() => model.renew(step.lease, nowUs)),
      ];
    case 'put':
      return [
        outcome(() => put(both.real, step.lease, step.key)),
        outcome(() => model.put(step.lease, step.key)),
      ];
    case 'promote':
      return [lessor.promote(step.extendUs, nowUs), model.promote(step.extendUs, nowUs)];
    case 'demote':
      return [lessor.demote(), model.demote()];
    case 'pass':
      both.nowUs += step.afterUs;
      return [lessor.expire(both.nowUs), model.expire(both.nowUs)];
    case 'restart':
      both.real = reopen(both.real.store);
      model.demote();
      for (const { id: lease, keys } of model.leases) for (const name of keys) put(both.real, lease, name);
      return [null, null];
  }
}

for (const expiry of expiryKinds) {
  test(`a lessor that finds what has expired by ${expiry} keeps, renews, expires and deletes as a plain list would`, () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (steps) => {
        const config = { minTtlSeconds, recheckUs, revokeRate, expiry };
        const reopen = (store: MapStore): Opened => openLessor(config, store);
        const both: Both = { real: reopen(new MapStore()), model: new NaiveLessor(), nowUs: 0 };
        for (const step of steps) {
          const [found, expected] = run(both, step, reopen);
          expect(found).toEqual(expected);
          const { lessor } = both.real;
          const leases = [...both.model.leases].sort((a, b) => (a.id < b.id ? -1 : 1));
          const seen = lessor.leases().sort((a, b) => (a.id < b.id ? -1 : 1));
          expect(seen.map((each) => [each.id, each.ttlSeconds, each.expiryUs ?? Infinity])).toEqual(
            leases.map((each) => [each.id, each.ttl, each.expiryUs]),
          );
          expect(seen.map((each) => lessor.keysOf(each.id).map(decodeUtf8))).toEqual(
            leases.map((each) => [...each.keys].sort()),
          );
        }
      }),
      { numRuns: 300 },
    );
  });
}
