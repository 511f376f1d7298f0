/** Snapshots between members: what is sent is made here, what is received becomes the state. */
import { emptyBytes } from '../../base/bytes.ts';
import { fail } from '../../base/assert.ts';
import { WireError } from '../../base/wire.ts';
import { kept } from '../../base/fork.ts';
import type { Message, NodeId, Snapshot } from '../raft/types.ts';
import { logIndex, term } from '../raft/types.ts';
import type { Applier } from './apply.ts';
import type { Disk } from './disk.ts';
import type { Membership } from './membership.ts';
import type { MemberTable } from './member-id.ts';
import type { Outbox } from './outbox.ts';
import { encodePeerRequest, peerRequestNames } from './peer-request.ts';
import type { PeerRequest } from './peer-request.ts';
import { decodeMessage, encodeMessage, RaftWireError } from './raft-codec.ts';
import type { RaftNode } from './raft.ts';
import { receivingFile, snapDbFile } from './snapshot-codec.ts';
import { SnapshotReceiver } from './snapshot-receive.ts';
import { SnapshotSender } from './snapshot-send.ts';
import type { SnapshotSendPort } from './snapshot-send.ts';
import type { SnapshotReceivePort } from './snapshot-receive.ts';
import type { Store } from './store.ts';
import { encodeV2Store } from './v2-store.ts';

export interface SnapshotTrafficParts {
  /** See `Defects.snapshotAheadOfData`. */
  readonly sendsOldData?: boolean;
  readonly raft: RaftNode;
  readonly applier: Applier;
  readonly store: Store;
  readonly membership: Membership;
  readonly table: MemberTable;
  readonly disk: Disk;
  readonly outbox: Outbox;
  readonly ids: { nextRequestId(): bigint };
  /** Hears the name under which a database that came lies. */
  readonly files: { noteFile(file: string): void };
}

/**
 * Both ends of a transfer.
 * @source etcd v3.4.23 etcdserver/snapshot_merge.go; rafthttp/http.go snapshotHandler
 */
export class SnapshotTraffic {
  private readonly parts: SnapshotTrafficParts;
  private readonly sender: SnapshotSender;
  private readonly receiver: SnapshotReceiver;
  /** Databases that are saved and whose snapshot is not applied, by its index. */
  private readonly databases = new Map<number, Uint8Array>();

  constructor(parts: SnapshotTrafficParts) {
    this.parts = parts;
    this.sender = new SnapshotSender(this.sendPort());
    this.receiver = new SnapshotReceiver(this.receivePort());
  }

  private sendPort(): SnapshotSendPort {
    const make = (self: SnapshotTraffic): SnapshotSendPort => ({
      nextRequestId: () => self.parts.ids.nextRequestId(),
      merge: (m) => self.merge(m),
      send: (to, index, bytes) => self.sendBytes(to, 'MsgSnap', bytes, index),
      report: (to, ok) => self.parts.raft.reportSnapshot(to, ok),
      tell: (state, to, index, sizeBytes) => {
        self.count(to, state);
        const { trace } = self.parts.outbox;
        if (trace.on) trace.emit({ type: 'snapshot.send', to, index, sizeBytes, state });
      },
    });
    return kept(make, this);
  }

  private receivePort(): SnapshotReceivePort {
    const make = (self: SnapshotTraffic): SnapshotReceivePort => ({
      acknowledge: (from, id, received, total) => self.acknowledge(from, id, received, total),
      save: (from, id, message, database) => self.save(from, id, message, database),
      refuse: (from, id) => self.refuse(from, id),
      begin: (from) => {
        const { meter } = self.parts.outbox;
        meter.peers.of(from).snapshotsReceived.begin(meter.nowUs);
      },
    });
    return kept(make, this);
  }

  holdsLog(nowUs: number): boolean {
    return this.sender.holdsLog(nowUs);
  }

  /** Raft wants a follower to have the newest snapshot. */
  send(m: Message): void {
    this.sender.add(m);
  }

  /** @returns whether the message is of a transfer */
  receive(from: NodeId, message: PeerRequest, nowUs: number): boolean {
    const { kind, id, body } = message;
    if (kind === 'snapshot') this.receiver.receive(from, id, body);
    else if (kind === 'snapshotPart') this.sender.acknowledged(from, id, readCount(body), nowUs);
    else if (kind === 'snapshotSaved') this.sender.done(from, id, true, nowUs);
    else if (kind === 'snapshotRefused') this.sender.done(from, id, false, nowUs);
    else return false;
    return true;
  }

  settle(nowUs: number): void {
    this.sender.settle(nowUs);
  }

  tick(nowUs: number): void {
    this.sender.tick(nowUs);
  }

