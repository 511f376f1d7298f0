/** What a member says through the log of itself and of its cluster, as requests to the v2 store. */
import { kept } from '../../base/fork.ts';
import type { NodeId } from '../raft/types.ts';
import { VersionMonitor } from './cluster-version.ts';
import type { VersionMonitorParts } from './cluster-version.ts';
import type { Door } from './door.ts';
import { encodeV2Put } from './entry-data.ts';
import { attributesPath, attributesToJson, clusterVersionPath } from './membership.ts';
import type { MemberAttributes } from './membership.ts';
import type { PeerRequest } from './peer-request.ts';
import type { Proposal } from './proposals.ts';

export interface AnnouncementsPort {
  readonly door: Door;
  readonly proposals: { add(proposal: Proposal): void };
}

/** @source etcd v3.4.23 etcdserver/server.go publish, updateClusterVersion */
export class Announcements {
  private readonly parts: VersionMonitorParts;
  private readonly port: AnnouncementsPort;
  private readonly attributes: MemberAttributes;
  private readonly versions: VersionMonitor;

  constructor(
    parts: VersionMonitorParts,
    port: AnnouncementsPort,
    attributes: MemberAttributes,
    electionUs: number,
    nowUs: number,
  ) {
    this.parts = parts;
    this.port = port;
    this.attributes = attributes;
    const propose = kept(
      (self: Announcements) => (version: string, startUs: number) => self.tellVersion(version, startUs),
      this,
    );
    this.versions = new VersionMonitor(parts, { door: port.door, propose }, electionUs, nowUs);
  }

  /** Tells the cluster this member's name and client URLs, as a 3.4 server does at each start. */
  publish(nowUs: number): void {
    const path = attributesPath(this.parts.owner.member);
    this.propose('publish', path, attributesToJson(this.attributes), nowUs);
  }

  /** The leader's first entry of its term is applied here. */
  firstCommitInTerm(nowUs: number): void {
    this.versions.look(nowUs);
  }

  tick(nowUs: number): void {
    this.versions.tick(nowUs);
  }

  receive(from: NodeId, message: PeerRequest, nowUs: number): void {
    this.versions.receive(from, message, nowUs);
  }

  private tellVersion(version: string, nowUs: number): void {
    this.propose('clusterVersion', clusterVersionPath, version, nowUs);
  }

  private propose(
    proposer: 'publish' | 'clusterVersion',
    path: string,
    value: string,
    startUs: number,
  ): void {
    const id = this.port.door.nextRequestId();
    this.port.proposals.add({ id, proposer, data: encodeV2Put(id, path, value), label: '', startUs });
  }
}
