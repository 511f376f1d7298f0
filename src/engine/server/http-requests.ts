/** What a member answers to plain HTTP: whether it is well, its metrics, its version. */
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { kept } from '../../base/fork.ts';
import { AlarmType } from '../pb/gen/rpc_pb.ts';
import { none } from '../raft/types.ts';
import { alarmNames } from './alarms.ts';
import type { AlarmStore } from './alarms.ts';
import type { Call } from './calls.ts';
import { versionsJson } from './cluster-version.ts';
import type { Door } from './door.ts';
import { RpcError } from './errors.ts';
import type { Membership } from './membership.ts';
import type { Meter } from './meter.ts';
import type { ReadIndexLoop } from './read-index.ts';
import { grpcCode } from './types.ts';
import type { HttpMethod, RpcMethod } from './types.ts';

/** @source etcd v3.4.23 etcdserver/api/etcdhttp/metrics.go checkHealth */
const patienceUs = 1_000_000;
const well = '{"health":"true"}';
const unwell = '{"health":"false"}';

export interface HttpRequestsPort {
  readonly alarms: AlarmStore;
  readonly membership: Membership;
  readonly raft: { readonly lead: number };
  readonly meter: Meter;
  metrics(): string;
  readonly reads: ReadIndexLoop;
  readonly door: Door;
}

export function isHttp(method: RpcMethod): method is HttpMethod {
  return method.startsWith('GET ');
}

export class HttpRequests {
  private readonly port: HttpRequestsPort;
  /** Questions after health that wait for a read, and since when. */
  private readonly waiting = new Map<number, number>();

  constructor(port: HttpRequestsPort) {
    this.port = port;
  }

  /** @param query the part behind the question mark, as UTF-8 */
  handle({ request, nowUs }: Call, method: HttpMethod, query: Uint8Array): void {
    switch (method) {
      case 'GET /health':
        return this.health(request, decodeUtf8(query), nowUs);
      case 'GET /metrics':
        return this.port.door.answer(request, encodeUtf8(this.port.metrics()));
      case 'GET /version':
        return this.port.door.answer(request, encodeUtf8(versionsJson(this.port.membership)));
    }
  }

  cancel(request: number): void {
    this.waiting.delete(request);
  }

  tick(nowUs: number): void {
    for (const [request, sinceUs] of this.waiting) {
      if (nowUs - sinceUs >= patienceUs) this.tell(request, false);
    }
  }

  /**
   * Alarms (but those that the query excludes), a missing leader and a majority that does not confirm a read
   * make a member unwell: status 503. etcd 3.4 puts its question into the log; here the read index has it.
   */
  private health(request: number, query: string, nowUs: number): void {
    const { alarms, raft } = this.port;
    const excluded = query.split('&').map((each) => each.replace(/^exclude=/, ''));
    const isRaised = ({ alarm }: { readonly alarm: AlarmType }): boolean =>
      !excluded.includes(alarmNames[alarm] ?? String(alarm));
    this.waiting.set(request, nowUs);
    if (alarms.get(AlarmType.NONE).some(isRaised) || raft.lead === none) return this.tell(request, false);
    const told = (self: HttpRequests, isWell: boolean) => () => self.tell(request, isWell);
    const reader = { request, read: kept(told, this, true), refuse: kept(told, this, false) };
    this.port.reads.add(reader, nowUs);
  }

  private tell(request: number, isWell: boolean): void {
    if (!this.waiting.delete(request)) return;
    const { meter } = this.port;
    if (isWell) meter.healthSuccesses++;
    else meter.healthFailures++;
    if (isWell) this.port.door.answer(request, encodeUtf8(well));
    else this.port.door.refuse(request, new RpcError(grpcCode.unavailable, unwell));
  }
}
