/** A member's whole data directory: its log, its snapshots and their places, as etcd-dump-logs tells them. */
import { fromBinary } from '@bufbuild/protobuf';
import { MetadataSchema } from '../../../src/engine/pb/gen/etcdserver_pb.ts';
import { SnapshotSchema } from '../../../src/engine/pb/gen/raft_pb.ts';
import { idToHex } from '../../../src/base/u64.ts';
import { decodeSnapFile, listSnaps } from '../../../src/engine/server/snapshot-codec.ts';
import { Wal } from '../../../src/engine/wal/wal.ts';
import type { Fact, Manifest } from './manifest.ts';

type Directory = ReadonlyMap<string, Uint8Array>;

const silentSink = { write: () => {}, sync: () => {}, truncate: () => {}, remove: () => {} };
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export function directoryFacts(directory: Directory, manifest: Manifest): Fact[] {
  const sizes = Object.fromEntries([...directory].map(([path, { length }]) => [baseName(path), length]));
  const head = manifest['wal_dump_head'] as readonly string[] | undefined;
  const facts: Fact[] = [];
  const expected = manifest['data_dir_files'];
  if (expected !== undefined) facts.push({ name: 'directory.files', expected, actual: sizes });
  if (head !== undefined)
    facts.push({ name: 'directory.log', expected: head.slice(0, 7), actual: dumpHead(directory) });
  return facts;
}

/** The first lines of etcd-dump-logs. */
function dumpHead(directory: Directory): string[] {
  const [newest] = listSnaps(directory.keys());
  const data = decodeSnapFile(directory.get(newest.file) as Uint8Array) ?? new Uint8Array(0);
  const nodes = fromBinary(SnapshotSchema, data).metadata?.confState?.voters ?? [];
  const { metadata, hardState, entries } = Wal.open(directory, newest, silentSink);
  const { NodeID = 0n, ClusterID = 0n } = fromBinary(MetadataSchema, metadata);
  return [
    'Snapshot:',
    `term=${newest.term} index=${newest.index} nodes=[${nodes.map(idToHex).join(' ')}]`,
    'Start dupmping log entries from snapshot.',
    'WAL metadata:',
    `nodeID=${idToHex(NodeID)} clusterID=${idToHex(ClusterID)} term=${hardState?.term} ` +
      `commitIndex=${hardState?.commit} vote=${idToHex(hardState?.vote ?? 0n)}`,
    'WAL entries:',
    `lastIndex=${entries.at(-1)?.index ?? newest.index}`,
  ];
}
