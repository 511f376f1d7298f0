/** Renewals and looks at leases: the leader's lessor answers them, without the log; others ask the leader. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { emptyBytes } from '../../base/bytes.ts';
import { kept } from '../../base/fork.ts';
import type { Lessor } from '../lease/lessor.ts';
import type { Checkpoint } from '../lease/checkpoints.ts';
import { LeaseError, leaseId } from '../lease/types.ts';
import type { LeaseId } from '../lease/types.ts';
import {
  LeaseCheckpointRequestSchema,
  LeaseKeepAliveRequestSchema,
  LeaseKeepAliveResponseSchema,
  LeaseRevokeRequestSchema,
  LeaseTimeToLiveRequestSchema,
  LeaseTimeToLiveResponseSchema,
} from '../pb/gen/rpc_pb.ts';
import type { LeaseTimeToLiveResponse, ResponseHeader } from '../pb/gen/rpc_pb.ts';
import type { NodeId } from '../raft/types.ts';
import { none } from '../raft/types.ts';
import type { Finish } from './calls.ts';
import type { WriteRequest } from './entry-data.ts';
import { rpcErrors } from './errors.ts';
import { encodePeerRequest, peerRequestNames } from './peer-request.ts';
import type { Door } from './door.ts';
import type { PeerRequest } from './peer-request.ts';
import { requestTimeoutUs } from './proposals.ts';

/** What only the leader can answer. A renewal's header tells the revision at which it came. */
export type LeaseAsk =
  | { readonly kind: 'renew'; readonly id: bigint; readonly header: Header }
  | { readonly kind: 'timeToLive'; readonly id: bigint; readonly keys: boolean };

export type Header = Omit<ResponseHeader, '$typeName'>;

/** What came of it; the body of a `timeLeft` has no header yet. */
type LeaseAnswer =
  | { readonly kind: 'renewed'; readonly ttl: bigint }
  | { readonly kind: 'timeLeft'; readonly body: LeaseTimeToLiveResponse }
  | { readonly kind: 'notFound' };

type Asker =
  | { readonly kind: 'client'; readonly request: number }
  | { readonly kind: 'peer'; readonly node: NodeId; readonly id: bigint };

interface Waiting {
  readonly asker: Asker;
  readonly ask: LeaseAsk;
  readonly startUs: number;
  /** Which leader was asked last; null for none. */
  sent: { readonly lead: NodeId; readonly id: bigint; readonly atUs: number } | null;
}

export interface LeaseRequestsPort {
  readonly lessor: Lessor;
  readonly raft: { readonly lead: NodeId; readonly isLeader: boolean };
  readonly door: Door;
  /** Proposes as the member itself. */
  propose(write: WriteRequest, nowUs: number, finish: Finish): void;
}

/** The write that tells what is left of leases. */
export function checkpointOf(batch: readonly Checkpoint[]): WriteRequest {
  const checkpoints = batch.map(({ id, remainingSeconds }) => ({
    ID: id,
    remainingTTL: BigInt(remainingSeconds),
  }));
  return { kind: 'leaseCheckpoint', body: create(LeaseCheckpointRequestSchema, { checkpoints }) };
}

/** The write that ends a lease. */
export function revocationOf(lease: bigint): WriteRequest {
  return { kind: 'leaseRevoke', body: create(LeaseRevokeRequestSchema, { ID: lease }) };
}

/**
 * A request waits while no leader is known, while the leader has not come to count, while its answer is on
 * the way, and, where it renews a lease that has expired, until it is known whether the lease is gone.
 * @source etcd v3.4.23 etcdserver/v3_server.go LeaseRenew, LeaseTimeToLive; lease/leasehttp/http.go
 */
export class LeaseRequests {
  private readonly port: LeaseRequestsPort;
  private readonly timeoutUs: number;
  /** A leader that does not answer is asked again after this time; etcd waits on its connection. */
  private readonly retryUs: number;
  private waiting: Waiting[] = [];
  /** Leases whose checkpoint the log is to take back. */
  private readonly takenBack = new Set<LeaseId>();

  constructor(port: LeaseRequestsPort, electionUs: number) {
    this.port = port;
    this.timeoutUs = requestTimeoutUs(electionUs);
    this.retryUs = electionUs;
  }

