/** Watch streams as a member has them: over its store, its users and its way out. */
import { stream } from '../../base/prng.ts';
import type { AuthStore } from '../auth/store.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import type { WatchableStore } from '../mvcc/watchable-store.ts';
import type { ResponseHead } from './apply-kv.ts';
import type { Door } from './door.ts';
import type { Outbox } from './outbox.ts';
import { defaultMaxRequestBytes } from './rpc.ts';
import type { MemberConfig } from './types.ts';
import { defaultProgressUs, WatchServer } from './watch-server.ts';

export interface WatchParts {
  readonly kv: KvStore;
  readonly watchable: WatchableStore;
  readonly auth: AuthStore;
  readonly owner: ResponseHead;
  readonly applier: { readonly term: number };
  readonly outbox: Outbox;
}

export function openWatchServer(
  config: MemberConfig,
  { kv, watchable, auth, owner, applier, outbox }: WatchParts,
  door: Door,
): WatchServer {
  const random = stream(config.seed, 'watch', config.nodeId, config.epoch);
  const port = { kv, watchable, auth, head: owner, applier, random, outbox, door };
  const progressUs = config.progressIntervalUs ?? defaultProgressUs;
  return new WatchServer(port, {
    progressUs,
    electionUs: config.electionTicks * config.tickUs,
    maxRequestBytes: config.maxRequestBytes ?? defaultMaxRequestBytes,
  });
}
