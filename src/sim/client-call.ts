/** A client's commands and calls as they stand, and what they need of the world. */
import { authenticateBody, unaryBody } from './etcd-rpc.ts';
import type { Asked } from './endpoint-rpc.ts';
import type { PerfAction } from './etcd-actions.ts';
import type { Endpoint } from './endpoints.ts';
import type { FaultReach } from './reach.ts';
import type { Prng } from '../base/prng.ts';
import type { Rpc, SentAction } from './client-rpc.ts';
import type { SimEvent } from './events.ts';
import type { ClientAction, ClientOutcome, MemberView } from './types.ts';
import type { PeerConfig, Reply } from '../engine/server/types.ts';

/** What comes back to a client, or reaches a member for one. `call` names the client's present RPC. */
export type ClientEvent =
  | { readonly kind: 'clientDial'; readonly call: number; readonly endpoint: number; readonly member: number }
  | {
      readonly kind: 'clientDialed';
      readonly call: number;
      readonly endpoint: number;
      readonly epoch: number;
    }
  | {
      readonly kind: 'clientRequest';
      readonly call: number;
      readonly attempt: number;
      readonly member: number;
      readonly epoch: number;
    }
  | {
      readonly kind: 'clientCancel';
      readonly request: number;
      readonly member: number;
      readonly epoch: number;
    }
  | { readonly kind: 'clientReply'; readonly call: number; readonly attempt: number; readonly reply: Reply }
  | { readonly kind: 'clientBroken'; readonly call: number; readonly attempt: number }
  | { readonly kind: 'clientRetry'; readonly call: number; readonly attempt: number }
  | { readonly kind: 'clientDeadline'; readonly call: number };

/** By whom and whom a command asks. */
export type Asking = Pick<ClientAction, 'endpoints' | 'user'>;

/** What clients need of the world. */
export interface ClientWorld {
  readonly nowUs: number;
  readonly peers: readonly PeerConfig[];
  readonly reach: FaultReach;
  schedule(timeUs: number, event: ClientEvent): void;
  /** The epoch of the process that listens there; 0 where none does. */
  epochOf(member: number): number;
  /** Whether anybody hears what is told. */
  readonly isHeard: boolean;
  tell(event: SimEvent): void;
  finish(id: number, outcome: ClientOutcome): void;
  /** The server has ended a watch that stood. */
  watchEnded(id: number): void;
  /** Begins a check of how fast the cluster is; it ends the command. */
  checkPerf(id: number, action: PerfAction & Asking): void;
  /** Ends such checks; how many there were. */
  stopChecks(): number;
  /** A client was told that a member was added. */
  memberAdded(name: string, id: bigint, members: readonly MemberView[]): void;
}

export interface Connection {
  readonly endpoint: Endpoint;
  /** The process it leads to; 0 while there is none. */
  epoch: number;
  redialWaitUs: number;
}

export interface Command {
  readonly id: number;
  readonly action: SentAction;
  /** What is asked now; move-leader looks for the leader first. */
  rpc: Rpc;
  readonly draws: Prng;
  /** Its open calls: one, but where endpoints are asked side by side. */
  readonly calls: Set<Call>;
  /** Those to be asked; some commands ask one after the other, others have one call over all. */
  readonly waiting: Endpoint[];
  readonly asked: Asked[];
  /** Its user's token; null without one. `isSigningIn` while it is asked for. */
  token: string | null;
  isSigningIn: boolean;
  /** How often it was asked for anew, for it had lapsed. */
  renewals: number;
  /** Requests that follow when the present one has been answered well. */
  readonly steps: Rpc[];
  /** Of a watch: from where it goes on; whether it has once stood. */
  readonly watch: { from: number; stood: boolean } | null;
  /** What is still to be sent on the stream that stands. */
  outbox: Uint8Array[];
  /** Of a stream that ends by itself: what has come so far. */
  readonly pieces: Uint8Array[];
  /** Of move-leader: who leads, once that is known. */
  leader: bigint | null;
  /** Until when a standing keep-alive may hope; null for what is no such, or has not been answered yet. */
  keepUntilUs: number | null;
}

