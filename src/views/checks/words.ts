/** Words of the checks: properties' states, what was counted, bugs. */
import { m } from '../../paraglide/messages.js';
import type { ChecksReport, PropertyReport } from '../../host/checks.ts';
import type { Defect } from '../../host/port.ts';
import type { Beyond } from '../../model/violation.ts';

const bugs: Readonly<Record<Defect, () => string>> = {
  voteNotStored: m.bug_voteNotStored,
  termNotStored: m.bug_termNotStored,
  halfIsQuorum: m.bug_halfIsQuorum,
  longerLogWins: m.bug_longerLogWins,
  keepConflicts: m.bug_keepConflicts,
  applyUncommitted: m.bug_applyUncommitted,
  ownAckBeforeSync: m.bug_ownAckBeforeSync,
  ackBeforeSync: m.bug_ackBeforeSync,
  readWithoutQuorum: m.bug_readWithoutQuorum,
  readByClock: m.bug_readByClock,
  wipedKeepsId: m.bug_wipedKeepsId,
  diskErrorsIgnored: m.bug_diskErrorsIgnored,
  compactionDropsNewest: m.bug_compactionDropsNewest,
  watchSkipsFirst: m.bug_watchSkipsFirst,
  futureWatchHearsAll: m.bug_futureWatchHearsAll,
  watchTellsAgain: m.bug_watchTellsAgain,
  progressOvertakes: m.bug_progressOvertakes,
  prevKvIsNew: m.bug_prevKvIsNew,
  splitRevisions: m.bug_splitRevisions,
  revokeLeavesKey: m.bug_revokeLeavesKey,
  everyClockEndsLeases: m.bug_everyClockEndsLeases,
  promotionEndsLeases: m.bug_promotionEndsLeases,
  splitLosesKey: m.bug_splitLosesKey,
  lastKeySeparates: m.bug_lastKeySeparates,
  commitOlderTerms: m.bug_commitOlderTerms,
  campaignWithUnappliedConfChanges: m.bug_campaignWithUnappliedConfChanges,
  readBeforeCommitInTerm: m.bug_readBeforeCommitInTerm,
  readKeyedByContext: m.bug_readKeyedByContext,
  dropLowerTermPreVotes: m.bug_dropLowerTermPreVotes,
  stableAcrossTerms: m.bug_stableAcrossTerms,
  learnersRefuseVotes: m.bug_learnersRefuseVotes,
  nextBelowMatch: m.bug_nextBelowMatch,
  learnersCount: m.bug_learnersCount,
  newHalfCommits: m.bug_newHalfCommits,
  truncateAlways: m.bug_truncateAlways,
  commitUnseen: m.bug_commitUnseen,
  preVoteDespiteLeader: m.bug_preVoteDespiteLeader,
  manyConfChanges: m.bug_manyConfChanges,
  snapshotKeepsKeys: m.bug_snapshotKeepsKeys,
  snapshotAheadOfData: m.bug_snapshotAheadOfData,
  proposeAgain: m.bug_proposeAgain,
  applyByClock: m.bug_applyByClock,
  indexBeforeEffect: m.bug_indexBeforeEffect,
  defragmentLosesIndex: m.bug_defragmentLosesIndex,
  walUnchecked: m.bug_walUnchecked,
  revisionByRecords: m.bug_revisionByRecords,
  metaUnchecked: m.bug_metaUnchecked,
  metaBeforeData: m.bug_metaBeforeData,
  firstMetaCounts: m.bug_firstMetaCounts,
  readersForgotten: m.bug_readersForgotten,
  leftSpanNotMerged: m.bug_leftSpanNotMerged,
  takenSpanStays: m.bug_takenSpanStays,
  shortFreelistCount: m.bug_shortFreelistCount,
  overflowStays: m.bug_overflowStays,
  rollbackFrees: m.bug_rollbackFrees,
};
export const bugWords = (bug: Defect): string => bugs[bug]();

const beyonds: Readonly<Record<Beyond, () => string>> = {
  wipe: m.ck_beyond_wipe,
  image: m.ck_beyond_image,
  rot: m.ck_beyond_rot,
  misdirect: m.ck_beyond_misdirect,
  clock: m.ck_beyond_clock,
  files: m.ck_beyond_files,
  twice: m.ck_beyond_twice,
  forced: m.ck_beyond_forced,
  lying: m.ck_beyond_lying,
  copy: m.ck_beyond_copy,
};
export const beyondWords = (beyond: readonly Beyond[]): string =>
  beyond.map((each) => beyonds[each]()).join(', ');

const countNames: Readonly<Record<string, () => string>> = {
  elections: m.ck_count_elections,
  committed: m.ck_count_committed,
  votes: m.ck_count_votes,
  operations: m.ck_count_operations,
  searched: m.ck_count_searched,
  undecided: m.ck_count_undecided,
  watches: m.ck_count_watches,
  heard: m.ck_count_heard,
  promised: m.ck_count_promised,
  revoked: m.ck_count_revoked,
  entries: m.ck_count_entries,
  requests: m.ck_count_requests,
  revision: m.ck_count_revision,
  files: m.ck_count_files,
  metas: m.ck_count_metas,
  compared: m.ck_count_compared,
  hashes: m.ck_count_hashes,
  underWay: m.ck_count_underWay,
  events: m.ck_count_events,
  heals: m.ck_count_heals,
  recovered: m.ck_count_recovered,
};

/** `elections: 12, entries committed: 40`. */
export const countWords = ({ counts }: PropertyReport): string =>
  Object.entries(counts)
    .map(([name, count]) => `${countNames[name]?.() ?? name}: ${count.toLocaleString('en')}`)
    .join(', ');

export type CheckState = 'violated' | 'holds' | 'idle' | 'part' | 'none';

/** Who has looked at nothing yet can not say that it holds. */
export function stateOf(report: ChecksReport, { property, scope, counts }: PropertyReport): CheckState {
  if (report.violation?.property === property) return 'violated';
  if (scope === 'none') return 'none';
  if (Object.values(counts).every((count) => count === 0)) return 'idle';
  return scope === 'part' ? 'part' : 'holds';
}

export function stateWords(state: CheckState): string {
  return {
    violated: m.ck_violated,
    holds: m.ck_holds,
    idle: m.ck_idle,
    part: m.ck_part,
    none: m.ck_none,
  }[state]();
}

export function asideWords(aside: NonNullable<ChecksReport['aside']>): string {
  const { why, moment } = aside;
  if (why === 'stored') return m.ck_aside_stored();
  if (why === 'branch') return m.ck_aside_branch({ moment });
  return why === 'unknown' ? m.ck_aside_unknown({ moment }) : m.ck_aside_length({ moment });
}

/** `crashPoints` as `crash points`: the counters have names of their own. */
const spaced = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** The faults that happened at least once, most often first. */
export const faultRows = (reach: ChecksReport['reach']): readonly (readonly [string, number])[] =>
  Object.entries(reach)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0)
    .sort(([a, times], [b, more]) => more - times || (a < b ? -1 : 1))
    .map(([name, times]) => [spaced(name), times] as const);
