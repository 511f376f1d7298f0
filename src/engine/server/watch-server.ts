/** Watch streams: what clients ask of them, and how the store's responses go out. */
import { create, toBinary } from '@bufbuild/protobuf';
import { compareBytes, emptyBytes } from '../../base/bytes.ts';
import type { Prng } from '../../base/prng.ts';
import type { AuthStore } from '../auth/store.ts';
import { nobody } from '../auth/types.ts';
import type { AuthError } from '../auth/types.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import { WatchChannel } from '../mvcc/watch-channel.ts';
import type { WatchResponse } from '../mvcc/watch-channel.ts';
import type { WatchableStore } from '../mvcc/watchable-store.ts';
import type { Watcher, WatchEvent, WatchFilter } from '../mvcc/watcher-group.ts';
import { Event_EventType as EventType, EventSchema } from '../pb/gen/kv_pb.ts';
import type { Event } from '../pb/gen/kv_pb.ts';
import {
  WatchCreateRequest_FilterType as FilterType,
  WatchRequestSchema,
  WatchResponseSchema,
} from '../pb/gen/rpc_pb.ts';
import type { WatchCreateRequest, WatchResponse as WatchAnswer } from '../pb/gen/rpc_pb.ts';
import { headerOf, toMessage, toNumber } from './apply-kv.ts';
import type { ResponseHead } from './apply-kv.ts';
import type { Door } from './door.ts';
import { RpcError, rpcErrors } from './errors.ts';
import type { Outbox } from './outbox.ts';
import { decodeBody, grpcOverheadBytes } from './rpc.ts';
import { fragments } from './watch-fragments.ts';
import type { TimerName } from './types.ts';

/** An answer that belongs to no watcher, or to one that was not made. */
const noWatchId = -1n;
/** The server chooses. */
const autoWatchId = 0n;

/** How long a watcher may be behind before the next pass. @source etcd v3.4.23 mvcc/watchable_store.go */
const syncUs = 100_000;
/** Between two passes of which the first has brought somebody further. */
const syncAgainUs = 1_000;
const victimUs = 10_000;
/** @source etcd v3.4.23 etcdserver/api/v3rpc/interceptor.go maxNoLeaderCnt */
const maxLeaderless = 3;

/** @source etcd v3.4.23 etcdserver/api/v3rpc/watch.go progressReportInterval, minWatchProgressInterval */
export const defaultProgressUs = 600_000_000;
const minProgressUs = 100_000;

export interface WatchServerConfig {
  readonly progressUs: number;
  readonly maxRequestBytes: number;
  readonly electionUs: number;
}

export interface WatchServerPort {
  readonly kv: KvStore;
  readonly watchable: WatchableStore;
  readonly head: ResponseHead;
  readonly auth: AuthStore;
  readonly applier: { readonly term: number };
  /** Draws a part of the progress interval, anew for each stream. */
  readonly random: Prng;
  readonly outbox: Outbox;
  readonly door: Door;
}

interface Stream {
  readonly request: number;
  readonly token: string | undefined;
  /** It ends when there is no leader for some time. */
  readonly requireLeader: boolean;
  readonly channel: WatchChannel;
  readonly watchers: Map<bigint, Watcher>;
  /** Those that want the revision told; whether it is to be told at the next turn. */
  readonly progress: Map<bigint, boolean>;
  readonly prevKv: Set<bigint>;
  readonly fragment: Set<bigint>;
  readonly intervalUs: number;
  nextId: bigint;
  nextProgressUs: number;
  /** False: the client takes no more for now. */
  open: boolean;
  /** Answers to its requests that wait for it. */
  held: Uint8Array[];
}

/** Who opens a stream, as the call's metadata say. */
interface Caller {
  readonly token: string | undefined;
  readonly requireLeader?: boolean | undefined;
}

/** @source etcd v3.4.23 etcdserver/api/v3rpc/watch.go serverWatchStream, mvcc/watcher.go watchStream */
export class WatchServer {
  private readonly port: WatchServerPort;
  private readonly progressUs: number;
  private readonly maxBytes: number;
  private readonly streams = new Map<number, Stream>();
  private readonly electionUs: number;
  /** When it was last looked whether there is a leader, and how often in a row there was none. */
  private lookedUs = 0;
  private leaderlessCount = 0;
  /** Timers that are set. */
  private readonly set = new Set<TimerName>();

