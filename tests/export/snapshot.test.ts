/** What a cluster stored, opened elsewhere: restored by ourselves, and by a real etcd where one is installed. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, expect, test } from 'vitest';
import * as pb from '../../src/engine/pb/gen/rpc_pb.ts';
import { restoreSnapshot } from '../../src/engine/server/restore.ts';
import { LoneMember, loneCluster } from '../parity/etcd/lone-member.ts';
import { exportScenario } from './snapshot.ts';
import type { Expected } from './snapshot.ts';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});

test('a snapshot restored into a cluster of one has the same revision, HashKV, keys and leases', () => {
  const { snapshot, database, expected } = exportScenario('leases', 3);
  for (const file of [snapshot, database]) {
    const files = restoreSnapshot(file, loneCluster, { skipHashCheck: file === database });
    const member = new LoneMember(1, {}, files);
    const hashRequest = toBinary(pb.HashKVRequestSchema, create(pb.HashKVRequestSchema));
    const hash = fromBinary(
      pb.HashKVResponseSchema,
      member.call('etcdserverpb.Maintenance/HashKV', hashRequest).bytes,
    );
    expect([Number(hash.header?.revision), hash.hash]).toEqual([expected.revision, expected.hashkv]);
    const leaseReply = member.call('etcdserverpb.Lease/LeaseLeases', new Uint8Array(0));
    expect(fromBinary(pb.LeaseLeasesResponseSchema, leaseReply.bytes).leases.length).toBe(19);
  }
});

test('a snapshot with a changed byte, without its hash or cut off is refused in words', () => {
  const { snapshot } = exportScenario('tombstones', 1);
  const restore = (file: Uint8Array, skipHashCheck = false): unknown =>
    restoreSnapshot(file, loneCluster, { skipHashCheck });
  const changed = snapshot.slice();
  changed[70_000] ^= 1;
  expect(() => restore(changed)).toThrow('expected sha256');
  const bare = snapshot.subarray(0, snapshot.length - 32);
  expect(() => restore(bare)).toThrow('snapshot missing hash but --skip-hash-check=false');
  expect(() => restore(bare.subarray(0, 8192), true)).toThrow('invalid database');
  expect(() => restore(new Uint8Array(0), true)).toThrow('invalid database');
  expect(() => restore(new TextEncoder().encode('x'.repeat(5000)), true)).toThrow('invalid database');
});

const isInstalled =
  spawnSync('etcdctl', ['version'], { env: { ...process.env, ETCDCTL_API: '3' } }).status === 0;
if (!isInstalled)
  console.warn('skipped: a real etcd restores our files. Install etcd-server and etcd-client.');

test.skipIf(!isInstalled)(
  'a real etcd restores a snapshot of ours and has the same keys, HashKV and leases',
  { timeout: 30_000 },
  async () => {
    const { snapshot, expected } = exportScenario('leases', 5);
    const dir = mkdtempSync(join(tmpdir(), 'quorum-lab-'));
    undo.push(() => rmSync(dir, { recursive: true, force: true }));
    const file = join(dir, 'snapshot.db');
    writeFileSync(file, snapshot);
    const status = JSON.parse(etcdctl('snapshot', 'status', file, '-w', 'json')) as { revision: number };
    expect(status.revision).toBe(expected.revision);
    const endpoint = await startRestored(dir, file);
    const ask = (...args: string[]): string => etcdctl('--endpoints', endpoint, ...args);
    const [{ HashKV }] = JSON.parse(ask('endpoint', 'hashkv', '-w', 'json')) as [
      { HashKV: { hash: number } },
    ];
    expect(HashKV.hash).toBe(expected.hashkv);
    const { kvs } = JSON.parse(ask('get', '--prefix', '', '-w', 'json')) as { kvs: RealKeyValue[] };
    expect(Object.fromEntries(kvs.map(rowOf))).toEqual(expected.kvs);
    expect(ask('lease', 'list')).toContain('found 19 leases');
    const leased = kvs.filter(({ lease }) => lease === 2 * 1_000_003).length;
    const told = ask('lease', 'timetolive', (2 * 1_000_003).toString(16), '--keys', '-w', 'json');
    expect((JSON.parse(told) as { keys: string[] }).keys.length).toBe(leased);
    expect(ask('put', 'probe', '1')).toContain('OK');
  },
);

test.skipIf(!isInstalled)(
  'a real etcd knows the users of a snapshot of ours, by our hashes of their passwords, and what they may',
  { timeout: 60_000 },
  async () => {
    const { snapshot, expected } = exportScenario('users', 7);
    const dir = mkdtempSync(join(tmpdir(), 'quorum-lab-'));
    undo.push(() => rmSync(dir, { recursive: true, force: true }));
    const file = join(dir, 'snapshot.db');
    writeFileSync(file, snapshot);
    const endpoint = await startRestored(dir, file);
    const ask = (...args: string[]): string => etcdctl('--endpoints', endpoint, ...args);
    expect(ask('user', 'list').trim().split('\n')).toEqual(['alice', 'bob', 'root']);
    expect(ask('user', 'get', 'bob')).toContain('Roles:');
    expect(ask('role', 'list').trim().split('\n')).toEqual(['reader', 'root']);
    ask('auth', 'enable');
    expect(() => ask('get', 'keys/000001')).toThrow('user name is empty');
    const alice = ['--user', 'alice:pw-alice'];
    const { kvs } = JSON.parse(ask(...alice, 'get', '--prefix', 'keys/', '-w', 'json')) as {
      kvs: RealKeyValue[];
    };
    for (const kv of kvs) expect(rowOf(kv)[1]).toEqual(expected.kvs[kv.key]);
    expect(kvs.length).toBeGreaterThan(100);
    expect(() => ask(...alice, 'put', 'keys/000001', 'x')).toThrow('permission denied');
    expect(() => ask('--user', 'alice:wrong', 'get', 'keys/000001')).toThrow('invalid user ID or password');
    expect(ask('--user', 'root:pw-root', 'put', 'keys/000001', 'x')).toContain('OK');
  },
);

interface RealKeyValue {
  readonly key: string;
  readonly value?: string;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
  readonly lease?: number;
}

const rowOf = (kv: RealKeyValue): [string, Expected['kvs'][string]] => [
  kv.key,
  [kv.value ?? '', kv.create_revision, kv.mod_revision, kv.version, kv.lease ?? 0],
];

function etcdctl(...args: string[]): string {
  const options = { encoding: 'utf8', env: { ...process.env, ETCDCTL_API: '3' }, maxBuffer: 1e8 } as const;
  const { status, stdout, stderr } = spawnSync('etcdctl', args, options);
  if (status !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** @returns the endpoint of a real etcd that has restored the file */
async function startRestored(dir: string, file: string): Promise<string> {
  const [clientPort, peerPort] = [await freePort(), await freePort()];
  const [client, peer] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`];
  const data = join(dir, 'data');
  const identity = ['--name', 'r1', '--initial-cluster', `r1=${peer}`, '--initial-advertise-peer-urls', peer];
  etcdctl('snapshot', 'restore', file, '--data-dir', data, ...identity);
  const urls = [
    '--listen-client-urls',
    client,
    '--advertise-client-urls',
    client,
    '--listen-peer-urls',
    peer,
  ];
  const options = ['--experimental-initial-corrupt-check', '--logger', 'zap', '--log-outputs', 'stderr'];
  const server = spawn('etcd', ['--data-dir', data, ...identity, ...urls, ...options]);
  undo.push(() => server.kill('SIGKILL'));
  await untilReady(server);
  return client;
}

function untilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    server.stderr?.on('data', (text: Buffer) => {
      log += text.toString();
      if (log.includes('serving client traffic insecurely')) resolve();
    });
    server.on('exit', (code) => reject(new Error(`etcd ended with ${code}: ${log.slice(-2000)}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
