/** Conf changes as the protobuf bytes that conf change entries carry. */
import { emptyBytes } from '../../base/bytes.ts';
import { RaftError } from './errors.ts';
import type {
  ConfChange,
  ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  ConfChangeV2,
  Entry,
  EntryType,
  NodeId,
} from './types.ts';
import { nodeId } from './types.ts';

const changeTypes: readonly ConfChangeType[] = [
  'ConfChangeAddNode',
  'ConfChangeRemoveNode',
  'ConfChangeUpdateNode',
  'ConfChangeAddLearnerNode',
];
const transitions: readonly ConfChangeTransition[] = [
  'ConfChangeTransitionAuto',
  'ConfChangeTransitionJointImplicit',
  'ConfChangeTransitionJointExplicit',
];

function pushVarint(out: number[], value: bigint): void {
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
}

function pushBytes(out: number[], tag: number, bytes: Uint8Array | readonly number[]): void {
  out.push(tag);
  pushVarint(out, BigInt(bytes.length));
  for (const byte of bytes) out.push(byte);
}

/**
 * Encodes raftpb.ConfChange as etcd 3.4 does, zero fields written:
 * 08 id varint | 10 type varint, 0 add 1 remove 2 update 3 learner | 18 nodeId varint | 22 length
 * context, if any
 */
export function encodeConfChange(change: ConfChange): Uint8Array {
  const out: number[] = [0x08];
  pushVarint(out, BigInt.asUintN(64, change.id));
  out.push(0x10, changeTypes.indexOf(change.type), 0x18);
  pushVarint(out, BigInt(change.nodeId));
  if (change.context.length > 0) pushBytes(out, 0x22, change.context);
  return Uint8Array.from(out);
}

/**
 * Encodes raftpb.ConfChangeV2, zero fields written:
 * 08 transition varint, 0 auto 1 implicit 2 explicit | for each change 12 length (08 type | 10 nodeId
 * varint)
 *   | 1a length context, if any
 */
export function encodeConfChangeV2(change: ConfChangeV2): Uint8Array {
  const out: number[] = [0x08, transitions.indexOf(change.transition)];
  for (const single of change.changes) {
    const inner: number[] = [0x08, changeTypes.indexOf(single.type), 0x10];
    pushVarint(inner, BigInt(single.nodeId));
    pushBytes(out, 0x12, inner);
  }
  if (change.context.length > 0) pushBytes(out, 0x1a, change.context);
  return Uint8Array.from(out);
}

/** One field of a message: its number, and its value as a varint or as bytes. */
interface Field {
  readonly number: number;
  readonly varint: bigint;
  readonly bytes: Uint8Array | null;
}

/**
 * Reads the fields of a message in order; wire types other than varint, bytes and fixed sizes are
 * malformed.
 */
function readFields(data: Uint8Array): Field[] {
  let at = 0;
  const malformed = (): never => {
    throw new RaftError('malformed conf change');
  };
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= data.length) return malformed();
      const byte = data[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value <= 0xffffffffffffffffn ? value : malformed();
    }
    return malformed();
  };
  const readBytes = (length: number): Uint8Array => {
    if (length > data.length - at) return malformed();
    at += length;
    return data.slice(at - length, at);
  };
  const fields: Field[] = [];
  while (at < data.length) {
    const tag = Number(readVarint());
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (number === 0) return malformed();
    if (wireType === 0) fields.push({ number, varint: readVarint(), bytes: null });
    else if (wireType === 2) fields.push({ number, varint: 0n, bytes: readBytes(Number(readVarint())) });
    else if (wireType === 1 || wireType === 5) readBytes(wireType === 1 ? 8 : 4);
    else return malformed();
  }
  return fields;
}

function varintOf(fields: readonly Field[], number: number): bigint {
  return fields.findLast((field) => field.number === number && field.bytes === null)?.varint ?? 0n;
}

function bytesOf(fields: readonly Field[], number: number): Uint8Array {
  return fields.findLast((field) => field.number === number && field.bytes !== null)?.bytes ?? emptyBytes;
}

/** A number of an enum; one that is not known is malformed. */
function nameOf<Name>(names: readonly Name[], value: bigint): Name {
  if (value >= BigInt(names.length)) throw new RaftError('malformed conf change');
  return names[Number(value)];
}