export interface Call {
  readonly number: number;
  readonly command: Command;
  readonly connections: readonly Connection[];
  /** Before this time it only waits to be begun: the next renewal of a keep-alive. */
  readonly startUs: number;
  /** From 0; each failure that is tried again adds one. */
  attempt: number;
  /** Where the present attempt is; null while it waits for a connection. */
  at: { readonly member: number; readonly epoch: number } | null;
  /** The next connection in turn. */
  next: number;
  /** True while the next attempt's time has not come. */
  isBackingOff: boolean;
  /** Replies and a connection's end arrive in order. */
  lastArrivalUs: number;
}

export function newCommand(
  id: number,
  action: SentAction,
  rpc: Rpc,
  draws: Prng,
  endpoints: readonly Endpoint[],
): Command {
  return {
    id,
    action,
    rpc,
    draws,
    calls: new Set(),
    waiting: [...endpoints],
    asked: [],
    token: null,
    isSigningIn: action.user !== undefined,
    renewals: 0,
    steps: [],
    watch: action.type === 'watch' ? { from: action.revision ?? 0, stood: false } : null,
    outbox: [],
    pieces: [],
    leader: null,
    keepUntilUs: null,
  };
}

/** @source etcd v3.4 etcdctl/ctlv3/command/move_leader_command.go */
export function noLeader({ asked }: Command): string {
  return `no leader endpoint given at [${asked.map(({ endpoint }) => endpoint).join(' ')}]`;
}

const lapsed: readonly string[] = [
  'etcdserver: invalid auth token',
  'etcdserver: revision of auth store is old',
  'etcdserver: user name is empty',
];
/** As often as a request is sent at all. @source etcd v3.4.23 clientv3/options.go defaultUnaryMaxRetries */
const maxRenewals = 100;

/**
 * Whether a refusal means that the client's token is none any more, so that it asks for a new one.
 * @source etcd v3.4.23 clientv3/retry_interceptor.go shouldRefreshToken, watch.go shouldRetryWatch
 */
export function isTokenLapsed({ action, isSigningIn, renewals }: Command, message: string): boolean {
  if (isSigningIn || action.user === undefined || renewals >= maxRenewals) return false;
  // what ends a watch comes with its code
  return lapsed.includes(message.replace(/^rpc error: code = \w+ desc = /, ''));
}

/** Whether it goes on by itself until it is stopped: a watch, or a keep-alive that renews again and again. */
export function isStanding({ action }: Command): boolean {
  return action.type === 'watch' || (action.type === 'leaseKeepAlive' && action.once !== true);
}

/** @source etcd v3.4.23 etcdctl watch_command.go getWatchChan; clientv3/lease.go reqLeaderCtx */
export function needsLeader(command: Command): boolean {
  return isStanding(command) && !command.isSigningIn;
}

/** @source etcd v3.4.23 etcdctl util.go commandCtx, and the commands that do without it */
export function hasTimeLimit({ action, isSigningIn }: Command): boolean {
  return isSigningIn || (action.type !== 'watch' && action.type !== 'snapshotSave');
}

/** What the client sends now. */
export function rpcOf({ rpc, isSigningIn, action }: Command): Pick<Rpc, 'method' | 'bytes'> {
  if (!isSigningIn) return rpc;
  const [name, ...password] = (action.user ?? '').split(':');
  return authenticateBody(name, password.join(':'));
}

/**
 * What etcdctl does where the root user lacks its role: it makes both, then asks again.
 * @source etcd v3.4.23 etcdctl/ctlv3/command/auth_command.go authEnableCommandFunc
 */
export function stepsAfter(message: string, enable: Rpc): readonly Rpc[] {
  if (message !== 'etcdserver: root user does not have root role') return [];
  return [
    unaryBody({ type: 'roleAdd', role: 'root' }),
    unaryBody({ type: 'userGrantRole', name: 'root', role: 'root' }),
    enable,
  ];
}
