/** How long peers take to answer: each is asked now and then. */
import { emptyBytes } from '../../base/bytes.ts';
import type { NodeId } from '../raft/types.ts';
import type { MemberTable } from './member-id.ts';
import type { Membership } from './membership.ts';
import type { PeerLinks } from './peer-links.ts';
import type { PeerMeter } from './peer-meter.ts';
import type { PeerRequest } from './peer-request.ts';

/** @source etcd v3.4.23 rafthttp/probing_status.go statusMonitoringInterval */
const intervalUs = 30_000_000;

/**
 * etcd asks every 4 s and looks at the last answer every 30 s; here a peer is asked as often as somebody
 * looks.
 * @source etcd v3.4.23 rafthttp/probing_status.go monitorProbingStatus
 */
export class Probes {
  private readonly links: PeerLinks;
  private readonly peers: PeerMeter;
  private readonly send: (to: NodeId, question: PeerRequest) => void;
  private lastId = 0n;
  /** By their ids. */
  private readonly sent = new Map<bigint, { readonly to: NodeId; readonly sinceUs: number }>();
  private nextUs: number;

  constructor(
    links: PeerLinks,
    peers: PeerMeter,
    send: (to: NodeId, question: PeerRequest) => void,
    nowUs: number,
  ) {
    this.links = links;
    this.peers = peers;
    this.send = send;
    this.nextUs = nowUs + intervalUs;
  }

  /** Asks the members that this one is connected to: it is not connected to itself. */
  tick(membership: Membership, table: MemberTable, nowUs: number): void {
    if (nowUs < this.nextUs) return;
    this.nextUs = nowUs + intervalUs;
    this.sent.clear();
    for (const { peerUrls } of membership.members()) {
      const to = table.nodeAt(peerUrls);
      if (to === null || !this.links.isUp(to)) continue;
      const id = ++this.lastId;
      this.sent.set(id, { to, sinceUs: nowUs });
      this.send(to, { kind: 'probe', id, body: emptyBytes });
    }
  }

  receive(from: NodeId, { id }: PeerRequest, nowUs: number): void {
    const sent = this.sent.get(id);
    if (sent === undefined || sent.to !== from) return;
    this.sent.delete(id);
    this.peers.of(from).roundTrips.observe(nowUs - sent.sinceUs);
  }
}
