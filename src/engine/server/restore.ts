/** `snapshot restore`: a data directory for a new cluster's member, made from another cluster's database. */
import { create, toBinary } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, emptyBytes, equalBytes, toHex } from '../../base/bytes.ts';
import { WireError } from '../../base/wire.ts';
import { Backend, openDb } from '../backend/backend.ts';
import { encodeConsistentIndex, metaKeys } from '../backend/schema.ts';
import { BoltError } from '../bolt/errors.ts';
import { MemoryPager } from '../bolt/pager.ts';
import { checkFile } from '../bolt/tx-check.ts';
import { decodeRevision } from '../mvcc/revision.ts';
import { MetadataSchema } from '../pb/gen/etcdserver_pb.ts';
import { decodeKeyValue } from '../pb/hot.ts';
import { encodeConfChange } from '../raft/confchange-codec.ts';
import { logIndex, term } from '../raft/types.ts';
import type { Entry, Peer } from '../raft/types.ts';
import { Wal } from '../wal/wal.ts';
import type { WalSink } from '../wal/wal.ts';
import { backendFile } from './disk.ts';
import { clusterIdOf, MemberTable } from './member-id.ts';
import { Membership, memberFromJson } from './membership.ts';
import { firstPeers } from './members-told.ts';
import { untagContext } from './conf-change-data.ts';
import { entryToWire } from './raft-codec.ts';
import { encodeSnapFile, encodeSnapshot, snapFile } from './snapshot-codec.ts';
import type { DiskImage, MemberConfig } from './types.ts';
import { encodeV2Store } from './v2-store.ts';
import { decodeUtf8 } from '../../base/utf8.ts';

/** Texts of etcdctl where it has one. */
export type RestoreErrorCode =
  | 'snapshot missing hash but --skip-hash-check=false'
  | 'expected sha256'
  | 'snapshot file integrity check failed'
  | 'failed to unmarshal mvccpb.KeyValue';

export class RestoreError extends Error {
  override readonly name = 'RestoreError';
  readonly code: RestoreErrorCode;

  constructor(code: RestoreErrorCode, detail = '') {
    super(detail === '' ? code : `${code} ${detail}`);
    this.code = code;
  }
}

const hashBytes = 32;
/** The smallest block that a database is a multiple of. */
const sectorBytes = 512;

/**
 * Whether a file ends in a SHA-256: a database alone is whole sectors.
 * @source etcd v3.4.23 clientv3/snapshot/v3_snapshot.go hasChecksum
 */
export const hasTrailer = (file: Uint8Array): boolean => file.length % sectorBytes === hashBytes;

/**
 * The database in a snapshot file, as a view.
 * @param skipHashCheck takes a file without a hash, or with a wrong one, as it is
 * @throws RestoreError 'snapshot missing hash but --skip-hash-check=false' | 'expected sha256'
 * @source etcd v3.4.23 clientv3/snapshot/v3_snapshot.go saveDB
 */
export function databaseOf(file: Uint8Array, skipHashCheck: boolean): Uint8Array {
  if (!hasTrailer(file)) {
    if (skipHashCheck) return file;
    throw new RestoreError('snapshot missing hash but --skip-hash-check=false');
  }
  const body = file.subarray(0, file.length - hashBytes);
  if (skipHashCheck) return body;
  const [expected, actual] = [file.subarray(body.length), sha256(body)];
  if (!equalBytes(expected, actual)) {
    throw new RestoreError('expected sha256', `${toHex(expected)}, got ${toHex(actual)}`);
  }
  return body;
}

/** Which member of which new cluster the data are for: the same must be told to its start. */
export type RestoreConfig = Pick<MemberConfig, 'nodeId' | 'peers' | 'clusterToken'>;

/**
 * What the disk of a new cluster's member holds before its first start: keys, leases, users and alarms are
 * the file's; who is in the cluster is not. The log begins with the members, all of term 1 and committed.
 * @param file a snapshot file, or a member's `snap/db`
 * @throws RestoreError for what is no snapshot, or a damaged one; BoltError when it is no database;
 *   MvccError 'mvcc: bad record' for a key that is no revision
 * @source etcd v3.4.23 clientv3/snapshot/v3_snapshot.go Restore
 */