  constructor(port: WatchServerPort, config: WatchServerConfig) {
    this.port = port;
    this.progressUs = Math.max(config.progressUs, minProgressUs);
    this.electionUs = config.electionUs;
    this.maxBytes = config.maxRequestBytes + grpcOverheadBytes;
  }

  /** Events that wait for a client to take them. */
  get pendingEventCount(): number {
    let count = 0;
    for (const { channel } of this.streams.values()) count += channel.eventCount;
    return count;
  }

  get streamCount(): number {
    return this.streams.size;
  }

  /** A client opens a stream with its first message. */
  open(request: number, bytes: Uint8Array, { token, requireLeader = false }: Caller, nowUs: number): void {
    const jitterUs = this.port.random.below(Math.max(1, Math.floor(this.progressUs / 10)));
    const intervalUs = this.progressUs + jitterUs;
    this.streams.set(request, {
      request,
      token,
      requireLeader,
      channel: new WatchChannel(),
      watchers: new Map(),
      progress: new Map(),
      prevKv: new Set(),
      fragment: new Set(),
      intervalUs,
      nextId: 0n,
      nextProgressUs: nowUs + intervalUs,
      open: true,
      held: [],
    });
    this.receive(request, bytes, nowUs);
  }

  /** A message on an open stream; one on a stream that has ended is lost. */
  receive(request: number, bytes: Uint8Array, nowUs: number): void {
    const stream = this.streams.get(request);
    if (stream === undefined) return;
    try {
      const { requestUnion: asked } = decodeBody(WatchRequestSchema, bytes);
      if (asked.case === 'createRequest') this.create(stream, asked.value, nowUs);
      if (asked.case === 'cancelRequest') this.cancel(stream, asked.value.watchId);
      if (asked.case === 'progressRequest') {
        this.drain(stream);
        this.tellTooSoon(stream);
        this.control(stream, { watchId: noWatchId });
      }
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.close(request);
      this.port.door.refuse(request, error);
    }
  }

  /** The client takes no more answers for now, or does again. */
  flow(request: number, open: boolean): void {
    const stream = this.streams.get(request);
    if (stream === undefined) return;
    stream.open = open;
    if (!open) return;
    for (const bytes of stream.held) this.port.door.stream(request, bytes);
    stream.held = [];
  }

  /** The stream ends, and its watchers with it. */
  close(request: number): void {
    const stream = this.streams.get(request);
    if (stream === undefined) return;
    for (const watcher of stream.watchers.values()) this.port.watchable.cancel(watcher);
    this.streams.delete(request);
  }

  /** Sends what the store has for the streams, and sees to it that nobody stays behind. */
  settle(): void {
    if (this.streams.size === 0) return;
    const { watchable } = this.port;
    this.drainAll();
    while (watchable.victimCount > 0 && watchable.moveVictims() > 0) this.drainAll();
    if (watchable.victimCount > 0) this.setTimer('watchVictims', victimUs);
    if (watchable.unsyncedCount > 0) this.setTimer('watchSync', syncUs);
  }

  /**
   * Looks once every election timeout whether there is a leader; streams that require one end after three
   * looks in vain.
   * @source etcd v3.4.23 etcdserver/api/v3rpc/interceptor.go monitorLeader
   */
  tick(hasLeader: boolean, nowUs: number): void {
    if (nowUs - this.lookedUs < this.electionUs) return;
    this.lookedUs = nowUs;
    this.leaderlessCount = hasLeader ? 0 : this.leaderlessCount + 1;
    if (this.leaderlessCount < maxLeaderless) return;
    for (const { request, requireLeader } of [...this.streams.values()]) {
      if (!requireLeader) continue;
      this.close(request);
      this.port.door.refuse(request, rpcErrors.noLeader);
    }
  }

  takeTimer(timer: TimerName, nowUs: number): void {
    this.set.delete(timer);
    if (timer === 'watchSync') this.sync();
    if (timer === 'watchProgress') this.tellProgress(nowUs);
  }

  private sync(): void {
    const { watchable } = this.port;
    const before = watchable.unsyncedCount;
    const left = watchable.syncWatchers();
    if (left > 0 && left < before) this.setTimer('watchSync', syncAgainUs);
  }

