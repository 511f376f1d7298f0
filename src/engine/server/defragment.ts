/** Defragmentation: the store is copied into a tight file, which then takes the old one's place. */
import { assert } from '../../base/assert.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { Trace } from '../../base/trace.ts';
import type { Backend } from '../backend/backend.ts';
import { openDb } from '../backend/backend.ts';
import { metaKeys } from '../backend/schema.ts';
import { compact } from '../bolt/compact.ts';
import type { Db, DbOptions } from '../bolt/db.ts';
import { MemoryPager } from '../bolt/pager.ts';
import { backendFile } from './disk.ts';
import type { Disk } from './disk.ts';
import type { ServerEvent } from './events.ts';

/** @source etcd v3.4.23 mvcc/backend/backend.go defrag */
const temporaryFile = 'member/snap/db.tmp';
const fillPercent = 0.9;
/** etcd copies 10,000 keys in a transaction; by their bytes it comes to about as much. */
const txMaxBytes = 4194304;
const pieceBytes = 262144;

/**
 * The copy is written beside the store's file and made durable; only then it gets the file's name. Meanwhile
 * the member goes on over the copy, and its commits wait.
 * @source etcd v3.4.23 mvcc/backend/backend.go defrag
 */
export class Defragmenter {
  private readonly backend: Backend;
  private readonly disk: Disk;
  private readonly trace: Trace<ServerEvent>;
  private readonly options: DbOptions;
  private done: (() => void) | null = null;
  private isAbandoned = false;

  /** @param options the store's own */
  constructor(backend: Backend, disk: Disk, trace: Trace<ServerEvent>, options: DbOptions) {
    this.backend = backend;
    this.disk = disk;
    this.trace = trace;
    this.options = options;
  }

  /**
   * Begins; no commit may be on its way, and none pending.
   * @param done is called when the copy is in place
   */
  run(done: () => void): void {
    assert(this.done === null, 'defragment: one at a time');
    const backend = this.backend;
    const beforeBytes = backend.sizeBytes;
    const { pageSize } = backend.db;
    const copy = new MemoryPager();
    const source = backend.db.beginRead();
    const target = openDb(copy, { pageSize });
    compact(target, source, { fillPercent, txMaxBytes });
    source.rollback();
    if (this.options.defects?.defragmentLosesIndex === true) loseIndex(target);
    const image = copy.image();
    this.write(image, beforeBytes);
    this.done = done;
    backend.replace(openDb(new MemoryPager(image, this.disk.pageSink()), { ...this.options, pageSize }));
    if (this.trace.on) this.trace.emit({ type: 'server.defragment', beforeBytes, afterBytes: image.length });
  }

  /** A snapshot brings another database: what is being copied is nobody's any more. */
  abandon(): void {
    if (this.done !== null) this.isAbandoned = true;
  }

  /** The copy is durable: it gets the file's name, and commits go on. */
  synced(): void {
    const done = this.done;
    assert(done !== null, 'defragment: a copy is durable that nobody made');
    this.done = null;
    if (this.isAbandoned) this.disk.remove(temporaryFile);
    else {
      this.disk.rename(temporaryFile, backendFile);
      this.backend.committed();
    }
    this.isAbandoned = false;
    done();
  }

  private write(image: Uint8Array, readBytes: number): void {
    this.disk.remove(temporaryFile);
    this.disk.readBackend(readBytes, temporaryFile);
    for (let at = 0; at < image.length; at += pieceBytes)
      this.disk.write(temporaryFile, at, image.slice(at, at + pieceBytes));
    this.disk.sync('defragment', temporaryFile);
  }
}

/** A planted mistake, see `Defects.defragmentLosesIndex`. */
function loseIndex(db: Db): void {
  const tx = db.beginWrite();
  tx.bucket(encodeUtf8('meta'))?.delete(metaKeys.consistentIndex);
  tx.commit();
}
