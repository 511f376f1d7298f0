/** All that the pictures show, as one value: the fold of every event told so far. */
import { emptyCluster, foldCluster, type ClusterView } from './cluster-view.ts';
import { emptyFiles, foldFiles, type Files } from './file-view.ts';
import { foldPast, noPast, type Past } from './guide.ts';
import { emptyJourney, foldJourney, type Journey } from './journey.ts';
import { emptyKeys, foldKeys } from './keys-fold.ts';
import type { KeysView } from './keys-view.ts';
import { emptyLeases, foldLeases } from './lease-fold.ts';
import type { LeasesView } from './lease-view.ts';
import { emptyLanes, foldLanes, type Lanes } from './lanes.ts';
import { emptyLogs, foldLogs, type LogView } from './log-view.ts';
import { emptyPageMaps, foldPageMaps, type PageMaps } from './page-map.ts';
import { emptyRaft, foldRaft, type RaftView } from './raft-view.ts';
import type { Told } from './told.ts';

/** Never changed in place: a later state shares with it what has not changed. */
export interface ViewState {
  readonly cluster: ClusterView;
  readonly logs: LogView;
  readonly raft: RaftView;
  readonly pages: PageMaps;
  readonly files: Files;
  readonly journey: Journey;
  readonly leases: LeasesView;
  readonly keys: KeysView;
  readonly lanes: Lanes;
  readonly past: Past;
}

export function emptyView(memberCount: number): ViewState {
  return {
    cluster: emptyCluster(memberCount),
    logs: emptyLogs(memberCount),
    raft: emptyRaft(memberCount),
    pages: emptyPageMaps(memberCount),
    files: emptyFiles(memberCount),
    journey: emptyJourney(memberCount),
    leases: emptyLeases(memberCount),
    keys: emptyKeys(memberCount),
    lanes: emptyLanes(memberCount),
    past: noPast,
  };
}

/** The state after these events, told in order. How they are cut into lists makes no difference. */
export function foldView(before: ViewState, events: readonly Told[]): ViewState {
  if (events.length === 0) return before;
  return {
    cluster: foldCluster(before.cluster, events),
    logs: foldLogs(before.logs, events),
    raft: foldRaft(before.raft, events),
    pages: foldPageMaps(before.pages, events),
    files: foldFiles(before.files, events),
    journey: foldJourney(before.journey, events),
    leases: foldLeases(before.leases, events),
    keys: foldKeys(before.keys, events),
    lanes: foldLanes(before.lanes, events),
    past: foldPast(before.past, events),
  };
}
