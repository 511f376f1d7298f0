/** A file restored and served by a cluster of one: what it answers, against the manifest and the file itself. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { compareBytes, toHex } from '../../../src/base/bytes.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { Backend, openDb } from '../../../src/engine/backend/backend.ts';
import type { Db } from '../../../src/engine/bolt/db.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { decodeRevision, isTombstone } from '../../../src/engine/mvcc/revision.ts';
import * as pb from '../../../src/engine/pb/gen/rpc_pb.ts';
import { decodeKeyValue } from '../../../src/engine/pb/hot.ts';
import type { KeyValue } from '../../../src/engine/pb/hot.ts';
import { alarmText } from '../../../src/engine/server/alarms.ts';
import { databaseOf, restoreSnapshot } from '../../../src/engine/server/restore.ts';
import type { RpcMethod } from '../../../src/engine/server/types.ts';
import { LoneMember, loneCluster } from '../etcd/lone-member.ts';
import { forEachItem, stateHash } from './content.ts';
import type { Fact, Facts, Manifest } from './manifest.ts';

const all = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };

/** Asks a member; a refusal is its text. */
class Client {
  readonly #member: LoneMember;

  constructor(member: LoneMember) {
    this.#member = member;
  }

  ask<Request extends DescMessage, Response extends DescMessage>(
    method: RpcMethod,
    [request, response]: readonly [Request, Response],
    init: MessageInitShape<Request>,
  ): MessageShape<Response> {
    const reply = this.#member.call(method, toBinary(request, create(request, init)));
    if (reply.code !== 0) throw new Error(reply.message);
    return fromBinary(response, reply.bytes);
  }

