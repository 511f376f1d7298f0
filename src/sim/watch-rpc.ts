/** A client's watch as messages, and what it hears as an event of the world. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { toHex } from '../base/bytes.ts';
import { Event_EventType as EventType } from '../engine/pb/gen/kv_pb.ts';
import type { Event, KeyValue } from '../engine/pb/gen/kv_pb.ts';
import { WatchRequestSchema, WatchResponseSchema } from '../engine/pb/gen/rpc_pb.ts';
import type { WatchResponse } from '../engine/pb/gen/rpc_pb.ts';
import { rangeOf } from './kv-rpc.ts';
import type { SimEvent } from './events.ts';
import type { WatchAction } from './etcd-actions.ts';

/** `revision`: from which it is to be told; 0: from what comes next. */
export function watchBytes(action: WatchAction, revision: number): Uint8Array {
  const { prevKv = false, progressNotify = false } = action;
  const value = { ...rangeOf(action), startRevision: BigInt(revision), prevKv, progressNotify };
  const request = { requestUnion: { case: 'createRequest', value } } as const;
  return toBinary(WatchRequestSchema, create(WatchRequestSchema, request));
}

/** Asks for the revision on a stream that stands. */
export const progressBytes = (): Uint8Array =>
  toBinary(
    WatchRequestSchema,
    create(WatchRequestSchema, { requestUnion: { case: 'progressRequest', value: {} } }),
  );

/** What is heard where the stream itself has ended. */
export const emptyWatch: WatchResponse = create(WatchResponseSchema);

export function decodeWatch(bytes: Uint8Array): WatchResponse {
  return fromBinary(WatchResponseSchema, bytes);
}

/**
 * From which revision a watch goes on after this answer: nothing is missed, nothing heard twice. Before its
 * first event a watch of 3.4.23 asks for the store's revision itself, and may hear of what was before it; and
 * after a progress report, of what it has heard already, as later versions do not.
 * @source etcd v3.4.23 clientv3/watch.go serveSubstream
 */
function nextRevision(from: number, answer: WatchResponse): number {
  const revision = Number(answer.header?.revision ?? 0n);
  if (answer.created) return from === 0 ? revision + 1 : from;
  const last = answer.events.at(-1)?.kv;
  if (last !== undefined) return Number(last.modRevision) + 1;
  return revision >= from ? revision + 1 : from;
}

/**
 * Notes an answer in the watch's state.
 * @returns whether it has something to tell: changes, the end, or the revision
 */
export function hear(watch: { from: number }, answer: WatchResponse): boolean {
  if (!answer.canceled) watch.from = nextRevision(watch.from, answer);
  return answer.canceled || !answer.created;
}

/**
 * Why the server ended the watch, as the client words it.
 * @source etcd v3.4.23 clientv3/watch.go WatchResponse.Err, addSubstream
 */
export function cancelText({ compactRevision, cancelReason }: WatchResponse): string {
  if (compactRevision !== 0n) return 'etcdserver: mvcc: required revision has been compacted';
  if (cancelReason !== '') return cancelReason;
  return 'etcdserver: mvcc: required revision is a future revision';
}

type WatchTold = Extract<SimEvent, { type: 'sim.watch' }>;

/** What a watch hears, packed for the trace. */
export function watchTold(watch: number, answer: WatchResponse): WatchTold {
  const { header, events, canceled, compactRevision } = answer;
  return {
    type: 'sim.watch',
    watch,
    clusterId: (header?.clusterId ?? 0n).toString(),
    memberId: (header?.memberId ?? 0n).toString(),
    revision: Number(header?.revision ?? 0n),
    raftTerm: Number(header?.raftTerm ?? 0n),
    compactRevision: Number(compactRevision),
    events: events.map(eventText),
    ended: canceled ? cancelText(answer) : '',
  };
}

const pairText = (kv: KeyValue): string =>
  [toHex(kv.key), toHex(kv.value), kv.createRevision, kv.modRevision, kv.version, kv.lease].join(',');

function eventText({ type, kv, prevKv }: Event): string {
  const pairs = [kv, prevKv].flatMap((pair) => (pair === undefined ? [] : [pairText(pair)]));
  return [type === EventType.DELETE ? 'delete' : 'put', ...pairs].join(' ');
}
