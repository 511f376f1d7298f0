/** The members' addresses, and what a client may write for them. */
import { clientUrlOf, hostName, peerUrlOf } from '../base/hosts.ts';
import type { NodeId } from '../engine/raft/types.ts';
import type { PeerConfig } from '../engine/server/types.ts';

/** The members of a cluster, `m1` and so on, ascending. */
export function peersOf(memberCount: number): PeerConfig[] {
  const peers: PeerConfig[] = [];
  for (let member = 1; member <= memberCount; member++) {
    peers.push({
      nodeId: member as NodeId,
      name: hostName(member),
      peerUrl: peerUrlOf(member),
      clientUrl: clientUrlOf(member),
    });
  }
  return peers;
}

export interface Endpoint {
  readonly member: number;
  /** As the client wrote it. */
  readonly text: string;
}

export type ParsedEndpoints =
  | { readonly ok: true; readonly endpoints: readonly Endpoint[] }
  | { readonly ok: false; readonly message: string };

/**
 * Reads a client's endpoints: a member's name, or its client address with or without `http://` (127.0.0.1 or
 * localhost). Absent: all members' client URLs. Any other text is an error that says what is accepted.
 */
export function parseEndpoints(
  texts: readonly string[] | undefined,
  peers: readonly PeerConfig[],
): ParsedEndpoints {
  if (texts === undefined || texts.length === 0) {
    return {
      ok: true,
      endpoints: peers.map(({ nodeId, clientUrl }) => ({ member: nodeId, text: clientUrl })),
    };
  }
  const endpoints: Endpoint[] = [];
  for (const text of texts) {
    const plain = text
      .trim()
      .toLowerCase()
      .replace(/^http:\/\//, '')
      .replace(/\/$/, '')
      .replace(/^localhost:/, '127.0.0.1:');
    const peer = peers.find(({ name, clientUrl }) => plain === name || `http://${plain}` === clientUrl);
    if (peer === undefined) return { ok: false, message: refusal(text, peers) };
    endpoints.push({ member: peer.nodeId, text });
  }
  return { ok: true, endpoints };
}

function refusal(text: string, peers: readonly PeerConfig[]): string {
  const names = peers.map(({ name }) => name).join(', ');
  const urls = peers.map(({ clientUrl }) => clientUrl).join(', ');
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return `endpoint ${JSON.stringify(shown)} is no member of this cluster: use ${names}, or ${urls}`;
}
