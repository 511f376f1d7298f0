/** What clients ask of the store and what they hear, in the plain form in which checkers compare it. */
import { encodeUtf8, keyText } from '../../base/utf8.ts';
import { encodeAction } from '../client-rpc.ts';
import { decodeRequest } from '../../engine/server/rpc.ts';
import {
  Compare_CompareResult as Result,
  Compare_CompareTarget as Target,
} from '../../engine/pb/gen/rpc_pb.ts';
import type { Accused } from './checker.ts';
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
} from '../../engine/pb/gen/rpc_pb.ts';
import type { WriteRequest } from '../../engine/server/entry-data.ts';
import type { RpcRequest } from '../../engine/server/rpc.ts';
import type { KeyAnswer, KeyValueView } from '../etcd-actions.ts';
import type { ClientAction, ClientOutcome } from '../types.ts';

/** Bytes as text, one character each, so that texts compare as their bytes do. */
export type ByteText = string;

/** One key where `end` is null; no end where it is empty. */
export interface Keys {
  readonly key: ByteText;
  readonly end: ByteText | null;
}

export type Step =
  | {
      readonly kind: 'put';
      readonly key: ByteText;
      readonly value: ByteText;
      readonly lease: bigint;
      readonly prevKv: boolean;
      readonly keepsValue: boolean;
      readonly keepsLease: boolean;
    }
  | ({ readonly kind: 'delete'; readonly prevKv: boolean } & Keys)
  | ({
      readonly kind: 'range';
      readonly revision: number;
      readonly limit: number;
      readonly countOnly: boolean;
      readonly keysOnly: boolean;
      readonly serializable: boolean;
    } & Keys);

export interface Comparison extends Keys {
  readonly target: 'version' | 'create' | 'mod' | 'value' | 'lease';
  readonly result: '=' | '!=' | '>' | '<';
  /** A number, or the text of a value. */
  readonly operand: number | bigint | ByteText;
}

export type KvRequest =
  | Step
  | {
      readonly kind: 'txn';
      readonly compares: readonly Comparison[];
      readonly success: readonly Step[];
      readonly failure: readonly Step[];
    }
  | { readonly kind: 'compact'; readonly revision: number }
  | { readonly kind: 'grant'; readonly id: bigint; readonly ttlSeconds: number }
  | { readonly kind: 'revoke'; readonly id: bigint };

/** So many at once: a call has only so much room for its arguments. */
const bytesACall = 8192;

export function byteText(bytes: Uint8Array): ByteText {
  if (bytes.length <= bytesACall) return textOfFew(bytes);
  let text = '';
  for (let i = 0; i < bytes.length; i += bytesACall) text += textOfFew(bytes.subarray(i, i + bytesACall));
  return text;
}

const textOfFew = (bytes: Uint8Array): ByteText =>
  String.fromCharCode.apply(null, bytes as unknown as number[]);

/** The bytes of such a text. */
export const bytesOf = (text: ByteText): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** A key as pictures know it. */
export const accusedKey = (key: ByteText): Accused => ({ kind: 'key', key: keyText(bytesOf(key)) });

export function keysOf({ key, rangeEnd }: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array }): Keys {
  if (rangeEnd.length === 0) return { key: byteText(key), end: null };
  const hasNoEnd = rangeEnd.length === 1 && rangeEnd[0] === 0;
  const from = key.length === 1 && key[0] === 0 ? '' : byteText(key);
  return { key: from, end: hasNoEnd ? '' : byteText(rangeEnd) };
}

export function covers({ key, end }: Keys, candidate: ByteText): boolean {
  if (end === null) return candidate === key;
  return candidate >= key && (end === '' || candidate < end);
}

function putStep(body: PutRequest): Step {
  const { lease, prevKv, ignoreValue: keepsValue, ignoreLease: keepsLease } = body;
  const [key, value] = [byteText(body.key), byteText(body.value)];
  return { kind: 'put', key, value, lease, prevKv, keepsValue, keepsLease };
}

const deleteStep = (body: DeleteRangeRequest): Step => ({
  kind: 'delete',
  prevKv: body.prevKv,
  ...keysOf(body),
});

function rangeStep(body: RangeRequest): Step {
  const { countOnly, keysOnly, serializable } = body;
  const [revision, limit] = [Number(body.revision), Number(body.limit)];
  return { kind: 'range', ...keysOf(body), revision, limit, countOnly, keysOnly, serializable };
}

/** Null for what the checkers' model has no rule for: a txn within a txn, sorted ranges. */
function stepOf({ request }: RequestOp): Step | null {
  switch (request.case) {
    case 'requestPut':
      return putStep(request.value);
    case 'requestDeleteRange':
      return deleteStep(request.value);
    case 'requestRange':
      return rangeStep(request.value);
    default:
      return null;
  }
}

