/**
 * Committed entries take effect: once each, in the order of the log, whatever happened between two starts.
 */
import { emptyBytes } from '../../base/bytes.ts';
import { assert, fail } from '../../base/assert.ts';
import { idToHex } from '../../base/u64.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { kept } from '../../base/fork.ts';
import type { Backend } from '../backend/backend.ts';
import type { BatchTx } from '../backend/batch-tx.ts';
import type { BucketName } from '../backend/schema.ts';
import { encodeConsistentIndex, metaKeys } from '../backend/schema.ts';
import { keyOfLease } from '../lease/lease-store.ts';
import { leaseId } from '../lease/types.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import { encodeRevision } from '../mvcc/revision.ts';
import type { Request } from '../pb/gen/etcdserver_pb.ts';
import { asConfChangeV2 } from '../raft/confchange-codec.ts';
import type { ConfChangeV2, Entry, LogIndex } from '../raft/types.ts';
import type { ApplierV3, LoggedWrite } from './apply-v3.ts';
import { checkClusterVersion } from './cluster-version.ts';
import { readChange } from './conf-change-data.ts';
import type { MemberChange } from './conf-change-data.ts';
import { RecordHash } from './digest.ts';
import { decodeLogged, entryLabel, loggedLabel } from './entry-data.ts';
import type { LoggedRequest } from './entry-data.ts';
import { rpcErrors } from './errors.ts';
import type { RpcError } from './errors.ts';
import type { MemberTable } from './member-id.ts';
import {
  attributesFromJson,
  clusterVersionPath,
  contextFromJson,
  memberOfAttributesPath,
  memberToJson,
} from './membership.ts';
import type { ChangeContext, ClusterMember, Membership, RefusedChange } from './membership.ts';
import type { Outbox } from './outbox.ts';

/** What came of an entry, for whoever waits for it. */
export interface Applied {
  readonly id: bigint;
  readonly outcome: Uint8Array | RpcError;
}

export interface ApplierParts {
  readonly backend: Backend;
  readonly kv: KvStore;
  readonly membership: Membership;
  readonly table: MemberTable;
  readonly outbox: Outbox;
  /** What writes do. */
  readonly v3: ApplierV3;
  /** Puts a configuration in force in raft. */
  readonly raft: { applyConfChange(change: ConfChangeV2, index: LogIndex): void };
  /** Who is in the cluster has changed. */
  readonly membersChanged: () => void;
  /** See `Defects.indexBeforeEffect`. */
  readonly indexFirst?: boolean;
  /** Where the state stands at the start: at a snapshot, or before the first entry. */
  readonly start: { readonly index: number; readonly term: number };
}

const noResponse = emptyBytes;

/**
 * The consistent index is the last entry whose effect is in the store; each commit stores it with the
 * effects. At a
 * start the log is applied from its first entry on: what concerns the members is done again, for their list
 * lives in
 * memory; a write up to the stored consistent index is skipped.
 * @source etcd v3.4.23 etcdserver/server.go apply, applyEntryNormal, applyConfChange
 */
export class Applier {
  private readonly parts: ApplierParts;
  private readonly recordHash = new RecordHash();
  private readonly leaseHash = new RecordHash();
  private consistentIndex: number;
  private appliedIndex = 0;
  private appliedTerm = 0;

  constructor(parts: ApplierParts) {
    this.parts = parts;
    const { backend } = parts;
    this.consistentIndex = backend.consistentIndex;
    const beforeCommit = (self: Applier) => (tx: BatchTx) => {
      tx.put('meta', metaKeys.consistentIndex, encodeConsistentIndex(self.consistentIndex));
    };
    backend.setBeforeCommit(kept(beforeCommit, this));
    const forget = (records: RecordHash) => (key: Uint8Array, value: Uint8Array) =>
      records.remove(key, value);
    parts.kv.setOnDelete(kept(forget, this.recordHash));
    this.begin(parts.start);
  }

  /** The backend has gone over to the database of a snapshot: the state is what it was there. */
  restore(start: { readonly index: number; readonly term: number }): void {
    this.consistentIndex = this.parts.backend.consistentIndex;
    this.parts.v3.restored();
    this.begin(start);
  }

