/** Watch streams as a member has them: over its store, its users and its way out. */
import { stream } from '../../base/prng.ts';
import type { AuthStore } from '../auth/store.ts';
import { nobody } from '../auth/types.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import type { WatchableStore } from '../mvcc/watchable-store.ts';
import type { ResponseHead } from './apply-kv.ts';
import type { RpcError } from './errors.ts';
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
  refuse: (request: number, error: RpcError) => void,
): WatchServer {
  const random = stream(config.seed, 'watch', config.nodeId, config.epoch);
  const port = {
    kv,
    watchable,
    head: owner,
    term: () => applier.term,
    jitterUs: (limitUs: number) => random.below(Math.max(1, limitUs)),
    checkPermitted: (token: string | undefined, key: Uint8Array, rangeEnd: Uint8Array, nowUs: number) =>
      auth.checkPermitted(auth.authInfo(token, nowUs) ?? nobody, 'read', key, rangeEnd),
    send: (request: number, bytes: Uint8Array) =>
      outbox.reply({ request, code: 0, message: '', bytes, more: true }),
    refuse,
    timer: outbox.timer.bind(outbox),
    sentEvents: (count: number) => void (outbox.meter.watchEvents += count),
  };
  const progressUs = config.progressIntervalUs ?? defaultProgressUs;
  return new WatchServer(port, {
    progressUs,
    electionUs: config.electionTicks * config.tickUs,
    maxRequestBytes: config.maxRequestBytes ?? defaultMaxRequestBytes,
  });
}
