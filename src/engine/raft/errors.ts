/** Expected failures of the raft package; a code is upstream's text, so that transcripts compare. */

/** Failures of proposals, messages and storage. */
export type StepErrorCode =
  /**
   * No leader, a leader that is leaving or handing over, or too much uncommitted data: propose again
   * later.
   */
  'raft proposal dropped' | 'raft: cannot step raft local message' | 'raft: cannot step as peer not found';

export type StorageErrorCode =
  | 'requested index is unavailable due to compaction'
  | 'requested index is older than the existing snapshot'
  | 'requested entry at index is unavailable'
  | 'snapshot is temporarily unavailable';

export type ConfigErrorCode =
  | 'cannot use none as id'
  | 'cannot use local target as id'
  | 'heartbeat tick must be greater than 0'
  | 'election tick must be greater than heartbeat tick'
  | 'max inflight messages must be greater than 0'
  | 'max inflight bytes must be >= max message size'
  | 'CheckQuorum must be enabled when ReadOnlyOption is ReadOnlyLeaseBased'
  | 'must provide at least one peer to Bootstrap'
  | "can't bootstrap a nonempty Storage";

export type ConfChangeErrorCode =
  | 'config is already joint'
  | "can't make a zero-voter config joint"
  | "can't leave a non-joint config"
  | "can't apply simple config change in joint config"
  | 'more than one voter changed without entering joint config'
  | 'removed all voters'
  | 'malformed conf change';

export type RaftErrorCode = StepErrorCode | StorageErrorCode | ConfigErrorCode | ConfChangeErrorCode;

export class RaftError extends Error {
  override readonly name = 'RaftError';
  readonly code: RaftErrorCode;

  constructor(code: RaftErrorCode) {
    super(code);
    this.code = code;
  }
}