  private setTimer(timer: TimerName, afterUs: number): void {
    if (this.set.has(timer)) return;
    this.set.add(timer);
    this.port.outbox.timer(timer, afterUs);
  }

  private drainAll(): void {
    for (const stream of this.streams.values()) this.drain(stream);
  }

  private drain(stream: Stream): void {
    if (!stream.open) return;
    for (const response of stream.channel.take()) this.deliver(stream, response);
  }

  /** A response of a watcher that was cancelled meanwhile is lost. */
  private deliver(stream: Stream, { watchId, events, revision, compactRevision }: WatchResponse): void {
    if (!stream.watchers.has(watchId)) return;
    this.port.outbox.meter.watchEvents += events.length;
    const isPrevWanted = stream.prevKv.has(watchId);
    const answer = this.answer({
      watchId,
      events: events.map((event) => this.event(event, isPrevWanted)),
      compactRevision: BigInt(compactRevision),
      canceled: compactRevision !== 0,
      revision,
    });
    const whole = stream.fragment.has(watchId) ? fragments(answer, this.maxBytes) : [answer];
    for (const each of whole) this.port.door.stream(stream.request, toBinary(WatchResponseSchema, each));
    // who has just heard of a change need not hear of the revision at the next turn
    if (events.length > 0 && stream.progress.has(watchId)) stream.progress.set(watchId, false);
  }

  private event({ type, kv }: WatchEvent, isPrevWanted: boolean): Event {
    const event = create(EventSchema, {
      type: type === 'put' ? EventType.PUT : EventType.DELETE,
      kv: toMessage(kv),
    });
    const isCreation = type === 'put' && kv.createRevision === kv.modRevision;
    if (!isPrevWanted || isCreation) return event;
    const before = this.before(kv.key, kv.modRevision);
    if (before !== null) event.prevKv = toMessage(before);
    return event;
  }

  /** What a key was before a revision; null where that is compacted. */
  private before(key: Uint8Array, revision: number): WatchEvent['kv'] | null {
    const { kv } = this.port;
    const at = kv.defects.prevKvIsNew ? revision : revision - 1;
    if (at < kv.compactRevision || at < 1) return null;
    return kv.read().range(key, null, { revision: at }).kvs[0] ?? null;
  }

  private create(stream: Stream, asked: WatchCreateRequest, nowUs: number): void {
    const { kv } = this.port;
    const key = asked.key.length === 0 ? Uint8Array.of(0) : asked.key;
    const refusal = this.refusal(stream, key, asked.rangeEnd, nowUs);
    if (refusal !== null) {
      this.control(stream, { watchId: noWatchId, created: true, canceled: true, cancelReason: refusal });
      return;
    }
    const id = this.watch(stream, key, asked, nowUs);
    if (typeof id === 'string')
      this.control(stream, { watchId: noWatchId, created: true, canceled: true, cancelReason: id });
    else this.control(stream, { watchId: id, created: true, revision: kv.revision });
  }

  /** @returns why the watch is not permitted; null where it is */
  private refusal(stream: Stream, key: Uint8Array, rangeEnd: Uint8Array, nowUs: number): string | null {
    try {
      // the end is checked as the watcher has it, where no end is an empty one: only the first key counts
      const end = rangeEnd.length === 1 && rangeEnd[0] === 0 ? emptyBytes : rangeEnd;
      const { auth } = this.port;
      auth.checkPermitted(auth.authInfo(stream.token, nowUs) ?? nobody, 'read', key, end);
      return null;
    } catch (error) {
      return cancelReason(error as AuthError);
    }
  }