  add(request: number, ask: LeaseAsk, nowUs: number): void {
    this.waiting.push({ asker: { kind: 'client', request }, ask, startUs: nowUs, sent: null });
  }

  cancel(request: number): void {
    this.waiting = this.waiting.filter(({ asker }) => asker.kind !== 'client' || asker.request !== request);
  }

  /** A peer asks, or answers; what cannot be read is lost, as a bad HTTP request would be. */
  receive(from: NodeId, message: PeerRequest, nowUs: number): void {
    const ask = this.readAsk(message);
    if (ask !== null) {
      const asker = { kind: 'peer', node: from, id: message.id } as const;
      this.waiting.push({ asker, ask, startUs: nowUs, sent: null });
      return;
    }
    const answer = readAnswer(message);
    const asked = this.waiting.find(({ sent }) => sent?.id === message.id && sent.lead === from);
    if (answer === null || asked === undefined) return;
    this.waiting = this.waiting.filter((waiting) => waiting !== asked);
    this.tell(asked, answer);
  }

  /** Answers or forwards what it can. */
  settle(nowUs: number): void {
    if (this.waiting.length > 0) this.waiting = this.waiting.filter((waiting) => !this.serve(waiting, nowUs));
  }

  /** Who has waited too long is told so; a peer has told its client itself. */
  tick(nowUs: number): void {
    const isLate = ({ startUs }: Waiting): boolean => nowUs - startUs >= this.timeoutUs;
    const late = this.waiting.filter(isLate);
    if (late.length === 0) return;
    this.waiting = this.waiting.filter((waiting) => !isLate(waiting));
    const error = this.port.raft.lead === none ? rpcErrors.noLeader : rpcErrors.timeout;
    for (const { asker } of late) if (asker.kind === 'client') this.port.door.refuse(asker.request, error);
  }

  /** @returns whether the request is done with */
  private serve(waiting: Waiting, nowUs: number): boolean {
    const { raft } = this.port;
    if (raft.isLeader) {
      const answer = this.ownAnswer(waiting.ask, nowUs);
      if (answer !== null) this.tell(waiting, answer);
      return answer !== null;
    }
    if (waiting.asker.kind === 'peer') {
      this.reply(waiting.asker, { kind: 'failed', body: emptyBytes });
      return true;
    }
    const { sent } = waiting;
    const isAsked = sent !== null && sent.lead === raft.lead && nowUs - sent.atUs < this.retryUs;
    if (raft.lead !== none && !isAsked) this.forward(waiting, raft.lead, nowUs);
    return false;
  }

  /** Null: not yet. */
  private ownAnswer(ask: LeaseAsk, nowUs: number): LeaseAnswer | null {
    const { lessor } = this.port;
    const id = leaseId(ask.id);
    if (ask.kind === 'timeToLive') return this.timeLeft(ask, nowUs);
    if (!lessor.isPrimary) return null;
    try {
      const renewal = lessor.renew(id, nowUs);
      if (renewal.kind === 'renewed') return { kind: 'renewed', ttl: BigInt(renewal.ttlSeconds) };
      if (renewal.kind === 'checkpointed') this.takeBackCheckpoint(id, nowUs);
      return null;
    } catch (error) {
      if (error instanceof LeaseError) return { kind: 'notFound' };
      throw error;
    }
  }

  /** A renewal waits until the others, too, give the lease its whole time. */
  private takeBackCheckpoint(id: LeaseId, nowUs: number): void {
    if (this.takenBack.has(id)) return;
    this.takenBack.add(id);
    const write = checkpointOf([{ id, remainingSeconds: 0 }]);
    const done = (self: LeaseRequests) => () => void self.takenBack.delete(id);
    this.port.propose(write, nowUs, kept(done, this));
  }

  private timeLeft({ id, keys }: Extract<LeaseAsk, { kind: 'timeToLive' }>, nowUs: number): LeaseAnswer {
    const { lessor } = this.port;
    const lease = lessor.lookup(leaseId(id));
    if (lease === null) return { kind: 'notFound' };
    const body = create(LeaseTimeToLiveResponseSchema, {
      ID: lease.id,
      TTL: BigInt(lessor.timeToLive(lease.id, nowUs)),
      grantedTTL: BigInt(lease.ttlSeconds),
      keys: keys ? lessor.keysOf(lease.id) : [],
    });
    return { kind: 'timeLeft', body };
  }

