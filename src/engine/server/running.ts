/** What runs once the files are durable: raft, what applies its entries, the clients’ server, snapshots. */
import { noDefects } from '../defects.ts';
import { Applier } from './apply.ts';
import { ApplierV3 } from './apply-v3.ts';
import type { Disk } from './disk.ts';
import type { Found } from './found.ts';
import type { MemberTable } from './member-id.ts';
import type { Membership } from './membership.ts';
import type { Outbox } from './outbox.ts';
import type { PeerLinks } from './peer-links.ts';
import { Quota } from './quota.ts';
import { RaftNode } from './raft.ts';
import type { RaftPort } from './raft.ts';
import { Snapshots } from './snapshots.ts';
import { SnapshotTraffic } from './snapshot-traffic.ts';
import type { Store } from './store.ts';
import type { MemberConfig, PeerConfig } from './types.ts';
import { V3Server } from './v3-server.ts';
import type { LogOwner, WalStorage } from './wal-storage.ts';

export interface Running {
  readonly owner: LogOwner;
  readonly raft: RaftNode;
  readonly applier: Applier;
  readonly v3: V3Server;
  readonly snapshots: Snapshots;
  readonly traffic: SnapshotTraffic;
}

/** What was there before, and what the parts tell the server through. */
export interface Beginning {
  readonly config: MemberConfig;
  readonly self: PeerConfig;
  readonly outbox: Outbox;
  readonly disk: Disk;
  readonly store: Store;
  readonly membership: Membership;
  readonly table: MemberTable;
  readonly links: PeerLinks;
  readonly found: Found;
  readonly storage: WalStorage;
  readonly owner: LogOwner;
  readonly port: RaftPort;
  readonly membersChanged: () => void;
  /** Whether a follower that gets a snapshot still needs the log behind it. */
  readonly holdsLog: () => boolean;
}

/** @source etcd v3.4.23 etcdserver/server.go NewServer */
export function assemble(beginning: Beginning, nowUs: number): Running {
  const { config, storage, owner, outbox, disk, store, membership, table, links, found } = beginning;
  const { backend, lessor, kv, auth, alarms, watchable, defragmenter } = store;
  const quota = new Quota(config.quotaBytes ?? 0, backend);
  const raft = new RaftNode(config, { storage, table, outbox, port: beginning.port });
  const applier = applierOf(beginning, raft, quota);
  const { name, clientUrl } = beginning.self;
  const served = { owner, raft, applier, backend, kv, lessor, membership, links, outbox, auth, alarms };
  const v3Parts = { ...served, quota, watchable, defragmenter };
  const v3 = new V3Server(config, v3Parts, { name, clientUrls: [clientUrl] }, nowUs);
  const { holdsLog } = beginning;
  const parts = { storage, backend, applier, membership, table, raft, disk, outbox, holdsLog };
  const snapshots = new Snapshots(config, parts, found.files, found.snapshot?.index ?? 0);
  const traffic = new SnapshotTraffic({
    ...{ raft, applier, store, membership, table, disk, outbox },
    sendsOldData: (config.defects ?? noDefects).snapshotAheadOfData,
    ids: v3,
    files: snapshots,
  });
  return { owner, raft, applier, v3, snapshots, traffic };
}

function applierOf(beginning: Beginning, raft: RaftNode, quota: Quota): Applier {
  const { config, owner, outbox, store, membership, table, found, membersChanged } = beginning;
  const { backend, lessor, kv, auth, alarms } = store;
  const { bcryptCost, defects = noDefects } = config;
  const cost = bcryptCost === undefined ? {} : { bcryptCost };
  return new Applier({
    backend,
    kv,
    v3: new ApplierV3({
      ...{ kv, lessor, backend, auth, alarms, quota, head: owner, ...cost },
      byClock: defects.applyByClock,
    }),
    indexFirst: defects.indexBeforeEffect,
    membership,
    table,
    outbox,
    start: { index: found.snapshot?.index ?? 0, term: found.snapshot?.term ?? 0 },
    raft,
    membersChanged,
  });
}