const results = {
  [Result.EQUAL]: '=',
  [Result.NOT_EQUAL]: '!=',
  [Result.GREATER]: '>',
  [Result.LESS]: '<',
} as const;
const targets = {
  [Target.VERSION]: 'version',
  [Target.CREATE]: 'create',
  [Target.MOD]: 'mod',
  [Target.VALUE]: 'value',
  [Target.LEASE]: 'lease',
} as const;

function comparisonOf(compare: Compare): Comparison {
  const { value } = compare.targetUnion;
  const operand = value instanceof Uint8Array ? byteText(value) : (value ?? 0n);
  return { ...keysOf(compare), target: targets[compare.target], result: results[compare.result], operand };
}

/** Null for what is no matter of keys, or has no rule in the model. */
export function kvRequest(request: RpcRequest | WriteRequest): KvRequest | null {
  switch (request.kind) {
    case 'put':
      return putStep(request.body);
    case 'deleteRange':
      return deleteStep(request.body);
    case 'range':
      return request.body.sortOrder === 0 ? rangeStep(request.body) : null;
    case 'txn': {
      const compares = request.body.compare.map(comparisonOf);
      const [success, failure] = [request.body.success.map(stepOf), request.body.failure.map(stepOf)];
      if (!isWhole(success) || !isWhole(failure)) return null;
      return { kind: 'txn', compares, success, failure };
    }
    case 'compaction':
      return { kind: 'compact', revision: Number(request.body.revision) };
    case 'leaseGrant':
      return { kind: 'grant', id: request.body.ID, ttlSeconds: Number(request.body.TTL) };
    case 'leaseRevoke':
      return { kind: 'revoke', id: request.body.ID };
    default:
      return null;
  }
}

const isWhole = (steps: readonly (Step | null)[]): steps is readonly Step[] => !steps.includes(null);

type PutAction = Extract<ClientAction, { readonly type: 'put' }>;

/** No client refuses it: it has no lease whose id may be none, and is far from too large. */
const isPlain = ({ key, value, lease }: PutAction): boolean =>
  lease === undefined && key.length + value.length < 100_000;

/** As `kvRequest` reads it from the wire, where most of a run's requests would go for nothing. */
function plainPut(action: PutAction): Step {
  const [key, value] = [byteText(encodeUtf8(action.key)), byteText(encodeUtf8(action.value))];
  const { prevKv = false, ignoreValue: keepsValue = false, ignoreLease: keepsLease = false } = action;
  return { kind: 'put', key, value, lease: 0n, prevKv, keepsValue, keepsLease };
}

/** What a client's command asks of the store; null for all else. */
export function requestOfAction(action: ClientAction): KvRequest | null {
  if (action.type === 'put' && isPlain(action)) return plainPut(action);
  switch (action.type) {
    case 'put':
    case 'get':
    case 'del':
    case 'txn':
    case 'compaction':
    case 'leaseGrant':
    case 'leaseRevoke': {
      const encoded = encodeAction(action);
      if (!encoded.ok) return null;
      const { method, bytes } = encoded.rpc;
      return kvRequest(decodeRequest(method as Parameters<typeof decodeRequest>[0], bytes, Infinity));
    }
    default:
      return null;
  }
}

export interface Pair {
  readonly key: ByteText;
  readonly value: ByteText;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly lease: bigint;
}

export const pairOf = (view: KeyValueView): Pair => ({
  key: byteText(view.key),
  value: byteText(view.value),
  create: view.createRevision,
  mod: view.modRevision,
  version: view.version,
  lease: view.lease,
});

export const pairText = ({ key, value, create, mod, version, lease }: Pair): string =>
  `${key}=${value} ${create}/${mod}/${version}/${lease}`;

/** What a client heard, as the model's `answer` words it; null where the answer tells nothing. */
export function answerText(outcome: Extract<ClientOutcome, { ok: true }>): string | null {
  switch (outcome.type) {
    case 'put':
    case 'get':
    case 'del':
      return stepAnswerText(outcome);
    case 'txn':
      return `${outcome.succeeded} [${outcome.responses.map(stepAnswerText).join('; ')}]`;
    case 'compaction':
    case 'leaseGrant':
    case 'leaseRevoke':
      return 'done';
    default:
      return null;
  }
}

function stepAnswerText(answer: KeyAnswer): string {
  switch (answer.type) {
    case 'put':
      return `put ${answer.prevKv === undefined ? '' : pairText(pairOf(answer.prevKv))}`;
    case 'del':
      return `del ${answer.deleted} ${answer.prevKvs.map((kv) => pairText(pairOf(kv))).join(', ')}`;
    case 'get':
      return `get ${answer.count} ${answer.kvs.map((kv) => pairText(pairOf(kv))).join(', ')}`;
    default:
      return answer satisfies never;
  }
}

/** The revision in an answer's header; null where it has none. */
export function revisionOf(outcome: Extract<ClientOutcome, { ok: true }>): number | null {
  if (outcome.header?.revision !== undefined) return outcome.header.revision;
  return 'revision' in outcome ? outcome.revision : null;
}
