/** Requests about users and roles on their way to the log: who may log in, and what is hashed before. */
import { create } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { defaultCost } from '../auth/password.ts';
import { drawTokenPrefix } from '../auth/simple-token.ts';
import type { AuthStore } from '../auth/store.ts';
import { AuthError } from '../auth/types.ts';
import { stream } from '../../base/prng.ts';
import type { Prng } from '../../base/prng.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { kept } from '../../base/fork.ts';
import { InternalAuthenticateRequestSchema } from '../pb/gen/raft_internal_pb.ts';
import type {
  AuthenticateRequest,
  AuthUserAddRequest,
  AuthUserChangePasswordRequest,
} from '../pb/gen/rpc_pb.ts';
import { authRefusal } from './apply-auth.ts';
import type { WriteRequest } from './entry-data.ts';
import { RpcError, rpcErrors } from './errors.ts';
import type { Call, Finish } from './calls.ts';
import type { Door } from './door.ts';
import type { Outbox } from './outbox.ts';
import { PasswordJobs } from './password-jobs.ts';
import type { MemberConfig } from './types.ts';

export interface AuthRequestsPort {
  readonly auth: AuthStore;
  readonly outbox: Outbox;
  /** Proposes a write for a client; `finish` gets the outcome in place of the client. */
  propose(call: Call, write: WriteRequest, finish?: Finish): void;
  readonly door: Door;
}

/** A log holds hashes, never passwords, as etcd's does from 3.5 on. */
export class AuthRequests {
  private readonly port: AuthRequestsPort;
  private readonly jobs: PasswordJobs;
  private readonly random: Prng;

  constructor({ seed, nodeId, epoch, bcryptCost }: MemberConfig, port: AuthRequestsPort) {
    this.port = port;
    this.random = stream(seed, 'token', nodeId, epoch);
    const { outbox } = port;
    const salts = stream(seed, 'salt', nodeId, epoch);
    this.jobs = new PasswordJobs(bcryptCost ?? defaultCost, salts, outbox.trace, outbox);
  }

  /** The timer has fired: the next password is hashed. */
  runJob(): void {
    this.jobs.run();
  }

  cancel(request: number): void {
    this.jobs.cancel(request);
  }

  /**
   * Checks a password, and asks for a token. Where users or roles have changed meanwhile it begins anew.
   * @source etcd v3.4.23 etcdserver/v3_server.go Authenticate
   */
  authenticate(call: Call, body: AuthenticateRequest): void {
    const { request } = call;
    const { name, password } = body;
    const { auth, door } = this.port;
    const hash = this.hashOf(name);
    if (hash instanceof RpcError) return door.refuse(request, hash);
    const checkedAt = auth.revision;
    const compared = (self: AuthRequests) => (isRight: boolean) => {
      if (isRight) self.proposeToken(call, body, checkedAt);
      else self.port.door.refuse(request, rpcErrors.authFailed);
    };
    this.jobs.compare(request, password, hash, kept(compared, this));
  }

  private proposeToken(call: Call, body: AuthenticateRequest, checkedAt: number): void {
    const simpleToken = drawTokenPrefix(this.random);
    const proposed = create(InternalAuthenticateRequestSchema, { name: body.name, simpleToken });
    const finish = (self: AuthRequests) => (outcome: Uint8Array | RpcError) => {
      const isOld = checkedAt !== self.port.auth.revision;
      if (isOld && outcome instanceof Uint8Array) self.authenticate(call, body);
      else self.port.door.tell(call.request, outcome);
    };
    this.port.propose(call, { kind: 'authenticate', body: proposed }, kept(finish, this));
  }

  addUser(call: Call, body: AuthUserAddRequest): void {
    body.hashedPassword = '';
    if (body.options?.noPassword === true) return this.port.propose(call, { kind: 'authUserAdd', body });
    this.hash(call, { kind: 'authUserAdd', body });
  }

  changePassword(call: Call, body: AuthUserChangePasswordRequest): void {
    this.hash(call, { kind: 'authUserChangePassword', body });
  }

  /** Proposes the write with the hash in the password's place. */
  private hash(
    call: Call,
    write: Extract<WriteRequest, { kind: 'authUserAdd' | 'authUserChangePassword' }>,
  ): void {
    const hashed = (self: AuthRequests, proposed: typeof write) => (hash: string) => {
      proposed.body.password = '';
      proposed.body.hashedPassword = base64Encode(encodeUtf8(hash));
      self.port.propose(call, proposed);
    };
    this.jobs.hash(call.request, write.body.password, kept(hashed, this, write));
  }

  private hashOf(name: string): string | RpcError {
    try {
      return this.port.auth.hashOf(name);
    } catch (error) {
      if (error instanceof AuthError) return authRefusal(error);
      throw error;
    }
  }
}
