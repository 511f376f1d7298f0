/** Requests on their way through the log: from the door until their entry is applied, or the time is over. */
import type { ConfChange } from '../raft/types.ts';
import { rpcErrors } from './errors.ts';
import type { RpcError } from './errors.ts';

/** Clients are turned away while so much is not applied. @source etcd v3.4.23 etcdserver/v3_server.go */
export const maxGapBetweenApplyAndCommit = 5000;

/**
 * Who waits for an entry: a client's request, or the member itself, which publishes its attributes or, as the
 * leader, says the cluster's version or revokes a lease that has expired.
 */
export type Proposer = ClientProposer | 'publish' | 'clusterVersion' | 'leaseExpiry';

export interface ClientProposer {
  readonly request: number;
  /** What is done with the outcome; absent: the client is told. */
  readonly finish?: (outcome: Uint8Array | RpcError) => void;
}

export interface Proposal {
  readonly id: bigint;
  readonly proposer: Proposer;
  readonly data: Uint8Array;
  /** Set for a change of members, which has no data. */
  readonly change?: ConfChange;
  /** What it asks for, for the trace; empty where none is kept. */
  readonly label: string;
  readonly startUs: number;
}

/** A proposal that was not applied in time, with the answer that etcd gives. */
export interface Expired {
  readonly proposal: Proposal;
  readonly error: RpcError;
}

/**
 * Proposals wait here while no leader is known, and stay registered until they are applied, time out or are
 * cancelled. A timeout says nothing of whether the entry will be applied.
 * @source etcd v3.4.23 etcdserver/v3_server.go processInternalRaftRequestOnce, server.go parseProposeCtxErr
 */
export class Proposals {
  private readonly timeoutUs: number;
  private readonly electionUs: number;
  /** In the order of their start, so that the oldest comes first. */
  private readonly registered = new Map<bigint, Proposal>();
  private withoutLeader: Proposal[] = [];

  /** @param electionUs the election timeout; the patience is 5 s and two of them */
  constructor(electionUs: number) {
    this.electionUs = electionUs;
    this.timeoutUs = requestTimeoutUs(electionUs);
  }

  get size(): number {
    return this.registered.size;
  }

  /** Registers a proposal that `takeWaiting` will hand out as soon as there is a leader. */
  add(proposal: Proposal): void {
    this.registered.set(proposal.id, proposal);
    this.withoutLeader.push(proposal);
  }

  /** All of them are proposed anew: see `Defects.proposeAgain`. */
  again(): void {
    this.withoutLeader = [...this.registered.values()];
  }

  /** What may be proposed now that a leader is known. */
  takeWaiting(): readonly Proposal[] {
    const waiting = this.withoutLeader;
    if (waiting.length > 0) this.withoutLeader = [];
    return waiting;
  }

  /** The proposal with this id, which is then done; null when nobody waits for it here. */
  take(id: bigint): Proposal | null {
    const proposal = this.registered.get(id);
    if (proposal === undefined) return null;
    this.registered.delete(id);
    return proposal;
  }

  /** All that wait, in the order of their start; nobody waits any more. */
  takeAll(): readonly Proposal[] {
    const all = [...this.registered.values()];
    this.registered.clear();
    this.withoutLeader = [];
    return all;
  }

  /** The client no longer waits; what was proposed stays proposed. */
  cancel(request: number): void {
    for (const { id, proposer } of this.registered.values()) {
      if (typeof proposer !== 'string' && proposer.request === request) this.forget(id);
    }
  }

  /**
   * Takes out what has waited too long.
   * @param ledSinceUs when this member last came to lead; null when it has not
   * @param isLost whether the connections that a proposal of that time needed have not stood all the while
   */
  expire(nowUs: number, ledSinceUs: number | null, isLost: (startUs: number) => boolean): readonly Expired[] {
    const expired: Expired[] = [];
    for (const proposal of this.registered.values()) {
      if (nowUs - proposal.startUs < this.timeoutUs) break;
      expired.push({ proposal, error: this.timeoutError(proposal, ledSinceUs, isLost) });
    }
    for (const { proposal } of expired) this.forget(proposal.id);
    return expired;
  }

  private forget(id: bigint): void {
    this.registered.delete(id);
    this.withoutLeader = this.withoutLeader.filter((waiting) => waiting.id !== id);
  }

  private timeoutError(
    proposal: Proposal,
    ledSinceUs: number | null,
    isLost: (startUs: number) => boolean,
  ): RpcError {
    if (this.withoutLeader.includes(proposal)) return rpcErrors.deadlineExceeded;
    const { startUs } = proposal;
    const lostFromUs = (ledSinceUs ?? 0) - 2 * this.electionUs;
    const leaderFailed = ledSinceUs !== null && startUs > lostFromUs && startUs < ledSinceUs;
    if (leaderFailed) return rpcErrors.timeoutLeaderFailed;
    return isLost(startUs) ? rpcErrors.timeoutConnectionLost : rpcErrors.timeout;
  }
}

/**
 * How long a request may take: 5 s and two election timeouts. @source etcd v3.4.23 etcdserver/config.go
 * ReqTimeout
 */
export function requestTimeoutUs(electionUs: number): number {
  return 5_000_000 + 2 * electionUs;
}
