/** Which other hosts this member is connected to, and since when: what the guards of a change look at. */
import type { NodeId } from '../raft/types.ts';

/** @source etcd v3.4.23 etcdserver/server.go HealthInterval */
const healthIntervalUs = 5_000_000;

/** @source etcd v3.4.23 etcdserver/util.go; rafthttp/peer_status.go */
export class PeerLinks {
  readonly #upSinceUs = new Map<NodeId, number>();

  set(node: NodeId, isUp: boolean, nowUs: number): void {
    if (!isUp) this.#upSinceUs.delete(node);
    else if (!this.#upSinceUs.has(node)) this.#upSinceUs.set(node, nowUs);
  }

  isUp(node: NodeId): boolean {
    return this.#upSinceUs.has(node);
  }

  /** How many of the nodes have been connected for 5 s; this member itself is one of them. */
  steadyCount(nodes: readonly (NodeId | null)[], self: NodeId, nowUs: number): number {
    return nodes.filter((node) => {
      if (node === self) return true;
      const sinceUs = node === null ? undefined : this.#upSinceUs.get(node);
      return sinceUs !== undefined && sinceUs < nowUs - healthIntervalUs;
    }).length;
  }
}
