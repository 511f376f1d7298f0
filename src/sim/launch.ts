/** How a member's process is started: its flags, from the lab's and from what was said of its host. */
import { noDefects } from '../engine/defects.ts';
import { configOf } from './member-settings.ts';
import { labSnapshots } from './world-config.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';
import type { NodeId } from '../engine/raft/types.ts';
import type { MemberConfig } from '../engine/server/types.ts';

/** What all members' clusters are told apart by, beside their members. */
export const clusterToken = 'etcd-cluster-1';

/** A start on an empty disk is by the last `member add`; other starts have the flags that they had before. */
export function takeFlags(process: Process, isDiskEmpty: boolean): void {
  if (process.announced !== null && isDiskEmpty) {
    process.launch = process.announced;
    process.announced = null;
  }
  if (process.state !== null) process.launch = { ...process.launch, state: process.state };
  process.state = null;
}

/** etcd's defaults, but for what the lab sets. */
export function memberConfig(
  world: World,
  { member, epoch, launch, forcesNewCluster }: Process,
): MemberConfig {
  const { config, hosts, reporter } = world;
  const { preVote, seed, snapshots = labSnapshots, settings = {}, defects } = config;
  return {
    nodeId: member as NodeId,
    peers: launch.peers,
    hosts,
    initialClusterState: launch.state,
    ...(forcesNewCluster && { forceNewCluster: true }),
    ...snapshots,
    clusterToken,
    heartbeatTicks: 1,
    preVote,
    batchIntervalUs: 100_000,
    batchLimit: 10_000,
    pageSize: 4096,
    ...configOf(settings),
    seed,
    epoch,
    trace: reporter.on,
    ...(reporter.trace.brief === true && { brief: true }),
    ...(defects !== undefined && { defects: { ...noDefects, ...defects } }),
  };
}