  peerDown(node: NodeId, nowUs: number): void {
    this.sender.peerDown(node, nowUs);
  }

  /** The database that came with a snapshot; it is not kept any longer, nor are those of older ones. */
  takeDatabase({ index }: Snapshot): Uint8Array {
    const database = this.databases.get(index);
    for (const older of [...this.databases.keys()]) if (older <= index) this.databases.delete(older);
    return database ?? fail(`snapshot: ${index} is to be applied, and its database never came`);
  }

  /**
   * The snapshot in the message becomes that of now: raft's own may be long ago, and the database is of now.
   * After a start the database may be ahead of what was applied again: then it waits for that.
   */
  private merge(m: Message): ReturnType<SnapshotSendPort['merge']> {
    const { applier, raft, membership, store, table } = this.parts;
    const isWhole = this.parts.sendsOldData === true || applier.commit();
    if (!applier.isCurrent || !isWhole) return null;
    const snapshot: Snapshot = {
      data: encodeV2Store(membership),
      index: logIndex(applier.index),
      term: term(applier.term),
      confState: raft.fullStatus().config,
    };
    const message = encodeMessage({ ...m, snapshot }, table);
    const database = store.backend.image();
    this.parts.disk.readBackend(database.length);
    return { index: snapshot.index, message, database };
  }

  private count(to: NodeId, state: 'begin' | 'sent' | 'failed'): void {
    const { meter } = this.parts.outbox;
    const counts = meter.peers.of(to).snapshotsSent;
    if (state === 'begin') return counts.begin(meter.nowUs);
    meter.backendSnapshot.observe(counts.end(state === 'sent', meter.nowUs));
  }

  private acknowledge(from: NodeId, id: bigint, received: number, total: number): void {
    this.tell(from, received, total, false);
    const body = new Uint8Array(8);
    new DataView(body.buffer).setBigUint64(0, BigInt(received), false);
    this.sendRequest(from, { kind: 'snapshotPart', id, body });
  }

  /** The database is saved under a name of its own; when it is durable, raft gets the message. */
  private save(from: NodeId, id: bigint, bytes: Uint8Array, database: Uint8Array): boolean {
    const m = this.readMessage(from, bytes);
    if (m === null || m.snapshot === null) return false;
    const { index } = m.snapshot;
    const saved = (self: SnapshotTraffic) => () => self.saved(from, id, m, index, database);
    this.parts.disk.writeFile(receivingFile(index), database, kept(saved, this));
    return true;
  }

  private saved(from: NodeId, id: bigint, m: Message, index: number, database: Uint8Array): void {
    const { disk, raft, files } = this.parts;
    disk.rename(receivingFile(index), snapDbFile(index));
    files.noteFile(snapDbFile(index));
    this.databases.set(index, database);
    const { meter } = this.parts.outbox;
    meter.snapDbSave.observe(meter.peers.of(from).snapshotsReceived.end(true, meter.nowUs));
    this.tell(from, database.length, database.length, true);
    raft.receive(m);
    this.sendRequest(from, { kind: 'snapshotSaved', id, body: emptyBytes });
  }

  private refuse(from: NodeId, id: bigint): void {
    const { meter } = this.parts.outbox;
    meter.peers.of(from).snapshotsReceived.end(false, meter.nowUs);
    this.sendRequest(from, { kind: 'snapshotRefused', id, body: emptyBytes });
  }

  private readMessage(from: NodeId, bytes: Uint8Array): Message | null {
    try {
      const m = decodeMessage(bytes, this.parts.table, from);
      return m.type === 'MsgSnap' ? m : null;
    } catch (error) {
      if (error instanceof WireError || error instanceof RaftWireError) return null;
      throw error;
    }
  }

  private tell(from: NodeId, receivedBytes: number, totalBytes: number, saved: boolean): void {
    const { trace } = this.parts.outbox;
    if (trace.on) trace.emit({ type: 'snapshot.receive', from, receivedBytes, totalBytes, saved });
  }

  private sendRequest(to: NodeId, message: PeerRequest): void {
    this.sendBytes(to, peerRequestNames[message.kind], encodePeerRequest(message), 0);
  }

  private sendBytes(to: NodeId, messageType: string, bytes: Uint8Array, index: number): void {
    const { raft, outbox } = this.parts;
    const isSnapshot = messageType === 'MsgSnap';
    outbox.send({
      to,
      bytes,
      messageType,
      term: raft.status().term,
      index,
      entryCount: 0,
      reject: false,
      ...(isSnapshot && { stream: 'snapshot' as const }),
    });
  }
}

function readCount(body: Uint8Array): number {
  if (body.length !== 8) return 0;
  return Number(new DataView(body.buffer, body.byteOffset, 8).getBigUint64(0, false));
}
