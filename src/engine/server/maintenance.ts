/** What operators ask of one member: its state, its hashes, its file, and to make that smaller. */
import { create, toBinary } from '@bufbuild/protobuf';
import { kept } from '../../base/fork.ts';
import type { AuthStore } from '../auth/store.ts';
import { nobody } from '../auth/types.ts';
import type { Backend } from '../backend/backend.ts';
import type { KvStore } from '../mvcc/kvstore.ts';
import { DefragmentResponseSchema } from '../pb/gen/rpc_pb.ts';
import { unmappedRefusal } from './apply-auth.ts';
import { toNumber } from './apply-kv.ts';
import type { ResponseHead } from './apply-kv.ts';
import type { Call } from './calls.ts';
import { backendFile } from './disk.ts';
import type { Defragmenter } from './defragment.ts';
import { hashKv, hashStore } from './hashes.ts';
import type { Outbox } from './outbox.ts';
import type { RpcRequest } from './rpc.ts';
import { snapshotPieces } from './snapshot-stream.ts';

export type MaintenanceRequest = Extract<RpcRequest, { kind: 'hash' | 'hashKv' | 'snapshot' | 'defragment' }>;

export interface MaintenanceParts {
  readonly kv: KvStore;
  readonly backend: Backend;
  readonly auth: AuthStore;
  readonly owner: ResponseHead;
  readonly applier: { readonly term: number };
  readonly defragmenter: Defragmenter;
  readonly outbox: Outbox;
}

/** @source etcd v3.4.23 etcdserver/api/v3rpc/maintenance.go */
export class Maintenance {
  private readonly parts: MaintenanceParts;
  /** What waits until the store's file holds all that was written. */
  private waiting: { readonly request: number; readonly kind: 'snapshot' | 'defragment' }[] = [];

  constructor(parts: MaintenanceParts) {
    this.parts = parts;
  }

  /**
   * Only those who administer may ask; etcd does not translate what it says to others.
   * @throws RpcError
   */
  handle({ request, token, nowUs }: Call, asked: MaintenanceRequest): void {
    const { auth, kv, backend, owner, applier } = this.parts;
    try {
      auth.checkAdmin(auth.authInfo(token, nowUs) ?? nobody);
    } catch (error) {
      throw unmappedRefusal(error);
    }
    const context = { kv, backend, head: owner, term: applier.term };
    const { meter } = this.parts.outbox;
    switch (asked.kind) {
      case 'hashKv':
        meter.hashByRevision.observe(0);
        return this.answer(request, hashKv(context, toNumber(asked.body.revision)));
      case 'hash':
        meter.hash.observe(0);
        return this.answer(request, hashStore(context));
      case 'snapshot':
      case 'defragment':
        this.waiting.push({ request, kind: asked.kind });
        return;
    }
  }

  cancel(request: number): void {
    this.waiting = this.waiting.filter((waiting) => waiting.request !== request);
  }

  /** Serves who waits, once everything is committed and no commit is on its way. */
  settle(): void {
    const { backend } = this.parts;
    if (this.waiting.length === 0) return;
    backend.commit('force');
    while (!backend.committing && backend.pendingCount === 0) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      if (next.kind === 'snapshot') this.sendSnapshot(next.request);
      else this.defragment(next.request);
    }
  }

  private sendSnapshot(request: number): void {
    const { outbox, backend } = this.parts;
    const image = backend.image();
    outbox.disk({ kind: 'read', file: backendFile, sizeBytes: image.length, request });
    for (const bytes of snapshotPieces(image))
      outbox.reply({ request, code: 0, message: '', bytes, more: true });
    outbox.reply({ request, code: 0, message: '', bytes: new Uint8Array(0) });
    outbox.meter.backendSnapshot.observe(0);
  }

  private defragment(request: number): void {
    const response = toBinary(DefragmentResponseSchema, create(DefragmentResponseSchema));
    const done = (self: Maintenance) => () => self.answer(request, response);
    this.parts.defragmenter.run(kept(done, this));
  }

  private answer(request: number, bytes: Uint8Array): void {
    this.parts.outbox.reply({ request, code: 0, message: '', bytes });
  }
}