  /**
   * Makes what is applied a commit of the backend, with its index, even where nothing else was written.
   * @returns whether all of it is in the pages now
   */
  commit(): boolean {
    const { backend } = this.parts;
    // a commit that begins as soon as another ends has it all: one more for each asking would never end
    if (backend.pendingCount === 0 && backend.consistentIndex === this.consistentIndex) return true;
    backend.batchTx.put('meta', metaKeys.consistentIndex, encodeConsistentIndex(this.consistentIndex));
    backend.unlock();
    return backend.commit('force');
  }

  private begin({ index, term }: { readonly index: number; readonly term: number }): void {
    const { backend } = this.parts;
    this.appliedIndex = index;
    this.appliedTerm = term;
    this.recordHash.clear();
    this.leaseHash.clear();
    backend.readTx.forEach('key', (key, value) => this.recordHash.add(key, value));
    backend.readTx.forEach('lease', (key, value) => this.leaseHash.add(key, value));
  }

  /** The last applied entry's place; 0 before the first. */
  get index(): number {
    return this.appliedIndex;
  }

  get term(): number {
    return this.appliedTerm;
  }

  /** False at a start, while the log that the store has already is gone through. */
  get isCurrent(): boolean {
    return this.appliedIndex >= this.consistentIndex;
  }

  /** See `DigestFields.records`. */
  get records(): readonly [number, number] {
    return this.recordHash.value;
  }

  /** See `DigestFields.leases`. */
  get leases(): readonly [number, number] {
    return this.leaseHash.value;
  }

  /**
   * Applies an entry. Returns what is to be told to whoever proposed it; null when there is nothing to tell.
   */
  apply(entry: Entry, nowUs: number): Applied | null {
    assert(entry.index === this.appliedIndex + 1, 'apply: entries come in the order of the log');
    const skipped = entry.index <= this.consistentIndex;
    if (!skipped) this.consistentIndex = entry.index;
    if (this.parts.indexFirst === true && entry.index % 8 === 0) this.commit();
    const request = entry.type === 'EntryNormal' ? decodeLogged(entry.data) : null;
    const applied =
      request === null ? this.applyChange(entry) : this.applyNormal(entry, request, skipped, nowUs);
    this.appliedIndex = entry.index;
    this.appliedTerm = entry.term;
    this.tell(entry, request, skipped);
    return applied;
  }

  private tell(entry: Entry, request: LoggedRequest | null, skipped: boolean): void {
    const { outbox, table, kv } = this.parts;
    if (!outbox.trace.on) return;
    const label = request === null ? entryLabel(entry, table) : loggedLabel(request, table);
    const { index, term } = entry;
    outbox.trace.emit({ type: 'server.apply', index, term, label, revision: kv.revision, skipped });
  }

  private applyNormal(entry: Entry, request: LoggedRequest, skipped: boolean, nowUs: number): Applied | null {
    if (request.kind === 'noOp') return null;
    if (request.kind === 'v2') return { id: request.id, outcome: this.applyV2(request.body) };
    if (skipped) return null;
    if (request.kind === 'unknown')
      return fail(`apply: entry ${entry.index} holds no request of this version`);
    const { index, term } = entry;
    const { write, asker } = request;
    return { id: request.id, outcome: this.applyWrite({ write, asker, index, term, nowUs }) };
  }

  /** A write is one store transaction: it ends the group of backend operations that belong to the entry. */
  private applyWrite(logged: LoggedWrite): Uint8Array | RpcError {
    const { kv, backend } = this.parts;
    const before = kv.revision;
    const outcome = this.write(logged);
    if (kv.revision > before) {
      const from = encodeRevision({ main: kv.revision, sub: 0 });
      for (const { key, value } of backend.readTx.range('key', from, null)) this.recordHash.add(key, value);
    }
    return outcome;
  }

  private write(logged: LoggedWrite): Uint8Array | RpcError {
    const { write } = logged;
    const apply = (): Uint8Array | RpcError => this.parts.v3.apply(logged);
    switch (write.kind) {
      case 'leaseGrant':
      case 'leaseRevoke':
        return this.changeLeases([write.body.ID], apply);
      case 'leaseCheckpoint':
        return this.changeLeases([...new Set(write.body.checkpoints.map(({ ID }) => ID))], apply);
      default:
        return apply();
    }
  }

