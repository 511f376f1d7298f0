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
  /** The leader compacts by itself. */
  | { readonly type: 'server.autoCompact'; readonly revision: number }
  /** The store was copied into a tight file. */
  | { readonly type: 'server.defragment'; readonly beforeBytes: number; readonly afterBytes: number }
  | { readonly type: 'alarm.raise'; readonly memberId: string; readonly alarm: string }
  | { readonly type: 'alarm.disarm'; readonly memberId: string; readonly alarm: string }
  /** A broken invariant or a failed disk stopped the member: it takes no further input. */
  | { readonly type: 'server.halt'; readonly reason: string };
