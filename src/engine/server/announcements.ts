/** What a member says through the log of itself and of its cluster, as requests to the v2 store. */
import type { NodeId } from '../raft/types.ts';
import { VersionMonitor } from './cluster-version.ts';
import type { VersionMonitorParts } from './cluster-version.ts';
import { encodeV2Put } from './entry-data.ts';
import { attributesPath, attributesToJson, clusterVersionPath } from './membership.ts';
import type { MemberAttributes } from './membership.ts';
import type { PeerRequest } from './peer-request.ts';
import type { Proposal } from './proposals.ts';

export interface AnnouncementsPort {
  nextRequestId(): bigint;
  send(to: NodeId, messageType: string, bytes: Uint8Array): void;
  propose(proposal: Proposal): void;
}

/** @source etcd v3.4.23 etcdserver/server.go publish, updateClusterVersion */
export class Announcements {
  readonly #parts: VersionMonitorParts;
  readonly #port: AnnouncementsPort;
  readonly #attributes: MemberAttributes;
  readonly #versions: VersionMonitor;

  constructor(
    parts: VersionMonitorParts,
    port: AnnouncementsPort,
    attributes: MemberAttributes,
    electionUs: number,
    nowUs: number,
  ) {
    this.#parts = parts;
    this.#port = port;
    this.#attributes = attributes;
    const versionPort = {
      nextRequestId: (): bigint => port.nextRequestId(),
      send: (to: NodeId, messageType: string, bytes: Uint8Array): void => port.send(to, messageType, bytes),
      propose: (version: string, startUs: number): void => this.#tellVersion(version, startUs),
    };
    this.#versions = new VersionMonitor(parts, versionPort, electionUs, nowUs);
  }

  /** Tells the cluster this member's name and client URLs, as a 3.4 server does at each start. */
  publish(nowUs: number): void {
    const path = attributesPath(this.#parts.owner.member);
    this.#propose('publish', path, attributesToJson(this.#attributes), nowUs);
  }

  /** The leader's first entry of its term is applied here. */
  firstCommitInTerm(nowUs: number): void {
    this.#versions.look(nowUs);
  }

  tick(nowUs: number): void {
    this.#versions.tick(nowUs);
  }

  receive(from: NodeId, message: PeerRequest, nowUs: number): void {
    this.#versions.receive(from, message, nowUs);
  }

  #tellVersion(version: string, nowUs: number): void {
    this.#propose('clusterVersion', clusterVersionPath, version, nowUs);
  }

  #propose(proposer: 'publish' | 'clusterVersion', path: string, value: string, startUs: number): void {
    const id = this.#port.nextRequestId();
    this.#port.propose({ id, proposer, data: encodeV2Put(id, path, value), label: '', startUs });
  }
}
