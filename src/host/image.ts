/** A database file as a lab's beginning: read, checked in full, and made the disk of a cluster of one. */
import { Backend, openDb } from '../engine/backend/backend.ts';
import { MemoryPager } from '../engine/bolt/pager.ts';
import { KvStore } from '../engine/mvcc/kvstore.ts';
import { nodeId } from '../engine/raft/types.ts';
import { backendFile } from '../engine/server/disk.ts';
import { databaseOf, fingerprint, hasTrailer, restoreSnapshot } from '../engine/server/restore.ts';
import { snapshotStatus } from '../engine/server/snapshot-status.ts';
import type { DiskImage } from '../engine/server/types.ts';
import { peersOf } from '../sim/endpoints.ts';
import { clusterToken } from '../sim/launch.ts';
import { asError } from './crash.ts';
import type { LabImage, LabOrigin, Result } from './port.ts';

/** A larger file is refused before it is read: members, disks and pictures hold it several times over. */
export const largestImageBytes = 128 * 1024 * 1024;

export interface OpenedImage {
  readonly origin: LabOrigin;
  /** What the member's disk holds before its first start. */
  readonly files: DiskImage;
}

type Refusal = { readonly ok: false; readonly code: 'bad file'; readonly message: string };
const refused = (name: string, why: string): Refusal => ({
  ok: false,
  code: 'bad file',
  message: `"${name}" cannot be opened as a lab: ${why}`,
});

/** What it means for who dropped the file; the engine's own text follows. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/^expected sha256/, 'its hash does not fit, so it was changed or cut since it was saved'],
  [/invalid database|version mismatch/, 'it is no etcd database, or one that was cut short'],
  [/checksum error|integrity check|bad record|unmarshal/, 'it is a damaged database'],
];

/**
 * Reads a file that `snapshot save` wrote, whose hash must fit, or a member's own `db`. Nothing of it is
 * believed before all of it is checked: pages, trees, records.
 * @returns or the code 'bad file', with a sentence that says why
 */
export async function openImage({ name, data }: LabImage): Promise<Result<OpenedImage>> {
  const sizeBytes = data instanceof Uint8Array ? data.length : data.size;
  if (sizeBytes > largestImageBytes) return refused(name, `${mebibytes(sizeBytes)}; at most 128 MiB fit.`);
  try {
    const file = data instanceof Uint8Array ? data : new Uint8Array(await data.arrayBuffer());
    return { ok: true, ...restored(name, file) };
  } catch (error) {
    const { message } = asError(error);
    const meaning = meanings.find(([pattern]) => pattern.test(message))?.[1] ?? 'it cannot be read';
    return refused(name, `${meaning} (${message}).`);
  }
}

const mebibytes = (bytes: number): string => `it has ${Math.ceil(bytes / 1024 / 1024)} MiB`;

function restored(name: string, file: Uint8Array): OpenedImage {
  const hashed = hasTrailer(file);
  const config = { nodeId: nodeId(1), peers: peersOf(1), clusterToken };
  const files = restoreSnapshot(file, config, { skipHashCheck: !hashed });
  const status = snapshotStatus(openDb(new MemoryPager(databaseOf(file, true))));
  const kv = new KvStore(Backend.open(openDb(new MemoryPager(files.get(backendFile)))));
  const { hash: hashKv, currentRevision: revision, compactRevision } = kv.hashByRevision(0);
  const keyCount = kv.index.countAlive();
  const sha256 = fingerprint(file);
  const facts = { revision, compactRevision, keyCount, hashKv, status };
  return { files, origin: { file: name, sizeBytes: file.length, sha256, hashed, ...facts } };
}
