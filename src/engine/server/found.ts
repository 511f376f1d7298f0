/** What a data directory holds at a start: whose log it is, and the snapshot that the start begins from. */
import type { NodeId, Snapshot } from '../raft/types.ts';
import { Wal } from '../wal/wal.ts';
import type { Disk } from './disk.ts';
import type { ClusterId, MemberId, MemberTable } from './member-id.ts';
import { decodeSnapFile, decodeSnapshot, isReceiving, listSnaps } from './snapshot-codec.ts';
import type { DiskImage } from './types.ts';
import { ownerInLog } from './wal-storage.ts';

export interface Found {
  readonly files: DiskImage;
  /** Null where there is no log. */
  readonly owner: { readonly member: MemberId; readonly cluster: ClusterId } | null;
  /** Null: the start begins with the log's first entry. */
  readonly snapshot: Snapshot | null;
}

/**
 * Reads what there is. The newest `.snap` file counts that the log has a mark of; one that is torn is put
 * aside, and what a broken transfer has left goes. Whose log it is has its seat before anybody in it.
 * @throws WalError when the log cannot be read
 * @source etcd v3.4.23 etcdserver/server.go NewServer; api/snap/snapshotter.go LoadNewestAvailable
 */
export function readFound(files: DiskImage, table: MemberTable, disk: Disk, node: NodeId): Found {
  for (const file of files.keys()) if (isReceiving(file)) disk.remove(file);
  const owner = ownerInLog(files);
  if (owner !== null) table.seatOwn(owner.member, node);
  return { files, owner, snapshot: owner === null ? null : newestSnapshot(files, table, disk) };
}

function newestSnapshot(files: DiskImage, table: MemberTable, disk: Disk): Snapshot | null {
  const marks = Wal.snapshots(files);
  for (const { file, index, term } of listSnaps(files.keys())) {
    const bytes = decodeSnapFile(files.get(file) as Uint8Array);
    if (bytes === null) disk.rename(file, `${file}.broken`);
    else if (marks.some((mark) => mark.index === index && mark.term === term))
      return decodeSnapshot(bytes, table);
  }
  return null;
}
