/**
 * What a member's server layer did with requests and entries. `key` and `label` are printable text, clipped.
 */
export type ServerEvent =
  | {
      readonly type: 'server.boot';
      readonly name: string;
      readonly memberId: string;
      readonly clusterId: string;
      readonly fresh: boolean;
      readonly tickUs: number;
      /** Negative: no limit. */
      readonly quotaBytes: number;
    }
  | {
      readonly type: 'server.request';
      readonly request: number;
      readonly method: string;
      readonly label: string;
    }
  /** `request` 0: the leader's own revocation of a lease that has expired. */
  | { readonly type: 'server.propose'; readonly request: number; readonly label: string }
  /** What the entries that were just put into the log say, for the views: parallel lists. */
  | {
      readonly type: 'server.entries';
      readonly firstIndex: number;
      readonly entryTerms: readonly number[];
      readonly labels: readonly string[];
    }
  | {
      readonly type: 'server.apply';
      readonly index: number;
      readonly term: number;
      readonly label: string;
      readonly revision: number;
      readonly skipped: boolean;
    }
  | {
      readonly type: 'server.reply';
      readonly request: number;
      readonly code: number;
      readonly message: string;
    }
  /** A snapshot of this member's own is on its disk, marked in the log: a start goes on from here. */
  | {
      readonly type: 'snapshot.save';
      readonly index: number;
      readonly term: number;
      readonly file: string;
      readonly sizeBytes: number;
    }
  /**
   * A snapshot with the database leaves for a follower: `begin`; the follower has it on its disk: `sent`; or
   * it did not get there.
   */
  | {
      readonly type: 'snapshot.send';
      readonly to: number;
      readonly index: number;
      readonly sizeBytes: number;
      readonly state: 'begin' | 'sent' | 'failed';
    }
  /** So much of a snapshot has come. `saved`: all of it, and its database is on the disk. */
  | {
      readonly type: 'snapshot.receive';
      readonly from: number;
      readonly receivedBytes: number;
      readonly totalBytes: number;
      readonly saved: boolean;
    }
  /** The state of this member is the snapshot's from now on, and its log begins behind it. */
  | {
      readonly type: 'snapshot.apply';
      readonly index: number;
      readonly term: number;
      readonly revision: number;
    }
  /**
   * Who is in the cluster now, as this member has applied it: after a change, a snapshot, a start. Parallel
   * lists, ascending by id; `nodes` are node numbers, `names` empty for who has not started.
   */
  | {
      readonly type: 'server.members';
      readonly nodes: readonly number[];
      readonly ids: readonly string[];
      readonly names: readonly string[];
      readonly peerUrls: readonly string[];
      readonly learners: readonly number[];
      readonly removedIds: readonly string[];
    }
  /** The leader was asked to hand its leadership over. */
  | { readonly type: 'server.moveLeader'; readonly to: number }
  /** The member was asked to stop. `to`: whom it hands its leadership to first; 0: nobody. */
  | { readonly type: 'server.stopping'; readonly to: number }
  /** The leader compacts by itself. */
  | { readonly type: 'server.autoCompact'; readonly revision: number }
  /** The leader has compared its hash with so many peers'; `corrupt`: they contradict each other. */
  | {
      readonly type: 'server.corruptCheck';
      readonly revision: number;
      readonly peerCount: number;
      readonly corrupt: boolean;
    }
  /** The store was copied into a tight file. */
  | { readonly type: 'server.defragment'; readonly beforeBytes: number; readonly afterBytes: number }
  | { readonly type: 'alarm.raise'; readonly memberId: string; readonly alarm: string }
  | { readonly type: 'alarm.disarm'; readonly memberId: string; readonly alarm: string }
  /** A broken invariant or a failed disk stopped the member: it takes no further input. */
  | { readonly type: 'server.halt'; readonly reason: string };
