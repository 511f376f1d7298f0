/** How a node is set up. */
import { assert } from '../../base/assert.ts';
import type { Prng } from '../../base/prng.ts';
import type { Trace } from '../../base/trace.ts';
import { silent } from '../../base/trace.ts';
import { type Defects, noDefects } from '../defects.ts';
import { noLimit } from './entry-size.ts';
import { RaftError } from './errors.ts';
import type { RaftEvent } from './events.ts';
import { isLocalThread } from './message.ts';
import type { StateTrace } from './state-trace.ts';
import type { Storage } from './storage.ts';
import type { LogIndex, NodeId } from './types.ts';
import { logIndex, none } from './types.ts';

/**
 * How a leader makes sure of its leadership before a read. `ReadOnlySafe` asks a quorum. `ReadOnlyLeaseBased`
 * trusts that no other leader can have come up within an election timeout: wrong where clocks drift.
 */
export type ReadOnlyOption = 'ReadOnlySafe' | 'ReadOnlyLeaseBased';

/**
 * Unset fields are false, zero or off. Sizes are bytes; Infinity is no limit. @source etcd-io/raft
 * raft.go Config
 */
export interface Config {
  /** This node, not 0. */
  readonly id: NodeId;
  /** Ticks without word from a leader before an election; above heartbeatTick, ten times it is usual. */
  readonly electionTick: number;
  /** Ticks between heartbeats of a leader. */
  readonly heartbeatTick: number;
  readonly storage: Storage;
  /** The last entry applied before a restart; entries up to it are not handed out again. */
  readonly applied?: LogIndex;
  /** Storage writes and applying go out as messages to the local threads; Ready is then never advanced. */
  readonly asyncStorageWrites?: boolean;
  /** Of entries in one append; 0 is one entry a message. */
  readonly maxSizePerMsg: number;
  /** Of entries being applied and not acknowledged; 0 takes maxSizePerMsg. */
  readonly maxCommittedSizePerReady?: number;
  /** Of data not committed yet; proposals beyond it are dropped. 0 is no limit. */
  readonly maxUncommittedEntriesSize?: number;
  /** Appends to one follower without acknowledgement. */
  readonly maxInflightMsgs: number;
  /** Of data in them; 0 is no limit. */
  readonly maxInflightBytes?: number;
  /**
   * A leader steps down that has not heard from a quorum for an election timeout, and its followers are
   * loyal.
   */
  readonly checkQuorum?: boolean;
  /** A node asks whether it could win before it raises its term. Raft thesis section 9.6. */
  readonly preVote?: boolean;
  readonly readOnlyOption?: ReadOnlyOption;
  /** Followers drop proposals instead of sending them to the leader. */
  readonly disableProposalForwarding?: boolean;
  /**
   * The leader does not look at conf changes when they are proposed; one that cannot be applied stops the
   * node.
   */
  readonly disableConfChangeValidation?: boolean;
  /** A leader that removes or demotes itself becomes a follower. */
  readonly stepDownOnRemoval?: boolean;
  /** Election timeouts are drawn from it. */
  readonly random: Prng;
  readonly trace?: Trace<RaftEvent>;
  /** Receives upstream's own state trace, for checking against the TLA+ specification. */
  readonly stateTrace?: StateTrace | null;
  readonly defects?: Defects;
}

/** A checked configuration with nothing left open. */
export type Settings = Required<Config>;

/**
 * Checks a configuration and fills in what was left out.
 * @throws RaftError with a ConfigErrorCode
 */
export function validate(config: Config): Settings {
  if (config.id === none) throw new RaftError('cannot use none as id');
  if (isLocalThread(config.id)) throw new RaftError('cannot use local target as id');
  assert(Number.isSafeInteger(config.id) && config.id > 0, 'raft: a node id is a positive safe integer');
  if (config.heartbeatTick <= 0) throw new RaftError('heartbeat tick must be greater than 0');
  if (config.electionTick <= config.heartbeatTick) {
    throw new RaftError('election tick must be greater than heartbeat tick');
  }
  if (config.maxInflightMsgs <= 0) throw new RaftError('max inflight messages must be greater than 0');
  const maxInflightBytes = config.maxInflightBytes || noLimit;
  if (maxInflightBytes < config.maxSizePerMsg) {
    throw new RaftError('max inflight bytes must be >= max message size');
  }
  const checkQuorum = config.checkQuorum ?? false;
  const readOnlyOption = config.readOnlyOption ?? 'ReadOnlySafe';
  if (readOnlyOption === 'ReadOnlyLeaseBased' && !checkQuorum) {
    throw new RaftError('CheckQuorum must be enabled when ReadOnlyOption is ReadOnlyLeaseBased');
  }
  return {
    id: config.id,
    electionTick: config.electionTick,
    heartbeatTick: config.heartbeatTick,
    storage: config.storage,
    applied: config.applied ?? logIndex(0),
    asyncStorageWrites: config.asyncStorageWrites ?? false,
    maxSizePerMsg: config.maxSizePerMsg,
    maxCommittedSizePerReady: config.maxCommittedSizePerReady || config.maxSizePerMsg,
    maxUncommittedEntriesSize: config.maxUncommittedEntriesSize || noLimit,
    maxInflightMsgs: config.maxInflightMsgs,
    maxInflightBytes,
    checkQuorum,
    readOnlyOption,
    preVote: config.preVote ?? false,
    disableProposalForwarding: config.disableProposalForwarding ?? false,
    disableConfChangeValidation: config.disableConfChangeValidation ?? false,
    stepDownOnRemoval: config.stepDownOnRemoval ?? false,
    random: config.random,
    trace: config.trace ?? silent,
    stateTrace: config.stateTrace ?? null,
    defects: config.defects ?? noDefects,
  };
}
