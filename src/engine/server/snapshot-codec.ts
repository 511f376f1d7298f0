/** A snapshot's place, configuration and data as raftpb.Snapshot, and as the `.snap` file that keeps it. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { crc32c } from '../../base/checksum.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { WireError } from '../../base/wire.ts';
import { SnapshotSchema } from '../pb/gen/raft_pb.ts';
import type { Snapshot as RaftSnapshot } from '../pb/gen/raft_pb.ts';
import { snapshotSchema as SnapFileSchema } from '../pb/gen/snap_pb.ts';
import type { NodeId, Snapshot } from '../raft/types.ts';
import { logIndex, term } from '../raft/types.ts';
import type { WalSnapshot } from '../wal/record.ts';
import type { MemberTable } from './member-id.ts';
import { decodeV2Store } from './v2-store.ts';

/**
 * raftpb.Snapshot as etcd 3.4 writes it: 1 data, absent when empty | 2 metadata {1 conf state {1 voters,
 * 2 learners, 5 auto_leave}, 2 index, 3 term}.
 * @param idOf the member that a node is
 */
export function encodeSnapshot(snapshot: Snapshot, idOf: (node: NodeId) => bigint): Uint8Array {
  const { data, index, confState } = snapshot;
  const ids = (nodes: readonly NodeId[]): bigint[] => nodes.map(idOf).sort((a, b) => (a < b ? -1 : 1));
  const metadata = {
    confState: {
      voters: ids(confState.voters),
      learners: ids(confState.learners),
      votersOutgoing: ids(confState.votersOutgoing),
      learnersNext: ids(confState.learnersNext),
      autoLeave: confState.autoLeave,
    },
    index: BigInt(index),
    term: BigInt(snapshot.term),
  };
  const message = create(SnapshotSchema, { ...(data.length > 0 && { data }), metadata });
  return toBinary(SnapshotSchema, message);
}

/**
 * Members that were never seen get their node numbers by the addresses in the snapshot's data.
 * @throws WireError when the bytes are no snapshot
 */
export function decodeSnapshot(bytes: Uint8Array, table: MemberTable): Snapshot {
  const { data, metadata } = parse(bytes);
  for (const { id, peerUrls } of decodeV2Store(data ?? emptyBytes)?.members ?? [])
    table.numberOf(id, peerUrls);
  const conf = metadata?.confState;
  const nodes = (ids: readonly bigint[] | undefined): NodeId[] =>
    (ids ?? []).map((id) => table.numberOf(id)).sort((a, b) => a - b);
  return {
    data: data ?? emptyBytes,
    index: logIndex(Number(metadata?.index ?? 0n)),
    term: term(Number(metadata?.term ?? 0n)),
    confState: {
      voters: nodes(conf?.voters),
      learners: nodes(conf?.learners),
      votersOutgoing: nodes(conf?.votersOutgoing),
      learnersNext: nodes(conf?.learnersNext),
      autoLeave: conf?.autoLeave ?? false,
    },
  };
}

function parse(bytes: Uint8Array): RaftSnapshot {
  try {
    return fromBinary(SnapshotSchema, bytes);
  } catch {
    throw new WireError('wire: illegal field', 0);
  }
}

const snapFolder = 'member/snap/';
const hex16 = (value: number): string => value.toString(16).padStart(16, '0');

/** @source etcd v3.4.23 etcdserver/api/snap/snapshotter.go save */
export function snapFile({ index, term: of }: WalSnapshot): string {
  return `${snapFolder}${hex16(of)}-${hex16(index)}.snap`;
}

/** Where a database that came with a snapshot waits until the snapshot is applied. @source snap/db.go */
export function snapDbFile(index: number): string {
  return `${snapFolder}${hex16(index)}.snap.db`;
}

export function receivingFile(index: number): string {
  return `${snapFolder}tmp${index}`;
}

const snapName = /^member\/snap\/([0-9a-f]{16})-([0-9a-f]{16})\.snap$/;
const snapDbName = /^member\/snap\/([0-9a-f]{16})\.snap\.db$/;

/** The places of the snapshots among a data directory's files, the newest first. */
export function listSnaps(files: Iterable<string>): (WalSnapshot & { readonly file: string })[] {
  const found: (WalSnapshot & { readonly file: string })[] = [];
  for (const file of files) {
    const match = snapName.exec(file);
    if (match !== null) found.push({ file, term: parseInt(match[1], 16), index: parseInt(match[2], 16) });
  }
  return found.sort((a, b) => b.term - a.term || b.index - a.index);
}

/** Databases that came with snapshots before `index`. */
export function snapDbsBefore(files: Iterable<string>, index: number): string[] {
  return [...files].filter((file) => {
    const match = snapDbName.exec(file);
    return match !== null && parseInt(match[1], 16) < index;
  });
}

/** What a transfer that broke off has left. */
export function isReceiving(file: string): boolean {
  return file.startsWith(`${snapFolder}tmp`);
}

/** The file's frame: 1 CRC-32C of the data | 2 data, a raftpb.Snapshot. */
export function encodeSnapFile(data: Uint8Array): Uint8Array {
  return toBinary(SnapFileSchema, create(SnapFileSchema, { crc: crc32c(data), data }));
}

/** The raftpb.Snapshot in a `.snap` file; null for a file that is torn or damaged. */
export function decodeSnapFile(bytes: Uint8Array): Uint8Array | null {
  try {
    const { crc, data } = fromBinary(SnapFileSchema, bytes);
    if (data === undefined || data.length === 0 || crc === undefined || crc === 0) return null;
    return crc32c(data) === crc ? data : null;
  } catch {
    return null;
  }
}
