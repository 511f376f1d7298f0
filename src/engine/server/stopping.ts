/** A member's way out when it is asked to stop: it hands its leadership over, then closes its files. */
import type { NodeId } from '../raft/types.ts';
import type { Backend } from '../backend/backend.ts';
import type { Disk } from './disk.ts';
import type { MemberTable } from './member-id.ts';
import type { Membership } from './membership.ts';
import type { Outbox } from './outbox.ts';
import type { PeerLinks } from './peer-links.ts';
import { requestTimeoutUs } from './proposals.ts';
import type { RaftNode } from './raft.ts';
import type { V3Server } from './v3-server.ts';

export interface StoppingParts {
  readonly raft: RaftNode;
  readonly v3: V3Server;
  readonly membership: Membership;
  readonly table: MemberTable;
  readonly links: PeerLinks;
  readonly backend: Backend;
  readonly disk: Disk;
  readonly outbox: Outbox;
}

/**
 * First the server goes on, without new requests, until the others' leader is the one that this member has
 * chosen, or a request's patience is over. Then raft stands still, and the last batch goes to the disk.
 * @source etcd v3.4.23 etcdserver/server.go Stop, TransferLeadership, MoveLeader, HardStop
 */
export class Stopping {
  private readonly parts: StoppingParts;
  /** Who is to lead; null where nothing is handed over. */
  private readonly heir: NodeId | null;
  private readonly untilUs: number;
  private closing = false;

  /** @param electionUs the election timeout: a request's patience is 5 s and two of them */
  constructor(parts: StoppingParts, electionUs: number, nowUs: number) {
    this.parts = parts;
    this.untilUs = nowUs + requestTimeoutUs(electionUs);
    this.heir = this.chooseHeir();
    const { raft, outbox } = parts;
    if (outbox.trace.on) outbox.trace.emit({ type: 'server.stopping', to: this.heir ?? 0 });
    if (this.heir === null) this.close();
    else raft.transferLeader(this.heir);
  }

  /** Raft stands still, and nothing but the disk is waited for. */
  get isClosing(): boolean {
    return this.closing;
  }

  /** All files are closed: the process may end. */
  get isDone(): boolean {
    const { backend, disk } = this.parts;
    return this.closing && backend.pendingCount === 0 && !backend.committing && disk.isIdle;
  }

  /** Each tick it is asked whether the heir leads; where it never does, the member ends all the same. */
  tick(nowUs: number): void {
    if (this.closing || (this.parts.raft.lead !== this.heir && nowUs < this.untilUs)) return;
    this.close();
  }

  /** The voter that has been connected the longest. A voter that is alone, or does not lead, has no heir. */
  private chooseHeir(): NodeId | null {
    const { raft, membership, table, links } = this.parts;
    const voters = membership.votingMembers();
    if (!raft.isLeader || voters.length < 2) return null;
    const nodes = voters.map(({ id }) => table.numberOf(id));
    return links.longestConnected(nodes, (node) => raft.hostOf(node));
  }

  private close(): void {
    this.closing = true;
    this.parts.v3.stop();
    this.parts.backend.commit('force');
  }
}
