/** Runs whose store real etcd opens: keys, leases, deletions, compactions, and what a member's disk then holds. */
import { stream } from '../../src/base/prng.ts';
import type { Prng } from '../../src/base/prng.ts';
import { concatBytes } from '../../src/base/bytes.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { Permission_Type } from '../../src/engine/pb/gen/auth_pb.ts';
import * as pb from '../../src/engine/pb/gen/rpc_pb.ts';
import type { AuthMethod } from '../../src/engine/server/types.ts';
import { AttendedLab } from './member-client.ts';

const scenarios = { keys, leases, tombstones, compacted, users, mixed, large };
export type SnapshotScenario = keyof typeof scenarios;
export const snapshotScenarios = Object.keys(scenarios) as SnapshotScenario[];

/** What a real etcd must find in the file: base64 of a key to its value, created, changed, version and lease. */
export interface Expected {
  readonly revision: number;
  readonly hashkv: number;
  readonly kvs: Readonly<Record<string, readonly [string, number, number, number, number]>>;
}

export interface Exported {
  /** As `snapshot save` writes it: the database, and behind it its SHA-256. */
  readonly snapshot: Uint8Array;
  /** The first member's `snap/db` as it lies on its disk. */
  readonly database: Uint8Array;
  readonly expected: Expected;
}

/** Runs a scenario on a cluster of three, and asks the first member for its store. */
export function exportScenario(scenario: SnapshotScenario, seed: number): Exported {
  const lab = new AttendedLab(seed);
  scenarios[scenario](lab, stream(seed, 'export'));
  // until the last batch is committed and durable
  lab.lab.runFor(2_000_000);
  const pieces = lab.stream(
    'etcdserverpb.Maintenance/Snapshot',
    [pb.SnapshotRequestSchema, pb.SnapshotResponseSchema],
    {},
  );
  const expected = expectedOf(lab);
  const database = lab.lab.cluster.durable(1).get('member/snap/db');
  if (database === undefined) throw new Error('the member has no member/snap/db');
  return { snapshot: concatBytes(pieces.map(({ blob }) => blob)), database, expected };
}

const all = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function expectedOf(lab: AttendedLab): Expected {
  const hashTypes = [pb.HashKVRequestSchema, pb.HashKVResponseSchema] as const;
  const { hash } = lab.ask('etcdserverpb.Maintenance/HashKV', hashTypes, {});
  const rangeTypes = [pb.RangeRequestSchema, pb.RangeResponseSchema] as const;
  const { header, kvs } = lab.ask('etcdserverpb.KV/Range', rangeTypes, all);
  const rows = kvs.map(({ key, value, createRevision, modRevision, version, lease }) => {
    const row = [
      base64(value),
      Number(createRevision),
      Number(modRevision),
      Number(version),
      Number(lease),
    ] as const;
    return [base64(key), row] as const;
  });
  return { revision: Number(header?.revision), hashkv: hash, kvs: Object.fromEntries(rows) };
}

type PutInit = MessageInitShape<typeof pb.PutRequestSchema>;
const put = (key: string, value: string, lease = 0n): PutInit => ({
  key: encodeUtf8(key),
  value: encodeUtf8(value),
  lease,
});
const name = (prefix: string, number: number): string => `${prefix}/${String(number).padStart(6, '0')}`;

const putTypes = [pb.PutRequestSchema, pb.PutResponseSchema] as const;
const puts = (lab: AttendedLab, inits: readonly PutInit[]): void =>
  void lab.askAll('etcdserverpb.KV/Put', putTypes, inits);

function remove(lab: AttendedLab, key: string, rangeEnd = ''): void {
  const types = [pb.DeleteRangeRequestSchema, pb.DeleteRangeResponseSchema] as const;
  lab.ask('etcdserverpb.KV/DeleteRange', types, { key: encodeUtf8(key), rangeEnd: encodeUtf8(rangeEnd) });
}

function compact(lab: AttendedLab, revision: number): void {
  const types = [pb.CompactionRequestSchema, pb.CompactionResponseSchema] as const;
  lab.ask('etcdserverpb.KV/Compact', types, { revision: BigInt(revision), physical: true });
}

function grant(lab: AttendedLab, id: bigint, ttlSeconds: number): void {
  const types = [pb.LeaseGrantRequestSchema, pb.LeaseGrantResponseSchema] as const;
  lab.ask('etcdserverpb.Lease/LeaseGrant', types, { ID: id, TTL: BigInt(ttlSeconds) });
}

/** A few hundred keys, some of them written several times, of all sizes and bytes. */
function keys(lab: AttendedLab, draws: Prng): void {
  for (let round = 0; round < 4; round++) {
    const inits = Array.from({ length: 100 }, (): PutInit => {
      const value = Uint8Array.from({ length: draws.below(6000) }, () => draws.below(256));
      return { key: encodeUtf8(name('keys', draws.below(150))), value };
    });
    puts(lab, [...inits, { key: Uint8Array.of(0xff, round), value: Uint8Array.of(0, round) }]);
  }
}

