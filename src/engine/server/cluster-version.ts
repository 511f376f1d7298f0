/** The version that all members speak: the leader asks the others, and puts the lowest into the log. */
import { emptyBytes } from '../../base/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import type { Door } from './door.ts';
import type { NodeId } from '../raft/types.ts';
import { minClusterVersion, serverVersion } from './answers.ts';
import { StopError } from './errors.ts';
import { jsonObject } from './membership.ts';
import type { Membership } from './membership.ts';
import { encodePeerRequest, peerRequestNames } from './peer-request.ts';
import type { PeerRequest } from './peer-request.ts';
import type { PeerLinks } from './peer-links.ts';
import type { LogOwner } from './wal-storage.ts';

/** @source etcd v3.4.23 etcdserver/server.go monitorVersionInterval */
const intervalUs = 4_000_000;

const versionForm = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/;

/** Major, minor and patch; null for text of another form. */
function numbersOf(version: string): number[] | null {
  const match = versionForm.exec(version);
  return match === null ? null : match.slice(1).map(Number);
}

function isLower(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((number, i) => number !== b[i]);
  return at >= 0 && a[at] < b[at];
}

/** The version without its last number, as a cluster has it. */
const clusterForm = ([major, minor]: readonly number[]): number[] => [major, minor, 0];

const ownNumbers = numbersOf(serverVersion) ?? [];
/** What a cluster can have at most where this member is in it. */
const ownClusterVersion = clusterForm(ownNumbers).join('.');

/** `3.4` for `3.4.0`. @source etcd v3.4.23 version/version.go Cluster */
const shortVersion = (version: string): string => version.split('.').slice(0, 2).join('.');

/**
 * What a log or a snapshot says the cluster's version is. A process older than that ends.
 * @throws StopError for what is no version, and for one above this member's own
 * @source etcd v3.4.23 etcdserver/api/membership/cluster.go SetVersion, mustDetectDowngrade
 */
export function checkClusterVersion(version: string): void {
  const numbers = numbersOf(version);
  if (numbers === null) throw new StopError(`the log holds a cluster version that is none: ${version}`);
  if (!isLower(clusterForm(ownNumbers), numbers)) return;
  throw new StopError(
    `cluster cannot be downgraded (current version: ${serverVersion} ` +
      `is lower than determined cluster version: ${shortVersion(version)})`,
  );
}

/** What a member answers to plain HTTP and to its peers. @source etcd v3.4.23 version/version.go Versions */
export function versionsJson(membership: Membership): string {
  return `{"etcdserver":"${serverVersion}","etcdcluster":"${membership.version ?? 'not_decided'}"}`;
}

export function versionAnswer(membership: Membership, { id }: PeerRequest): PeerRequest {
  return { kind: 'versionIs', id, body: encodeUtf8(versionsJson(membership)) };
}

/** Null for an answer that cannot be read. */
function serverVersionIn(body: Uint8Array): number[] | null {
  const version = jsonObject(decodeUtf8(body))?.['etcdserver'];
  return typeof version === 'string' ? numbersOf(version) : null;
}

/** A question to all others on its way; null for who has not answered yet. */
interface Inquiry {
  readonly id: bigint;
  readonly answers: Map<NodeId, number[] | null>;
  readonly endUs: number;
}

export interface VersionMonitorParts {
  readonly raft: { readonly isLeader: boolean };
  readonly membership: Membership;
  readonly links: PeerLinks;
  readonly owner: LogOwner;
}

export interface VersionMonitorPort {
  readonly door: Door;
  /** Puts the cluster's version into the log. */
  propose(version: string, nowUs: number): void;
}

/**
 * The leader looks when it has committed something in its term, and 4 s after each look. While somebody
 * cannot be asked, a cluster without a version gets the lowest there is, and one with a version keeps it.
 * Once the cluster speaks this member's version nobody is asked any more: an answer could change nothing.
 * @source etcd v3.4.23 etcdserver/server.go monitorVersions; cluster_util.go getVersions,
 * decideClusterVersion
 */
export class VersionMonitor {
  private readonly parts: VersionMonitorParts;
  private readonly port: VersionMonitorPort;
  /** How long who is connected may take. @source etcd v3.4.23 etcdserver/config.go peerDialTimeout */
  private readonly patienceUs: number;
  private inquiry: Inquiry | null = null;
  private nextUs: number;

  constructor(parts: VersionMonitorParts, port: VersionMonitorPort, electionUs: number, nowUs: number) {
    this.parts = parts;
    this.port = port;
    this.patienceUs = 1_000_000 + electionUs;
    this.nextUs = nowUs + intervalUs;
  }

  /** It is time to look. */
  look(nowUs: number): void {
    this.nextUs = nowUs + intervalUs;
    const { raft, membership } = this.parts;
    if (!raft.isLeader || membership.version === ownClusterVersion || this.inquiry !== null) return;
    this.ask(nowUs);
  }

  tick(nowUs: number): void {
    if (this.inquiry !== null && nowUs >= this.inquiry.endUs) this.decide(null, nowUs);
    else if (nowUs >= this.nextUs) this.look(nowUs);
  }

  receive(from: NodeId, { kind, id, body }: PeerRequest, nowUs: number): void {
    const inquiry = this.inquiry;
    if (kind !== 'versionIs' || inquiry?.id !== id || !inquiry.answers.has(from)) return;
    const version = serverVersionIn(body);
    if (version === null) return this.decide(null, nowUs);
    inquiry.answers.set(from, version);
    this.decideWhenAllSaid(inquiry, nowUs);
  }

  private ask(nowUs: number): void {
    const { membership, owner, links } = this.parts;
    const others = membership.members().filter(({ id }) => id !== owner.member);
    const nodes = others.map(({ peerUrls }) => owner.table.nodeAt(peerUrls));
    const reached = nodes.filter((node) => node !== null).filter((node) => links.isUp(node));
    if (reached.length < others.length) return this.decide(null, nowUs);
    const id = this.port.door.nextRequestId();
    const bytes = encodePeerRequest({ kind: 'version', id, body: emptyBytes });
    this.inquiry = {
      id,
      answers: new Map(reached.map((node) => [node, null])),
      endUs: nowUs + this.patienceUs,
    };
    for (const node of reached) this.port.door.send(node, peerRequestNames.version, bytes, false);
    this.decideWhenAllSaid(this.inquiry, nowUs);
  }

  private decideWhenAllSaid({ answers }: Inquiry, nowUs: number): void {
    let lowest = ownNumbers;
    for (const version of answers.values()) {
      if (version === null) return;
      if (isLower(version, lowest)) lowest = version;
    }
    this.decide(clusterForm(lowest), nowUs);
  }

  /** @param decided null where not all versions are known */
  private decide(decided: readonly number[] | null, nowUs: number): void {
    this.inquiry = null;
    const { version } = this.parts.membership;
    if (version === null) return this.port.propose(decided?.join('.') ?? minClusterVersion, nowUs);
    if (decided !== null && isLower(numbersOf(version) ?? [], decided))
      this.port.propose(decided.join('.'), nowUs);
  }
}
