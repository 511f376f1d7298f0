/** The way out of a member for what it was asked: answers to clients, messages to peers, ids of requests. */
import { emptyBytes } from '../../base/bytes.ts';
import type { NodeId } from '../raft/types.ts';
import { headerOf } from './apply-kv.ts';
import type { RpcError } from './errors.ts';
import type { RequestIdGenerator } from './member-id.ts';
import type { Outbox } from './outbox.ts';
import type { LogOwner } from './wal-storage.ts';

export interface DoorParts {
  readonly owner: LogOwner;
  readonly applier: { readonly term: number };
  readonly kv: { readonly revision: number };
  readonly raft: { status(): { readonly term: number } };
  readonly outbox: Outbox;
}

export class Door {
  private readonly parts: DoorParts;
  private readonly ids: RequestIdGenerator;

  constructor(parts: DoorParts, ids: RequestIdGenerator) {
    this.parts = parts;
    this.ids = ids;
  }

  nextRequestId(): bigint {
    return this.ids.next();
  }

  /** Of an answer that tells of now. */
  header(): ReturnType<typeof headerOf> {
    const { owner, applier, kv } = this.parts;
    return headerOf(owner, applier.term, kv.revision);
  }

  /** Of an answer about the members, which has no revision. */
  memberHeader(): ReturnType<typeof headerOf> {
    return headerOf(this.parts.owner, this.parts.applier.term, 0);
  }

  answer(request: number, bytes: Uint8Array): void {
    this.parts.outbox.reply({ request, code: 0, message: '', bytes });
  }

  /** An answer after which more may come. */
  stream(request: number, bytes: Uint8Array): void {
    this.parts.outbox.reply({ request, code: 0, message: '', bytes, more: true });
  }

  refuse(request: number, { code, message }: RpcError): void {
    this.parts.outbox.reply({ request, code, message, bytes: emptyBytes });
  }

  tell(request: number, outcome: Uint8Array | RpcError): void {
    if (outcome instanceof Uint8Array) this.answer(request, outcome);
    else this.refuse(request, outcome);
  }

  /** A request to a peer, or the answer to one of its own. */
  send(to: NodeId, messageType: string, bytes: Uint8Array, reject: boolean): void {
    const { raft, outbox } = this.parts;
    outbox.send({ to, bytes, messageType, term: raft.status().term, index: 0, entryCount: 0, reject });
  }
}