  /** @returns the watcher's id, or why there is none */
  private watch(stream: Stream, key: Uint8Array, asked: WatchCreateRequest, nowUs: number): bigint | string {
    const { rangeEnd, startRevision, watchId } = asked;
    const isOpenEnd = rangeEnd.length === 1 && rangeEnd[0] === 0;
    const end = rangeEnd.length === 0 ? null : isOpenEnd ? emptyBytes : rangeEnd;
    if (end !== null && end.length > 0 && compareBytes(key, end) >= 0) return 'mvcc: watcher range is empty';
    const id = watchId === autoWatchId ? this.nextId(stream) : watchId;
    if (stream.watchers.has(id)) return 'mvcc: duplicate watch ID provided on the WatchStream';
    const start = toNumber(startRevision);
    const { kv, watchable } = this.port;
    const watcher = watchable.watch({
      id,
      key,
      end,
      startRevision: start === 0 ? kv.revision + 1 : start,
      filters: asked.filters.flatMap(filterOf),
      channel: stream.channel,
    });
    stream.watchers.set(id, watcher);
    if (asked.prevKv) stream.prevKv.add(id);
    if (asked.fragment) stream.fragment.add(id);
    if (asked.progressNotify) this.addProgress(stream, id, nowUs);
    return id;
  }

  private nextId(stream: Stream): bigint {
    while (stream.watchers.has(stream.nextId)) stream.nextId++;
    return stream.nextId++;
  }

  private cancel(stream: Stream, id: bigint): void {
    const watcher = stream.watchers.get(id);
    if (watcher === undefined) return;
    this.drain(stream);
    this.port.watchable.cancel(watcher);
    stream.watchers.delete(id);
    stream.progress.delete(id);
    stream.prevKv.delete(id);
    stream.fragment.delete(id);
    this.control(stream, { watchId: id, canceled: true, revision: this.port.kv.revision });
  }

  /** A planted mistake: who is behind hears of the revision, too. See `Defects.progressOvertakes`. */
  private tellTooSoon({ watchers }: Stream): void {
    const { kv, watchable } = this.port;
    if (!kv.defects.progressOvertakes) return;
    for (const watcher of watchers.values()) watchable.progress(watcher);
  }

  private addProgress(stream: Stream, id: bigint, nowUs: number): void {
    stream.progress.set(id, true);
    while (stream.nextProgressUs <= nowUs) stream.nextProgressUs += stream.intervalUs;
    this.port.outbox.timer('watchProgress', stream.nextProgressUs - nowUs);
  }

  /** The turn of each stream whose time has come. */
  private tellProgress(nowUs: number): void {
    for (const stream of this.streams.values()) {
      if (stream.progress.size === 0 || stream.nextProgressUs > nowUs) continue;
      for (const [id, isDue] of stream.progress) {
        const watcher = stream.watchers.get(id);
        if (isDue && watcher !== undefined) this.port.watchable.progress(watcher);
        stream.progress.set(id, true);
      }
      stream.nextProgressUs += stream.intervalUs;
      this.port.outbox.timer('watchProgress', stream.nextProgressUs - nowUs);
    }
  }

  /** An answer to a request of the stream's. */
  private control(stream: Stream, fields: AnswerFields): void {
    const { kv } = this.port;
    const bytes = toBinary(WatchResponseSchema, this.answer({ revision: kv.revision, ...fields }));
    if (stream.open) this.port.door.stream(stream.request, bytes);
    else stream.held.push(bytes);
  }

  private answer({ revision = 0, ...fields }: AnswerFields): WatchAnswer {
    const { head } = this.port;
    return create(WatchResponseSchema, {
      ...fields,
      header: headerOf(head, this.port.applier.term, revision),
    });
  }
}

type AnswerFields = Partial<Omit<WatchAnswer, '$typeName' | '$unknown' | 'header'>> & {
  readonly revision?: number;
};

function filterOf(filter: FilterType): WatchFilter[] {
  if (filter === FilterType.NOPUT) return ['noPut'];
  return filter === FilterType.NODELETE ? ['noDelete'] : [];
}

/** @source etcd v3.4.23 etcdserver/api/v3rpc/watch.go recvLoop */
function cancelReason(error: AuthError): string {
  switch (error.code) {
    case 'auth: invalid auth token':
      return 'rpc error: code = Unauthenticated desc = etcdserver: invalid auth token';
    case 'auth: revision in header is old':
      return 'rpc error: code = InvalidArgument desc = etcdserver: revision of auth store is old';
    case 'auth: user name is empty':
      return 'rpc error: code = InvalidArgument desc = etcdserver: user name is empty';
    case 'auth: permission denied':
      return 'rpc error: code = PermissionDenied desc = etcdserver: permission denied';
    default:
      throw error;
  }
}
