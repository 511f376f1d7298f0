/** A member that starts waits no whole election timeout: most of it is over once its peers are there. */
import { otherHosts } from './members-told.ts';
import type { Membership } from './membership.ts';
import type { PeerLinks } from './peer-links.ts';
import type { RaftNode } from './raft.ts';
import type { MemberConfig } from './types.ts';
import type { LogOwner } from './wal-storage.ts';

/** How long peers may take to come. @source etcd v3.4.23 rafthttp/peer.go ConnReadTimeout */
const patienceUs = 5_000_000;

export interface TickAdvanceParts {
  readonly raft: RaftNode;
  readonly membership: Membership;
  readonly links: PeerLinks;
  readonly owner: LogOwner;
}

/**
 * A member alone goes all but one tick forward; one of several all but two, as soon as it is connected to two
 * others, so that a leader that is there may still be heard. One that was alone, and whose log has no
 * snapshot, does not know yet that it is, and waits.
 * @source etcd v3.4.23 etcdserver/server.go adjustTicks
 */
export class TickAdvance {
  private readonly config: MemberConfig;
  private readonly parts: TickAdvanceParts;
  private readonly isAlone: boolean;
  private readonly untilUs: number;
  private isDone = false;

  constructor(config: MemberConfig, parts: TickAdvanceParts, nowUs: number) {
    this.config = config;
    this.parts = parts;
    const isFresh = parts.raft.status().lastIndex === 0;
    const known = parts.membership.members().length;
    this.isAlone = (known === 0 && isFresh ? config.peers.length : known) === 1;
    this.untilUs = nowUs + patienceUs;
  }

  tick(nowUs: number): void {
    if (this.isDone) return;
    const { electionTicks } = this.config;
    if (this.isAlone) return this.advance(electionTicks - 1);
    const { membership, owner, links } = this.parts;
    const others = otherHosts(membership, owner.member, owner.table, this.config);
    if (others.filter((node) => links.isUp(node)).length > 1) return this.advance(electionTicks - 2);
    this.isDone = nowUs >= this.untilUs;
  }

  private advance(ticks: number): void {
    this.isDone = true;
    for (let i = 0; i < ticks; i++) this.parts.raft.tick();
  }
}