/** Leases with keys, with none, one that is revoked with its keys, and keys that change their lease. */
function leases(lab: AttendedLab, draws: Prng): void {
  for (let id = 1n; id <= 20n; id++) grant(lab, id * 1_000_003n, draws.between(3_600, 90_000));
  const lease = (): bigint => BigInt(draws.between(1, 15)) * 1_000_003n;
  for (let round = 0; round < 3; round++) {
    puts(
      lab,
      Array.from({ length: 80 }, () => put(name('leased', draws.below(100)), `round ${round}`, lease())),
    );
  }
  puts(lab, [put(name('leased', 1), 'no lease any more')]);
  const types = [pb.LeaseRevokeRequestSchema, pb.LeaseRevokeResponseSchema] as const;
  lab.ask('etcdserverpb.Lease/LeaseRevoke', types, { ID: 1_000_003n });
}

/** Keys that are deleted one by one and by ranges, and some that come back. */
function tombstones(lab: AttendedLab, draws: Prng): void {
  puts(
    lab,
    Array.from({ length: 300 }, (_, i) => put(name('dead', i), 'x'.repeat(draws.below(500)))),
  );
  for (let i = 0; i < 60; i++) remove(lab, name('dead', draws.below(300)));
  remove(lab, name('dead', 200), name('dead', 260));
  puts(
    lab,
    Array.from({ length: 40 }, () => put(name('dead', draws.below(300)), 'again')),
  );
}

/** The same with compactions in between and a history after them. */
function compacted(lab: AttendedLab, draws: Prng): void {
  for (const revision of [150, 500]) {
    tombstones(lab, draws);
    compact(lab, revision);
    lab.lab.runFor(1_000_000);
  }
  puts(
    lab,
    Array.from({ length: 100 }, () => put(name('dead', draws.below(50)), 'after the compaction')),
  );
}

/**
 * Users, roles and permissions; authentication is off: who takes the file over reads it first, and turns it on.
 */
function users(lab: AttendedLab, draws: Prng): void {
  keys(lab, draws);
  const tell = <Request extends DescMessage, Response extends DescMessage>(
    method: AuthMethod,
    types: readonly [Request, Response],
    body: MessageInitShape<Request>,
  ): void => void lab.ask(`etcdserverpb.Auth/${method}`, types, body);
  const readKeys = { key: encodeUtf8('keys/'), rangeEnd: encodeUtf8('keys0') };
  for (const role of ['root', 'reader', 'gone'])
    tell('RoleAdd', [pb.AuthRoleAddRequestSchema, pb.AuthRoleAddResponseSchema], { name: role });
  tell(
    'RoleGrantPermission',
    [pb.AuthRoleGrantPermissionRequestSchema, pb.AuthRoleGrantPermissionResponseSchema],
    {
      name: 'reader',
      perm: { permType: Permission_Type.READ, ...readKeys },
    },
  );
  for (const user of ['root', 'alice', 'bob'])
    tell('UserAdd', [pb.AuthUserAddRequestSchema, pb.AuthUserAddResponseSchema], {
      name: user,
      password: `pw-${user}`,
    });
  for (const [user, role] of [
    ['root', 'root'],
    ['alice', 'reader'],
    ['bob', 'gone'],
  ])
    tell('UserGrantRole', [pb.AuthUserGrantRoleRequestSchema, pb.AuthUserGrantRoleResponseSchema], {
      user,
      role,
    });
  tell('RoleDelete', [pb.AuthRoleDeleteRequestSchema, pb.AuthRoleDeleteResponseSchema], { role: 'gone' });
}

function mixed(lab: AttendedLab, draws: Prng): void {
  keys(lab, draws);
  leases(lab, draws);
  compacted(lab, draws);
}

const largeCount = 100_000;
const perTxn = 125;

/** 100,000 keys, written by txns; then some deletions, leases and a compaction. */
function large(lab: AttendedLab, draws: Prng): void {
  grant(lab, 77n, 36_000);
  const types = [pb.TxnRequestSchema, pb.TxnResponseSchema] as const;
  for (let first = 0; first < largeCount; first += perTxn * 4) {
    const txns = Array.from({ length: 4 }, (_, i) => ({
      success: Array.from({ length: perTxn }, (_unused, j) => {
        const number = first + i * perTxn + j;
        const lease = number % 1000 === 0 ? 77n : 0n;
        const value = put(name('large', number), 'v'.repeat(draws.between(10, 100)), lease);
        return { request: { case: 'requestPut', value } } as const;
      }),
    }));
    lab.askAll('etcdserverpb.KV/Txn', types, txns);
  }
  puts(
    lab,
    Array.from({ length: 200 }, () => put(name('large', draws.below(largeCount)), 'changed')),
  );
  compact(lab, 600);
  // The compaction goes through the history in batches.
  lab.lab.runFor(5_000_000);
  for (let i = 0; i < 5; i++) remove(lab, name('large', draws.below(largeCount)));
  puts(lab, [put('after', 'the end')]);
}