  refusal(work: () => unknown): string {
    try {
      work();
      return 'no refusal';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  range(revision: number): pb.RangeResponse {
    const types = [pb.RangeRequestSchema, pb.RangeResponseSchema] as const;
    return this.ask('etcdserverpb.KV/Range', types, { ...all, revision: BigInt(revision) });
  }
}

interface Served {
  readonly client: Client;
  readonly manifest: Manifest;
  readonly db: Db;
}

const section = (manifest: Manifest, name: string): Facts => (manifest[name] ?? {}) as Facts;
const lastRevision = (manifest: Manifest): number =>
  Number(section(manifest, 'mvcc')['last_main_revision'] ?? 1);

/** All comparisons with what a member answers that was restored from the file. */
export function servedFacts(file: Uint8Array, manifest: Manifest, db: Db): Fact[] {
  const isGuarded = 'authEnabled' in section(manifest, 'bucket_auth');
  const guarded: Fact[] = [];
  let bytes = file;
  if (isGuarded && section(manifest, 'bucket_auth')['authEnabled'] === 'hex:01') {
    const client = serve(file);
    const actual = client.refusal(() => client.range(0));
    guarded.push({ name: 'served.stranger', expected: 'etcdserver: user name is empty', actual });
    bytes = withoutAuth(file);
  }
  const served = { client: serve(bytes), manifest, db };
  const answers = [stateFacts, historyFacts, hashFacts, servedLeaseFacts, securityFacts, writeFacts];
  return [...guarded, ...answers.flatMap((facts) => facts(served))];
}

function serve(file: Uint8Array): Client {
  const files = restoreSnapshot(file, loneCluster, { skipHashCheck: true });
  return new Client(new LoneMember(1, {}, files));
}

/** The same database with its users' guard down: nobody here knows their passwords. */
function withoutAuth(file: Uint8Array): Uint8Array {
  const backend = Backend.open(openDb(new MemoryPager(databaseOf(file, true))));
  backend.batchTx.put('auth', encodeUtf8('authEnabled'), Uint8Array.of(0));
  backend.unlock();
  backend.commit('force');
  return backend.image();
}

function stateFacts({ client, manifest }: Served): Fact[] {
  const { header, kvs, count } = client.range(0);
  const mvcc = section(manifest, 'mvcc');
  const { version } = client.ask(
    'etcdserverpb.Maintenance/Status',
    [pb.StatusRequestSchema, pb.StatusResponseSchema],
    {},
  );
  return [
    { name: 'served.revision', expected: lastRevision(manifest), actual: Number(header?.revision) },
    { name: 'served.count', expected: mvcc['live_keys'], actual: Number(count) },
    { name: 'served.state', expected: mvcc['sha256_of_live_state'], actual: stateHash(kvs) },
    { name: 'served.version', expected: manifest['etcd'], actual: version },
  ];
}

/** The live keys at a revision by the records alone, in byte order. */
function stateAt(db: Db, revision: number): KeyValue[] {
  const live = new Map<string, KeyValue>();
  forEachItem(db, 'key', (place, value) => {
    if (decodeRevision(place).main > revision) return;
    const kv = decodeKeyValue(value);
    if (isTombstone(place)) live.delete(toHex(kv.key));
    else live.set(toHex(kv.key), kv);
  });
  return [...live.values()].sort((a, b) => compareBytes(a.key, b.key));
}

/** The past can be read back to the compaction, and no further. */
function historyFacts({ client, manifest, db }: Served): Fact[] {
  const last = lastRevision(manifest);
  const compacted = Number(section(manifest, 'hashkv_recomputed')['compact_revision'] ?? 0);
  const first = Math.max(compacted, 1);
  const steps = [0, 1, 2, 3].map((quarter) => first + Math.floor(((last - first) * quarter) / 4));
  const facts = [...new Set(steps)].map((revision): Fact => {
    const expected = stateHash(stateAt(db, revision));
    return { name: `served.state at ${revision}`, expected, actual: stateHash(client.range(revision).kvs) };
  });
  const refused = 'etcdserver: mvcc: required revision';
  const ask = (revision: number): string => client.refusal(() => client.range(revision));
  facts.push({ name: 'served.future', expected: `${refused} is a future revision`, actual: ask(last + 1) });
  if (compacted > 1) {
    facts.push({
      name: 'served.past',
      expected: `${refused} has been compacted`,
      actual: ask(compacted - 1),
    });
  }
  return facts;
}

function hashFacts({ client, manifest }: Served): Fact[] {
  const { hash, compactRevision } = client.ask(
    'etcdserverpb.Maintenance/HashKV',
    [pb.HashKVRequestSchema, pb.HashKVResponseSchema],
    {},
  );
  const recomputed = section(manifest, 'hashkv_recomputed');
  const live = section(manifest, 'live_answers')['hashkv'];
  const facts = [
    { name: 'served.hashkv', expected: recomputed['hash'], actual: hash },
    {
      name: 'served.compactRevision',
      expected: recomputed['compact_revision'],
      actual: Number(compactRevision),
    },
  ];
  return live === undefined
    ? facts
    : [...facts, { name: 'served.hashkv as live', expected: live, actual: hash }];
}

function servedLeaseFacts({ client, manifest }: Served): Fact[] {
  const { leases } = client.ask(
    'etcdserverpb.Lease/LeaseLeases',
    [pb.LeaseLeasesRequestSchema, pb.LeaseLeasesResponseSchema],
    {},
  );
  const stored = section(manifest, 'leases');
  const named = (stored['first50'] ?? []) as readonly { readonly ID: string; readonly TTL: number }[];
  const keyCounts = (section(manifest, 'mvcc')['live_keys_by_lease'] ?? {}) as Record<string, number>;
  const facts = named.slice(0, 10).map(({ ID, TTL }): Fact => {
    const { grantedTTL, keys } = client.ask(
      'etcdserverpb.Lease/LeaseTimeToLive',
      [pb.LeaseTimeToLiveRequestSchema, pb.LeaseTimeToLiveResponseSchema],
      { ID: BigInt(ID), keys: true },
    );
    const expected = `${TTL} s, ${keyCounts[ID] ?? 0} keys`;
    return { name: `served.lease ${ID}`, expected, actual: `${grantedTTL} s, ${keys.length} keys` };
  });
  return [{ name: 'served.leases', expected: stored['count'], actual: leases.length }, ...facts];
}

/** Users, roles and alarms, where the manifest tells what they were. */
function securityFacts({ client, manifest }: Served): Fact[] {
  const live = section(manifest, 'live_answers');
  const facts: Fact[] = [];
  const compare = (name: string, actual: () => readonly string[]): void => {
    const expected = (live[name] as readonly string[] | undefined)?.filter((line) => line !== '');
    if (expected !== undefined) facts.push({ name: `served.${name}`, expected, actual: actual() });
  };
  const users = [pb.AuthUserListRequestSchema, pb.AuthUserListResponseSchema] as const;
  const roles = [pb.AuthRoleListRequestSchema, pb.AuthRoleListResponseSchema] as const;
  const alarms = [pb.AlarmRequestSchema, pb.AlarmResponseSchema] as const;
  compare('users', () => client.ask('etcdserverpb.Auth/UserList', users, {}).users);
  compare('roles', () => client.ask('etcdserverpb.Auth/RoleList', roles, {}).roles);
  compare('alarms', () => client.ask('etcdserverpb.Maintenance/Alarm', alarms, {}).alarms.map(alarmText));
  return facts;
}

/** The next write is the next revision, unless an alarm forbids it. */
function writeFacts({ client, manifest }: Served): Fact[] {
  const put = (): string => {
    const types = [pb.PutRequestSchema, pb.PutResponseSchema] as const;
    const request = { key: encodeUtf8('probe'), value: encodeUtf8('1') };
    return String(client.ask('etcdserverpb.KV/Put', types, request).header?.revision);
  };
  const isFull = Array.isArray(manifest['bucket_alarm']);
  if (!isFull) return [{ name: 'served.put', expected: String(lastRevision(manifest) + 1), actual: put() }];
  const expected = 'etcdserver: mvcc: database space exceeded';
  return [{ name: 'served.put', expected, actual: client.refusal(put) }];
}
