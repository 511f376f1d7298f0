/** What clients did and heard, and when: the history that a checker judges. */
import { grpcCode } from '../../engine/server/types.ts';
import { answerText, requestOfAction, revisionOf } from './kv-request.ts';
import type { KvRequest } from './kv-request.ts';
import type { ClientAction, ClientOutcome } from '../types.ts';

/** One client's request. Times are of the one virtual clock. */
export interface Operation {
  readonly id: number;
  readonly request: KvRequest;
  readonly callUs: number;
  /** Infinity: nobody knows whether it happened, or when. */
  readonly returnUs: number;
  /** As `answerText` words it; null where it is not known. */
  readonly answer: string | null;
  /** The revision in the answer; null where it is not known. */
  readonly revision: number | null;
}

/** After these nobody knows whether a write happened. */
const unknownCodes: readonly number[] = [
  grpcCode.canceled,
  grpcCode.unknown,
  grpcCode.deadlineExceeded,
  // the store takes a write that goes over the quota, and says that there is no space
  grpcCode.resourceExhausted,
  grpcCode.unavailable,
  grpcCode.internal,
];

export class History {
  readonly operations: Operation[] = [];
  private readonly open = new Map<number, { readonly request: KvRequest; readonly callUs: number }>();

  /** A client sends a request; what is no matter of keys is passed over. */
  begin(id: number, action: ClientAction, timeUs: number): void {
    const request = requestOfAction(action);
    if (request !== null) this.open.set(id, { request, callUs: timeUs });
  }

  /** It has its answer. What was refused for sure did nothing, and leaves no trace. */
  end(id: number, outcome: ClientOutcome | null, timeUs: number): void {
    const begun = this.open.get(id);
    if (begun === undefined || outcome === null) return;
    this.open.delete(id);
    if (outcome.ok) {
      const answer = answerText(outcome);
      this.operations.push({ id, ...begun, returnUs: timeUs, answer, revision: revisionOf(outcome) });
    } else if (unknownCodes.includes(outcome.code) || isRepeated(begun.request)) {
      this.operations.push(unknown(id, begun));
    }
  }

  /** Lets go of all that there is, for good or for a new start. */
  forget(): void {
    this.operations.length = 0;
    this.open.clear();
  }

  /** All that was begun; what has no answer yet may have happened. */
  whole(): Operation[] {
    return [...this.operations, ...[...this.open].map(([id, begun]) => unknown(id, begun))];
  }
}

const unknown = (id: number, begun: { readonly request: KvRequest; readonly callUs: number }): Operation => ({
  id,
  ...begun,
  returnUs: Infinity,
  answer: null,
  revision: null,
});

/** Clients try these again by themselves: the answer may be to the second time. */
const isRepeated = ({ kind }: KvRequest): boolean => kind === 'grant' || kind === 'revoke';

/** Whether a request changes nothing in whatever state it comes. */
export function isRead(request: KvRequest): boolean {
  if (request.kind === 'txn')
    return [...request.success, ...request.failure].every(({ kind }) => kind === 'range');
  return request.kind === 'range';
}

/** A read that any member answers from what it has: its answer is old, not wrong. */
export function isSerializable(request: KvRequest): boolean {
  return request.kind === 'range' && request.serializable;
}
