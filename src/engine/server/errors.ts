/** What a member answers when it cannot do as asked: etcd's texts with their gRPC codes. */
import { grpcCode } from './types.ts';

/** A gRPC status other than OK. It is answered to the client, never thrown over the member's boundary. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const {
  canceled,
  invalidArgument,
  notFound,
  failedPrecondition,
  resourceExhausted,
  outOfRange,
  unavailable,
  unknown,
  internal,
  unimplemented,
  permissionDenied,
  unauthenticated,
  dataLoss,
} = grpcCode;

/** Also what `Status` lists when no leader is known. */
export const noLeaderText = 'etcdserver: no leader';

/**
 * @source etcd v3.4.23 etcdserver/api/v3rpc/rpctypes/error.go; raft and context errors keep their own text
 */
export const rpcErrors = {
  keyNotProvided: new RpcError(invalidArgument, 'etcdserver: key is not provided'),
  keyNotFound: new RpcError(invalidArgument, 'etcdserver: key not found'),
  valueProvided: new RpcError(invalidArgument, 'etcdserver: value is provided'),
  leaseProvided: new RpcError(invalidArgument, 'etcdserver: lease is provided'),
  tooManyOps: new RpcError(invalidArgument, 'etcdserver: too many operations in txn request'),
  duplicateKey: new RpcError(invalidArgument, 'etcdserver: duplicate key given in txn request'),
  requestTooLarge: new RpcError(invalidArgument, 'etcdserver: request is too large'),
  tooManyRequests: new RpcError(resourceExhausted, 'etcdserver: too many requests'),
  leaseNotFound: new RpcError(notFound, 'etcdserver: requested lease not found'),
  leaseExists: new RpcError(failedPrecondition, 'etcdserver: lease already exists'),
  leaseTtlTooLarge: new RpcError(outOfRange, 'etcdserver: too large lease TTL'),
  compacted: new RpcError(outOfRange, 'etcdserver: mvcc: required revision has been compacted'),
  futureRevision: new RpcError(outOfRange, 'etcdserver: mvcc: required revision is a future revision'),
  noSpace: new RpcError(resourceExhausted, 'etcdserver: mvcc: database space exceeded'),
  corrupt: new RpcError(dataLoss, 'etcdserver: corrupt cluster'),
  rootUserNotExist: new RpcError(failedPrecondition, 'etcdserver: root user does not exist'),
  rootRoleNotExist: new RpcError(failedPrecondition, 'etcdserver: root user does not have root role'),
  userExists: new RpcError(failedPrecondition, 'etcdserver: user name already exists'),
  userEmpty: new RpcError(invalidArgument, 'etcdserver: user name is empty'),
  userNotFound: new RpcError(failedPrecondition, 'etcdserver: user name not found'),
  roleExists: new RpcError(failedPrecondition, 'etcdserver: role name already exists'),
  roleEmpty: new RpcError(invalidArgument, 'etcdserver: role name is empty'),
  roleNotFound: new RpcError(failedPrecondition, 'etcdserver: role name not found'),
  authFailed: new RpcError(invalidArgument, 'etcdserver: authentication failed, invalid user ID or password'),
  permissionDenied: new RpcError(permissionDenied, 'etcdserver: permission denied'),
  roleNotGranted: new RpcError(failedPrecondition, 'etcdserver: role is not granted to the user'),
  permissionNotGranted: new RpcError(failedPrecondition, 'etcdserver: permission is not granted to the role'),
  authNotEnabled: new RpcError(failedPrecondition, 'etcdserver: authentication is not enabled'),
  invalidAuthToken: new RpcError(unauthenticated, 'etcdserver: invalid auth token'),
  invalidAuthManagement: new RpcError(invalidArgument, 'etcdserver: invalid auth management'),
  authOldRevision: new RpcError(invalidArgument, 'etcdserver: revision of auth store is old'),
  watchCanceled: new RpcError(canceled, 'etcdserver: watch canceled'),
  leaderChanged: new RpcError(unavailable, 'etcdserver: leader changed'),
  noLeader: new RpcError(unavailable, noLeaderText),
  stopped: new RpcError(unavailable, 'etcdserver: server stopped'),
  timeout: new RpcError(unavailable, 'etcdserver: request timed out'),
  timeoutLeaderFailed: new RpcError(
    unavailable,
    'etcdserver: request timed out, possibly due to previous leader failure',
  ),
  timeoutConnectionLost: new RpcError(
    unavailable,
    'etcdserver: request timed out, possibly due to connection lost',
  ),
  /** The time was over before a leader was known to whom the proposal could go. */
  deadlineExceeded: new RpcError(unknown, 'context deadline exceeded'),
  timeoutLeaderTransfer: new RpcError(
    unknown,
    'etcdserver: request timed out, leader transfer took too long',
  ),
  memberExists: new RpcError(failedPrecondition, 'etcdserver: member ID already exist'),
  peerUrlExists: new RpcError(failedPrecondition, 'etcdserver: Peer URLs already exists'),
  /** 3.4 gives this one, as the timeout of a transfer, no code of its own. */
  notEnoughStarted: new RpcError(
    unknown,
    'etcdserver: re-configuration failed due to not enough started members',
  ),
  memberBadUrls: new RpcError(invalidArgument, 'etcdserver: given member URLs are invalid'),
  memberNotFound: new RpcError(notFound, 'etcdserver: member not found'),
  memberNotLearner: new RpcError(failedPrecondition, 'etcdserver: can only promote a learner member'),
  learnerNotReady: new RpcError(
    failedPrecondition,
    'etcdserver: can only promote a learner member which is in sync with leader',
  ),
  tooManyLearners: new RpcError(failedPrecondition, 'etcdserver: too many learner members in cluster'),
  notLeader: new RpcError(failedPrecondition, 'etcdserver: not leader'),
  unhealthy: new RpcError(unavailable, 'etcdserver: unhealthy cluster'),
  notSupportedForLearner: new RpcError(unavailable, 'etcdserver: rpc not supported for learner'),
  badLeaderTransferee: new RpcError(failedPrecondition, 'etcdserver: bad leader transferee'),
  proposalDropped: new RpcError(unknown, 'raft proposal dropped'),
} as const;

/** The disk failed, the member was removed, or so: the server stops with this sentence. */
export class StopError extends Error {
  override readonly name = 'StopError';
}

/** The body is no message of the method's type. */
export function malformed(detail: string): RpcError {
  return new RpcError(internal, `grpc: error unmarshalling request: ${detail}`);
}

/** The body is longer than the server's receive limit, before anything is decoded. */
export function oversized(sizeBytes: number, limitBytes: number): RpcError {
  return new RpcError(
    resourceExhausted,
    `grpc: received message larger than max (${sizeBytes} vs. ${limitBytes})`,
  );
}

export function unknownMethod(method: string): RpcError {
  return new RpcError(unimplemented, `unknown method ${method}`);
}
