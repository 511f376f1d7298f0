/** Copies of a member's data directory that run on other hosts: two processes under one member ID. */
import { memberIdOf } from '../engine/server/member-id.ts';
import { isPeerRequest } from '../engine/server/peer-request.ts';
import { ownerInLog } from '../engine/server/wal-storage.ts';
import { WalError } from '../engine/wal/errors.ts';
import { ChunkedFile } from './chunked-file.ts';
import { clusterToken } from './launch.ts';
import { hasFiles } from './lost-files.ts';
import type { DiskImage, PeerConfig, Send } from '../engine/server/types.ts';
import type { World } from './world.ts';

/** Whose stream is lost dials again so soon. @source etcd v3.4.23 rafthttp/transport.go Transport */
const redialUs = 100_000;

/** Which host runs a copy of which member. */
export class Twins {
  private readonly originals = new Map<number, number>();

  add(host: number, member: number): void {
    this.originals.set(host, member);
  }

  /** The host's disk is another one now: nothing of the member is left there. */
  remove(host: number): void {
    this.originals.delete(host);
  }

  /**
   * Finds the copies among disks that were stored: a log that names a member of another host. An added
   * member's ID does not tell its host: where two logs name it, the lower host is taken for its own.
   */
  find(disks: ReadonlyMap<number, DiskImage>, hosts: readonly PeerConfig[]): void {
    const homes = new Map<bigint, number>();
    for (const { peerUrl, nodeId } of hosts) homes.set(memberIdOf([peerUrl], clusterToken), nodeId);
    for (const [host, files] of [...disks].sort(([a], [b]) => a - b)) {
      const owner = ownerOf(files);
      if (owner === null) continue;
      const home = homes.get(owner);
      if (home === undefined) homes.set(owner, host);
      else if (home !== host) this.add(host, home);
    }
  }

  get size(): number {
    return this.originals.size;
  }

  get isEmpty(): boolean {
    return this.originals.size === 0;
  }

  /** The member itself, then the hosts of its copies, ascending. */
  all(member: number): number[] {
    const hosts = [...this.originals].filter(([, original]) => original === member).map(([host]) => host);
    return [member, ...hosts.sort((a, b) => a - b)];
  }
}

/** Of a log that cannot be read nobody knows: no process starts from it either. */
function ownerOf(files: DiskImage): bigint | null {
  try {
    return ownerInLog(files)?.member ?? null;
  } catch (error) {
    if (error instanceof WalError) return null;
    throw error;
  }
}

/**
 * The host that a message arrives at. What is asked by a request of its own, and snapshots, go to the
 * member's address. Raft's messages go over the stream that the member has dialed: each process of the same
 * ID takes it from the one before, which notices and dials again.
 * @source etcd v3.4.23 rafthttp/peer.go attachOutgoingConn; stream.go streamWriter.run, streamReader.run
 */
export function hostOf(world: World, from: number, { to, bytes, stream }: Send): number {
  const member = to as number;
  if (world.twins.isEmpty || stream !== undefined || isPeerRequest(bytes)) return member;
  const dialing = world.twins
    .all(member)
    .filter((host) => host !== from && world.epochOf(host) !== 0 && world.network.isWhole(from, host));
  if (dialing.length === 0) return member;
  const host = dialing[Math.floor(world.nowUs / redialUs) % dialing.length];
  if (host !== member) world.reach.sentToCopies++;
  return host;
}

/**
 * The data directory as its readers see it now is copied to a host that has none, and a member started there.
 * @returns null when it took effect, else why not
 */
export function copyMember(world: World, member: number, host: number): string | null {
  if (!hasFiles(world.disk(member), 'wal')) return `m${member} has no data directory to copy`;
  if (world.has(host)) return `m${host} has a data directory of its own`;
  const image = [...world.disk(member).files()];
  const files = new Map(image.map(([name, bytes]) => [name, ChunkedFile.from(bytes.slice())]));
  world.addHost(host);
  world.disk(host).restoreImage(world.nowUs, files);
  world.twins.add(host, member);
  world.reach.membersCopied++;
  world.reporter.tell(host, { type: 'sim.copyMember', from: member, fileCount: files.size });
  world.schedule(world.nowUs, { kind: 'start', member: host });
  return null;
}