function nodeIdOf(value: bigint): NodeId {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RaftError('malformed conf change');
  return nodeId(Number(value));
}

/** @throws RaftError 'malformed conf change', also for a node id past 2^53 - 1 */
export function decodeConfChange(data: Uint8Array): ConfChange {
  const fields = readFields(data);
  return {
    id: varintOf(fields, 1),
    type: nameOf(changeTypes, varintOf(fields, 2)),
    nodeId: nodeIdOf(varintOf(fields, 3)),
    context: bytesOf(fields, 4),
  };
}

/**
 * No bytes at all are the change that leaves a joint configuration. @throws RaftError 'malformed conf
 * change'
 */
export function decodeConfChangeV2(data: Uint8Array): ConfChangeV2 {
  const fields = readFields(data);
  const changes: ConfChangeSingle[] = [];
  for (const { number, bytes } of fields) {
    if (number !== 2 || bytes === null) continue;
    const inner = readFields(bytes);
    changes.push({ type: nameOf(changeTypes, varintOf(inner, 1)), nodeId: nodeIdOf(varintOf(inner, 2)) });
  }
  return { transition: nameOf(transitions, varintOf(fields, 1)), changes, context: bytesOf(fields, 3) };
}

/**
 * How many operations a conf change entry carries; node ids may have all 64 bits, as etcd's member ids have.
 * @throws RaftError 'malformed conf change'
 */
export function countChanges(entry: Entry): number {
  return readChanges(entry).length;
}

/** The operations of a conf change entry as upstream's tests write them: `v1 l2 r3 u4`. */
export function describeChanges(entry: Entry): string {
  return readChanges(entry)
    .map(({ type, id }) => `${changeLetters[type]}${id}`)
    .join(' ');
}

const changeLetters: Readonly<Record<ConfChangeType, string>> = {
  ConfChangeAddNode: 'v',
  ConfChangeRemoveNode: 'r',
  ConfChangeUpdateNode: 'u',
  ConfChangeAddLearnerNode: 'l',
};

/**
 * The operations of a conf change entry, ids as they are on the wire. @throws RaftError 'malformed conf
 * change'
 */
export function readChanges(entry: Entry): { readonly type: ConfChangeType; readonly id: bigint }[] {
  const fields = readFields(entry.data);
  if (entry.type === 'EntryConfChange') {
    return [{ type: nameOf(changeTypes, varintOf(fields, 2)), id: varintOf(fields, 3) }];
  }
  nameOf(transitions, varintOf(fields, 1));
  return fields
    .filter(({ number, bytes }) => number === 2 && bytes !== null)
    .map(({ bytes }) => {
      const inner = readFields(bytes ?? emptyBytes);
      return { type: nameOf(changeTypes, varintOf(inner, 1)), id: varintOf(inner, 2) };
    });
}

/** The newer form of an older change. */
export function asConfChangeV2(change: ConfChange | ConfChangeV2): ConfChangeV2 {
  if ('changes' in change) return change;
  const { type, nodeId: id, context } = change;
  return { transition: 'ConfChangeTransitionAuto', changes: [{ type, nodeId: id }], context };
}

/**
 * The type and the data of the entry that carries a change; null is the bare way out of a joint
 * configuration.
 */
export function encodeChangeEntry(change: ConfChange | ConfChangeV2 | null): {
  readonly type: EntryType;
  readonly data: Uint8Array;
} {
  if (change === null) return { type: 'EntryConfChangeV2', data: emptyBytes };
  if ('changes' in change) return { type: 'EntryConfChangeV2', data: encodeConfChangeV2(change) };
  return { type: 'EntryConfChange', data: encodeConfChange(change) };
}

/** The change that an entry carries, null for a normal entry. @throws RaftError 'malformed conf change' */
export function decodeChangeEntry(entry: Entry): ConfChangeV2 | null {
  switch (entry.type) {
    case 'EntryNormal':
      return null;
    case 'EntryConfChange':
      return asConfChangeV2(decodeConfChange(entry.data));
    case 'EntryConfChangeV2':
      return decodeConfChangeV2(entry.data);
  }
}
