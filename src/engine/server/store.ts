/** The member's database and what is built over it: leases and keys. A snapshot brings another database. */
import { kept } from '../../base/fork.ts';
import { AuthStore } from '../auth/store.ts';
import { Backend, openDb } from '../backend/backend.ts';
import type { DbOptions } from '../bolt/db.ts';
import { MemoryPager } from '../bolt/pager.ts';
import type { PageRun } from '../bolt/types.ts';
import { BackendLeaseStore } from '../lease/lease-store.ts';
import { Lessor } from '../lease/lessor.ts';
import { KvStore } from '../mvcc/kvstore.ts';
import { WatchableStore } from '../mvcc/watchable-store.ts';
import { AlarmStore } from './alarms.ts';
import { Defragmenter } from './defragment.ts';
import { freelistHash } from './digest.ts';
import { backendFile } from './disk.ts';
import type { Disk } from './disk.ts';
import type { Found } from './found.ts';
import { decodePage } from './inspect.ts';
import type { DecodedPage } from './inspect.ts';
import type { Outbox } from './outbox.ts';
import { requestTimeoutUs } from './proposals.ts';
import { snapDbFile } from './snapshot-codec.ts';
import type { MemberConfig } from './types.ts';
import { BootError } from './wal-storage.ts';

export class Store {
  readonly backend: Backend;
  readonly lessor: Lessor;
  readonly kv: KvStore;
  readonly watchable: WatchableStore;
  readonly auth: AuthStore;
  readonly alarms: AlarmStore;
  readonly defragmenter: Defragmenter;
  private readonly config: MemberConfig;
  private readonly disk: Disk;
  private readonly outbox: Outbox;
  private freelistHash = 0;
  private hashedTxid = -1;

  /**
   * Opens what was found; a new member's store takes the place of what a broken start may have left. Where
   * the database is older than the snapshot, the one that came with it takes its place.
   * @throws BootError | BoltError | LeaseError | MvccError
   */
  constructor(config: MemberConfig, found: Found, isFresh: boolean, disk: Disk, outbox: Outbox) {
    this.config = config;
    this.disk = disk;
    this.outbox = outbox;
    const image = found.files.get(backendFile);
    const waiting = found.snapshot === null ? undefined : found.files.get(snapDbFile(found.snapshot.index));
    const isThere = image !== undefined && image.length > 0;
    if (isFresh && image !== undefined) disk.remove(backendFile);
    if (!isFresh && !isThere && waiting === undefined) {
      throw new BootError(
        `${backendFile} is missing: put it back, or start the member anew without its data`,
      );
    }
    const db = this.openDb(isFresh || !isThere ? null : image);
    this.backend = Backend.open(db, { batchLimit: config.batchLimit, trace: outbox.trace });
    if (found.snapshot !== null) this.recover(found.snapshot.index, waiting);
    if (!isFresh) disk.syncFound(backendFile);
    // first the leases, so that the store can attach its keys to them
    this.lessor = this.openLessor();
    this.kv = new KvStore(this.backend, outbox.trace, this.lessor, config.defects);
    this.lessor.setRangeDeleter(kept((kv: KvStore) => () => kv.write(), this.kv));
    this.watchable = new WatchableStore(this.kv, this.backend);
    this.auth = new AuthStore(this.backend, outbox.trace);
    this.alarms = new AlarmStore(this.backend, outbox.trace);
    this.defragmenter = new Defragmenter(this.backend, disk, outbox.trace, this.dbOptions);
  }

  /** Bytes. */
  get pageSize(): number {
    return this.backend.db.pageSize;
  }

  /** What each page is, at the last commit. */
  pageRuns(): PageRun[] {
    return this.backend.db.pageRuns();
  }

  /** See `decodePage`. */
  page(id: number): DecodedPage | null {
    const { db } = this.backend;
    return decodePage(db.pager, db.pageSize, db.pageRuns(), id);
  }

  /** A u32 over the free pages, and the newest meta page's transaction. */
  digest(): { readonly freelist: number; readonly metaTxid: number } {
    const metaTxid = this.backend.db.meta.txid;
    if (metaTxid !== this.hashedTxid) {
      this.hashedTxid = metaTxid;
      this.freelistHash = freelistHash(this.backend.db);
    }
    return { freelist: this.freelistHash, metaTxid };
  }

  /**
   * Goes over to the database that came with the snapshot at `index` and lies on the disk.
   * @source etcd v3.4.23 etcdserver/server.go applySnapshot; backend.go openSnapshotBackend
   */
  takeSnapshot(index: number, image: Uint8Array): void {
    this.defragmenter.abandon();
    this.replace(index, image);
    this.lessor.recover();
    if (this.config.defects?.snapshotKeepsKeys !== true) this.kv.restore();
    this.watchable.restored();
    this.alarms.restore();
    this.auth.restore();
  }

  /** @source etcd v3.4.23 etcdserver/backend.go recoverSnapshotBackend */
  private recover(index: number, waiting: Uint8Array | undefined): void {
    if (this.backend.consistentIndex >= index) return;
    if (waiting === undefined) {
      throw new BootError(
        `${backendFile} ends before the snapshot at ${index}, and ${snapDbFile(index)}, ` +
          'which came with it, is missing: start the member anew without its data',
      );
    }
    this.replace(index, waiting);
  }

  private replace(index: number, image: Uint8Array): void {
    this.disk.replaceDatabase(snapDbFile(index));
    this.backend.reopen(this.openDb(image));
    this.hashedTxid = -1;
  }

  private openDb(image: Uint8Array | null): ReturnType<typeof openDb> {
    return openDb(new MemoryPager(image, this.disk.pageSink()), this.dbOptions);
  }

  private get dbOptions(): DbOptions {
    const { pageSize, freelistType, defects } = this.config;
    return {
      pageSize,
      ...(freelistType !== undefined && { freelistType }),
      ...(defects !== undefined && { defects }),
      trace: this.outbox.trace,
    };
  }

  /**
   * A lease lives for one and a half election timeouts at least.
   * @source etcd v3.4.23 etcdserver/server.go NewServer
   */
  private openLessor(): Lessor {
    const { electionTicks, heartbeatTicks, tickUs, leaseCheckpoints, defects } = this.config;
    const minTtlUs = Math.floor((3 * electionTicks) / 2) * heartbeatTicks * tickUs;
    const config = {
      minTtlSeconds: Math.ceil(minTtlUs / 1_000_000),
      recheckUs: requestTimeoutUs(electionTicks * tickUs),
      ...(leaseCheckpoints === undefined ? {} : { checkpoints: leaseCheckpoints }),
      ...(defects !== undefined && { defects }),
    };
    return new Lessor(new BackendLeaseStore(this.backend), config, this.outbox.trace);
  }
}