  private forward(waiting: Waiting, lead: NodeId, nowUs: number): void {
    const { ask } = waiting;
    const id = this.port.door.nextRequestId();
    waiting.sent = { lead, id, atUs: nowUs };
    const message = { kind: ask.kind, id, body: askBody(ask) };
    this.port.door.send(lead, peerRequestNames[ask.kind], encodePeerRequest(message), false);
  }

  private readAsk({ kind, body }: PeerRequest): LeaseAsk | null {
    try {
      if (kind === 'renew') {
        const { ID } = fromBinary(LeaseKeepAliveRequestSchema, body);
        return { kind, id: ID, header: this.port.door.header() };
      }
      if (kind !== 'timeToLive') return null;
      const { ID, keys } = fromBinary(LeaseTimeToLiveRequestSchema, body);
      return { kind, id: ID, keys };
    } catch {
      return null;
    }
  }

  private tell({ asker, ask }: Waiting, answer: LeaseAnswer): void {
    if (asker.kind === 'peer') this.reply(asker, { kind: answer.kind, body: answerBody(ask, answer) });
    else this.port.door.answer(asker.request, this.response(ask, answer));
  }

  private reply({ node, id }: Extract<Asker, { kind: 'peer' }>, message: Omit<PeerRequest, 'id'>): void {
    const bytes = encodePeerRequest({ ...message, id });
    this.port.door.send(node, peerRequestNames[message.kind], bytes, message.kind === 'failed');
  }

  /**
   * What the client hears. A lease that is not there is no error: its TTL is 0 when it is to be renewed, and
   * -1 when it is looked at.
   * @source etcd v3.4.23 etcdserver/api/v3rpc/lease.go
   */
  private response(ask: LeaseAsk, answer: LeaseAnswer): Uint8Array {
    if (ask.kind === 'renew') {
      const TTL = answer.kind === 'renewed' ? answer.ttl : 0n;
      const response = create(LeaseKeepAliveResponseSchema, { header: ask.header, ID: ask.id, TTL });
      return toBinary(LeaseKeepAliveResponseSchema, response);
    }
    const header = this.port.door.header();
    const found = answer.kind === 'timeLeft' ? answer.body : { ID: ask.id, TTL: -1n };
    const { $typeName: _name, ...fields } = create(LeaseTimeToLiveResponseSchema, found);
    const response = create(LeaseTimeToLiveResponseSchema, { ...fields, header });
    return toBinary(LeaseTimeToLiveResponseSchema, response);
  }
}

function askBody(ask: LeaseAsk): Uint8Array {
  if (ask.kind === 'renew')
    return toBinary(LeaseKeepAliveRequestSchema, create(LeaseKeepAliveRequestSchema, { ID: ask.id }));
  const request = create(LeaseTimeToLiveRequestSchema, { ID: ask.id, keys: ask.keys });
  return toBinary(LeaseTimeToLiveRequestSchema, request);
}

function answerBody(ask: LeaseAsk, answer: LeaseAnswer): Uint8Array {
  if (answer.kind === 'notFound') return emptyBytes;
  if (answer.kind === 'timeLeft') return toBinary(LeaseTimeToLiveResponseSchema, answer.body);
  const response = create(LeaseKeepAliveResponseSchema, { ID: ask.id, TTL: answer.ttl });
  return toBinary(LeaseKeepAliveResponseSchema, response);
}

/** Null for what is no answer, and for one that says only to ask again. */
function readAnswer({ kind, body }: PeerRequest): LeaseAnswer | null {
  try {
    if (kind === 'notFound') return { kind };
    if (kind === 'renewed') return { kind, ttl: fromBinary(LeaseKeepAliveResponseSchema, body).TTL };
    return kind === 'timeLeft' ? { kind, body: fromBinary(LeaseTimeToLiveResponseSchema, body) } : null;
  } catch {
    return null;
  }
}