  /** Keeps the hash over the leases up with what a request does to some of them. */
  private changeLeases(ids: readonly bigint[], change: () => Uint8Array | RpcError): Uint8Array | RpcError {
    const { batchTx } = this.parts.backend;
    const keys = ids.map((id) => keyOfLease(leaseId(id)));
    for (const key of keys) {
      const before = batchTx.get('lease', key);
      if (before !== null) this.leaseHash.remove(key, before);
    }
    const outcome = change();
    for (const key of keys) {
      const after = batchTx.get('lease', key);
      if (after !== null) this.leaseHash.add(key, after);
    }
    return outcome;
  }

  /** @source etcd v3.4.23 etcdserver/apply_v2.go Put */
  private applyV2(request: Request): Uint8Array {
    const { membership } = this.parts;
    const member = memberOfAttributesPath(request.Path);
    if (request.Method === 'PUT' && request.Path === clusterVersionPath) {
      checkClusterVersion(request.Val);
      membership.version = request.Val;
      this.store('cluster', 'clusterVersion', request.Val);
    } else if (request.Method === 'PUT' && member !== null) {
      const attributes = attributesFromJson(request.Val);
      if (attributes === null) return fail('apply: a member published attributes that are no JSON');
      const updated = membership.update(member, attributes);
      if (updated !== null) this.storeMember(updated);
    }
    return noResponse;
  }

  /** A change that is no longer valid takes no effect, on any member; whoever asked for it hears why. */
  private applyChange(entry: Entry): Applied {
    assert(entry.type === 'EntryConfChange', 'apply: conf changes of version 2 are not proposed');
    const { membership, raft } = this.parts;
    const change = readChange(entry);
    const context = contextFromJson(decodeUtf8(change.context));
    const refusal = membership.refusal(change.type, change.member, context);
    if (refusal !== null) return { id: change.id, outcome: refusalErrors[refusal] };
    raft.applyConfChange(asConfChangeV2(change), entry.index);
    this.recordChange(change, context);
    this.parts.membersChanged();
    return { id: change.id, outcome: noResponse };
  }

  /** @source etcd v3.4.23 etcdserver/server.go applyConfChange */
  private recordChange({ type, member: id, nodeId }: MemberChange, context: ChangeContext | null): void {
    const { membership, table } = this.parts;
    if (type === 'ConfChangeRemoveNode') {
      membership.remove(id);
      table.retire(id);
      this.parts.backend.batchTx.delete('members', encodeUtf8(idToHex(id)));
      return this.store('members_removed', idToHex(id), 'removed');
    }
    if (context === null || context.member.id !== id)
      return fail('apply: a conf change says nothing of its member');
    if (context.isPromote || type === 'ConfChangeUpdateNode') {
      const { peerUrls } = context.member;
      const updated = membership.update(id, context.isPromote ? { isLearner: false } : { peerUrls });
      if (updated !== null) this.storeMember(updated);
      return;
    }
    table.seat(id, nodeId);
    membership.put(context.member);
    this.storeMember(context.member);
  }

  private storeMember(member: ClusterMember): void {
    this.store('members', idToHex(member.id), memberToJson(member));
  }

  /** Writes text into a bucket and ends the entry's group of backend operations. */
  private store(bucket: BucketName, key: string, value: string): void {
    const { backend } = this.parts;
    backend.batchTx.put(bucket, encodeUtf8(key), encodeUtf8(value));
    backend.unlock();
  }
}

/** @source etcd v3.4.23 etcdserver/api/v3rpc/util.go toGRPCErrorMap */
const refusalErrors: Readonly<Record<RefusedChange, RpcError>> = {
  'ID removed': rpcErrors.memberNotFound,
  'ID exists': rpcErrors.memberExists,
  'ID not found': rpcErrors.memberNotFound,
  'Peer URL already exists': rpcErrors.peerUrlExists,
  'member not learner': rpcErrors.memberNotLearner,
  'too many learners': rpcErrors.tooManyLearners,
};