export function restoreSnapshot(
  file: Uint8Array,
  config: RestoreConfig,
  options: { readonly skipHashCheck?: boolean } = {},
): DiskImage {
  const body = databaseOf(file, options.skipHashCheck ?? false);
  const files = makeLog(config);
  files.set(backendFile, restoreDatabase(body, config.peers.length));
  return files;
}

/** A file's SHA-256 in hexadecimal: which file it was. */
export const fingerprint = (file: Uint8Array): string => toHex(sha256(file));

/** The database, told that it has applied as many entries as the new log begins with. */
function restoreDatabase(body: Uint8Array, index: number): Uint8Array {
  if (body.length === 0) throw new BoltError('invalid database', 'the file is empty');
  const db = openDb(new MemoryPager(body));
  const [finding] = checkFile(db.pager, db.pageSize, db.meta);
  if (finding !== undefined) throw new RestoreError('snapshot file integrity check failed', finding.text);
  const backend = Backend.open(db);
  if (backend.committing) backend.committed();
  backend.readTx.forEach('key', checkRecord);
  const { batchTx } = backend;
  for (const name of ['members', 'members_removed'] as const) {
    for (const { key } of batchTx.range(name, emptyBytes, null)) batchTx.delete(name, key);
  }
  batchTx.put('meta', metaKeys.consistentIndex, encodeConsistentIndex(index));
  backend.unlock();
  backend.commit('force');
  return backend.image();
}

/** Go's server stops at such a record when it starts. */
function checkRecord(key: Uint8Array, value: Uint8Array): void {
  decodeRevision(key);
  try {
    decodeKeyValue(value);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new RestoreError('failed to unmarshal mvccpb.KeyValue', error.message);
  }
}

/** The log, with the mark of a snapshot behind its entries, and that snapshot. */
function makeLog(config: RestoreConfig): Map<string, Uint8Array> {
  const table = new MemberTable(config.peers, config.clusterToken);
  const peers = firstPeers(config, table);
  const entries = peers.map(({ id, context }, i): Entry => {
    const data = encodeConfChange({ id: 0n, type: 'ConfChangeAddNode', nodeId: id, context });
    return { type: 'EntryConfChange', term: term(1), index: logIndex(i + 1), data };
  });
  const ids = peers.map(({ id }) => table.memberOf(id));
  const owner = { NodeID: table.memberOf(config.nodeId), ClusterID: clusterIdOf(ids) };
  const written = new WrittenFiles();
  const wal = Wal.create(toBinary(MetadataSchema, create(MetadataSchema, owner)), written);
  wal.save({ term: 1, vote: ids[0], commit: entries.length }, entries.map(entryToWire), true);
  const place = { index: entries.length, term: 1 };
  wal.saveSnapshot(place);
  return written.files().set(snapFile(place), snapshotFile(peers, table));
}

/** Keeps what a new log writes: each write follows the one before. */
class WrittenFiles implements WalSink {
  private readonly parts = new Map<string, Uint8Array[]>();

  write(file: string, _offset: number, data: Uint8Array): void {
    this.parts.set(file, [...(this.parts.get(file) ?? []), data]);
  }

  sync(): void {}
  truncate(): void {}
  remove(): void {}

  files(): Map<string, Uint8Array> {
    return new Map([...this.parts].map(([file, parts]) => [file, concatBytes(parts)]));
  }
}

function snapshotFile(peers: readonly Peer[], table: MemberTable): Uint8Array {
  const membership = new Membership();
  for (const { context } of peers) {
    const member = memberFromJson(decodeUtf8(untagContext(context).context));
    if (member !== null) membership.put(member);
  }
  const voters = peers.map(({ id }) => id);
  const snapshot = {
    data: encodeV2Store(membership),
    index: logIndex(peers.length),
    term: term(1),
    confState: { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
  };
  return encodeSnapFile(encodeSnapshot(snapshot, (node) => table.memberOf(node)));
}
