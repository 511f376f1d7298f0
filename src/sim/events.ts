/**
 * What the world around the members did: network, disks, processes, clients. Times are integer microseconds.
 */
import type { LoadKind } from './types.ts';
import type { HostEvent } from './fault-events.ts';
import type { LinkSettings } from './fault-types.ts';

export type SimEvent =
  | HostEvent
  | {
      readonly type: 'sim.send';
      readonly message: number;
      readonly from: number;
      readonly to: number;
      readonly messageType: string;
      readonly sentAt: number;
      readonly deliverAt: number;
      readonly sizeBytes: number;
      readonly term: number;
      readonly index: number;
      readonly entryCount: number;
      readonly reject: boolean;
    }
  | { readonly type: 'sim.deliver'; readonly message: number }
  /** A member's raft clock has ticked. */
  | { readonly type: 'sim.tick' }
  | {
      readonly type: 'sim.drop';
      readonly message: number;
      /** `queue`: no room for it on its way; `filter`: for its type. */
      readonly because: 'cut' | 'down' | 'loss' | 'command' | 'queue' | 'filter' | 'corrupt';
    }
  | {
      readonly type: 'sim.diskWrite';
      readonly file: string;
      readonly offset: number;
      readonly sizeBytes: number;
    }
  | {
      readonly type: 'sim.diskSync';
      readonly file: string;
      readonly request: number;
      readonly doneAt: number;
    }
  | { readonly type: 'sim.diskSynced'; readonly file: string; readonly request: number }
  | { readonly type: 'sim.diskError'; readonly file: string; readonly code: string }
  | { readonly type: 'sim.start'; readonly epoch: number }
  | { readonly type: 'sim.kill' }
  /** The process has ended by itself, as it was told to. */
  | { readonly type: 'sim.stop' }
  /** A host joins the world: a member may be started on it. */
  | {
      readonly type: 'sim.addHost';
      readonly name: string;
      readonly peerUrl: string;
      readonly clientUrl: string;
    }
  /** A member's disk is empty now. */
  | { readonly type: 'sim.wipe'; readonly fileCount: number }
  | {
      readonly type: 'sim.powerCut';
      readonly keptWrites: number;
      readonly lostWrites: number;
      readonly tornWrites: number;
    }
  | { readonly type: 'sim.pause' }
  | { readonly type: 'sim.resume' }
  | { readonly type: 'sim.cut'; readonly from: number; readonly to: number }
  | { readonly type: 'sim.heal'; readonly from: number; readonly to: number }
  /** One direction of a link as it is from now on; zeros, and no types: as usual. */
  | ({ readonly type: 'sim.link'; readonly from: number; readonly to: number } & LinkSettings)
  /** A member's syncs take so many times as long; 1: as they did. */
  | { readonly type: 'sim.slowDisk'; readonly factor: number }
  /** A message stops on its way: by hand, or because one before it on its connection did. */
  | { readonly type: 'sim.hold'; readonly message: number; readonly because: 'command' | 'behind' }
  /**
   * A message goes on, or its arrival moved: by hand, because nothing that is held is before it any more, or
   * because one before it arrives later.
   */
  | {
      readonly type: 'sim.release';
      readonly message: number;
      readonly because: 'command' | 'unblocked' | 'delayed';
      readonly deliverAt: number;
    }
  /**
   * What came of a load's requests in the virtual second that ends now, or since the load began. `dropped`:
   * not sent, for too many were waiting already. Latencies of those that ended well; 0 where none did.
   */
  | {
      readonly type: 'sim.load';
      readonly kind: LoadKind;
      readonly perSecond: number;
      readonly issued: number;
      readonly ok: number;
      readonly failed: number;
      readonly dropped: number;
      readonly waiting: number;
      readonly p50Us: number;
      readonly p99Us: number;
    }
  /** A client's request travels to a member (0: the client could not reach any). */
  | {
      readonly type: 'sim.clientSend';
      readonly request: number;
      readonly to: number;
      readonly method: string;
      readonly label: string;
      readonly sentAt: number;
      readonly deliverAt: number;
    }
  | {
      readonly type: 'sim.clientReply';
      readonly request: number;
      readonly from: number;
      readonly code: number;
      readonly sentAt: number;
      readonly deliverAt: number;
    }
  | {
      readonly type: 'sim.clientDone';
      readonly request: number;
      readonly code: number;
      readonly message: string;
    }
  /**
   * A client's watch hears something; without events and end it is the revision alone. Ids are decimal.
   * `events`: `put` or `delete`, the pair and, where it was asked for and is there, the one before:
   * `key,value,create,mod,version,lease`, with key and value in hex.
   * `ended`: why the server has ended the watch; '' while it goes on.
   */
  | {
      readonly type: 'sim.watch';
      readonly watch: number;
      readonly clusterId: string;
      readonly memberId: string;
      readonly revision: number;
      readonly raftTerm: number;
      readonly compactRevision: number;
      readonly events: readonly string[];
      readonly ended: string;
    }
  /**
   * A standing keep-alive has renewed its lease once more, or ends: then `ended` says why, and the numbers
   * are zeros. Ids are decimal.
   */
  | {
      readonly type: 'sim.keepAlive';
      readonly request: number;
      readonly lease: string;
      readonly ttlSeconds: number;
      readonly clusterId: string;
      readonly memberId: string;
      readonly revision: number;
      readonly raftTerm: number;
      readonly ended: string;
    };
