/** Answers of a watch that are too long for one message, in pieces. */
import { create, toBinary } from '@bufbuild/protobuf';
import { WatchResponseSchema } from '../pb/gen/rpc_pb.ts';
import type { WatchResponse } from '../pb/gen/rpc_pb.ts';

/**
 * Splits an answer between events, each piece below the limit where more than one event is in it. All pieces
 * but the last say that more follows.
 * @source etcd v3.4.23 etcdserver/api/v3rpc/watch.go sendFragments
 */
export function fragments(answer: WatchResponse, maxBytes: number): WatchResponse[] {
  const { events, ...rest } = answer;
  if (events.length < 2 || sizeOf(answer) < maxBytes) return [answer];
  const piece = (of: WatchResponse['events']): WatchResponse =>
    create(WatchResponseSchema, { ...rest, fragment: true, events: of });
  const emptyBytes = sizeOf(piece([]));
  const pieces: WatchResponse[] = [];
  let [first, bytes] = [0, emptyBytes];
  events.forEach((event, i) => {
    const added = sizeOf(piece([event])) - emptyBytes;
    if (i > first && bytes + added >= maxBytes) {
      pieces.push(piece(events.slice(first, i)));
      [first, bytes] = [i, emptyBytes];
    }
    bytes += added;
  });
  const last = piece(events.slice(first));
  last.fragment = false;
  return [...pieces, last];
}

function sizeOf(answer: WatchResponse): number {
  return toBinary(WatchResponseSchema, answer).length;
}
