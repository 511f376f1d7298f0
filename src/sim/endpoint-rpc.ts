/** Commands that ask each endpoint, and what they make of the answers. */
import { fromBinary } from '@bufbuild/protobuf';
import { HashKVResponseSchema, StatusResponseSchema } from '../engine/pb/gen/rpc_pb.ts';
import { decodeStatus } from './client-rpc.ts';
import { headerOf } from './header-view.ts';
import type { Endpoint } from './endpoints.ts';
import type { EndpointAction } from './etcd-actions.ts';
import type { ClientAction, ClientOutcome, EndpointStatus } from './types.ts';

/** What one endpoint gave: `bytes` is null where there is no answer; `error` says why. */
export interface Asked {
  readonly endpoint: string;
  readonly bytes: Uint8Array | null;
  readonly error: string | null;
  readonly tookUs: number;
}

export function asksEach(action: ClientAction): action is ClientAction & EndpointAction {
  switch (action.type) {
    case 'endpointStatus':
    case 'endpointHealth':
    case 'endpointHashKv':
    case 'defrag':
      return true;
    default:
      return false;
  }
}

/** The first endpoint of each member. */
export function distinct(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return endpoints.filter((one, at) => endpoints.findIndex(({ member }) => member === one.member) === at);
}

export function statusOf({ endpoint, bytes, error }: Asked): EndpointStatus {
  if (bytes === null) return { endpoint, status: null, error };
  const { header } = fromBinary(StatusResponseSchema, bytes);
  const told = header === undefined ? {} : { header: headerOf(header) };
  return { endpoint, status: decodeStatus(bytes), error: null, ...told };
}

/** A refusal is a sign of health: it came of a read that a majority confirmed. */
const refused = 'etcdserver: permission denied';

export function endpointOutcome(action: EndpointAction, asked: readonly Asked[]): ClientOutcome {
  const plain = ({ endpoint, error, tookUs }: Asked) => ({ endpoint, error, tookUs });
  switch (action.type) {
    case 'endpointStatus':
      return { ok: true, type: 'endpointStatus', endpoints: asked.map(statusOf) };
    case 'endpointHealth': {
      const endpoints = asked
        .map(plain)
        .map((one) => (one.error === refused ? { ...one, error: null } : one));
      return { ok: true, type: 'endpointHealth', endpoints };
    }
    case 'defrag':
      return { ok: true, type: 'defrag', endpoints: asked.map(plain) };
    case 'endpointHashKv': {
      const endpoints = asked.map((one) => {
        if (one.bytes === null) return { ...plain(one), hash: 0, compactRevision: 0, header: null };
        const { hash, compactRevision, header } = fromBinary(HashKVResponseSchema, one.bytes);
        const view = header === undefined ? null : headerOf(header);
        return { ...plain(one), hash, compactRevision: Number(compactRevision), header: view };
      });
      return { ok: true, type: 'endpointHashKv', endpoints };
    }
    default:
      return action satisfies never;
  }
}
