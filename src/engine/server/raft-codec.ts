/**
 * Raft's messages and entries as raftpb bytes: node numbers inside, 64-bit member ids on the wire and in the
 * log.
 */
import { emptyBytes, fromHex } from '../../base/bytes.ts';
import { assert, fail } from '../../base/assert.ts';
import {
  bytesFieldSize,
  int64FieldSize,
  uintFieldSize,
  varintSize,
  WireError,
  WireReader,
  WireWriter,
  varintTag,
  bytesTag,
} from '../../base/wire.ts';
import { entrySize, readEntry, writeEntry } from '../pb/hot.ts';
import type { EntryRecord } from '../pb/hot.ts';
import { decodeUtf8 } from '../../base/utf8.ts';
import { decodeConfChange, encodeConfChange } from '../raft/confchange-codec.ts';
import type { DraftMessage } from '../raft/message.ts';
import { newMessage } from '../raft/message.ts';
import type {
  ConfChangeType,
  Entry,
  EntryType,
  HardState,
  Message,
  MessageType,
  NodeId,
} from '../raft/types.ts';
import { logIndex, none, term } from '../raft/types.ts';
import type { WalEntry, WalHardState } from '../wal/record.ts';
import { tagContext, untagContext } from './conf-change-data.ts';
import type { MemberTable } from './member-id.ts';
import { memberFromJson } from './membership.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot-codec.ts';

/** Bytes that are well-formed protobuf and yet nothing this member can take. */
export class RaftWireError extends Error {
  override readonly name = 'RaftWireError';
}

/** By their numbers in raftpb.MessageType; the storage messages of later versions never travel. */
const messageTypes: readonly MessageType[] = [
  'MsgHup',
  'MsgBeat',
  'MsgProp',
  'MsgApp',
  'MsgAppResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgSnap',
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgUnreachable',
  'MsgSnapStatus',
  'MsgCheckQuorum',
  'MsgTransferLeader',
  'MsgTimeoutNow',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgPreVote',
  'MsgPreVoteResp',
];
const messageTypeCodes = new Map<MessageType, number>(messageTypes.map((type, code) => [type, code]));
const entryTypeCodes: Readonly<Record<EntryType, number>> = {
  EntryNormal: 0,
  EntryConfChange: 1,
  EntryConfChangeV2: 2,
};

/**
 * Snapshot{metadata{conf_state{auto_leave: false}, index: 0, term: 0}}: etcd 3.4 writes it into every
 * message,
 * for its generated code knows no absent snapshot.
 */
const noSnapshot: Uint8Array = fromHex('12080a02280010001800');

const changeTypes: readonly ConfChangeType[] = [
  'ConfChangeAddNode',
  'ConfChangeRemoveNode',
  'ConfChangeUpdateNode',
  'ConfChangeAddLearnerNode',
];

/** The node that a message is for, or is from. `host`: where the message came from. */
function nodeFrom(id: bigint, table: MemberTable, host: NodeId | null): NodeId {
  const member = BigInt.asUintN(64, id);
  const node = host === null ? table.nodeOf(member) : table.accept(member, host);
  if (node === null) throw new RaftWireError('a member that is not of this cluster');
  return node;
}

/** A configuration change of raft's as raftpb.ConfChange, with the member's id. */
function changeToWire(data: Uint8Array): Uint8Array {
  const { id, type, context: tagged } = decodeConfChange(data);
  const { member, context } = untagContext(tagged);
  const size = int64FieldSize(id) + 2 + int64FieldSize(member);
  const writer = new WireWriter(size + (context.length === 0 ? 0 : bytesFieldSize(context)));
  writer.int64(1, id);
  writer.uint(2, changeTypes.indexOf(type));
  writer.int64(3, member);
  if (context.length > 0) writer.bytes(4, context);
  return writer.finish();
}

/** @throws RaftWireError for an unknown kind of change */
function changeFromWire(data: Uint8Array, table: MemberTable): Uint8Array {
  const change = { id: 0n, type: changeTypes[0], context: emptyBytes };
  let member = 0n;
  const reader = new WireReader(data);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === varintTag(1)) change.id = BigInt.asUintN(64, reader.int64());
    else if (tag === varintTag(2)) change.type = changeTypes[reader.uint()];
    else if (tag === varintTag(3)) member = BigInt.asUintN(64, reader.int64());
    else if (tag === bytesTag(4)) change.context = reader.bytes();
    else reader.skip(tag);
  }
  if (change.type === undefined) throw new RaftWireError('a configuration change of an unknown kind');
  const nodeId = table.numberOf(member, memberFromJson(decodeUtf8(change.context))?.peerUrls);
  return encodeConfChange({ ...change, nodeId, context: tagContext(member, change.context) });
}

/** An entry as the log and the wire hold it; a conf change names its member by id. */
export function entryToWire(entry: Entry): WalEntry {
  assert(entry.type !== 'EntryConfChangeV2', 'codec: conf changes of version 2 are not proposed');
  const data = entry.type === 'EntryNormal' ? entry.data : changeToWire(entry.data);
  return { type: entryTypeCodes[entry.type], term: entry.term, index: entry.index, data };
}

/** @throws RaftWireError for an entry of an unknown type */
export function entryFromWire(wire: WalEntry, table: MemberTable): Entry {
  const [at, index] = [term(wire.term), logIndex(wire.index)];
  if (wire.type === entryTypeCodes.EntryNormal)
    return { term: at, index, type: 'EntryNormal', data: wire.data };
  if (wire.type !== entryTypeCodes.EntryConfChange) throw new RaftWireError(`an entry of type ${wire.type}`);
  return { term: at, index, type: 'EntryConfChange', data: changeFromWire(wire.data, table) };
}

export function hardStateToWire(state: HardState, table: MemberTable): WalHardState {
  return { term: state.term, vote: table.memberOf(state.vote), commit: state.commit };
}

export function hardStateFromWire(state: WalHardState, table: MemberTable): HardState {
  return { term: term(state.term), vote: table.numberOf(state.vote), commit: logIndex(state.commit) };
}

interface MessageParts {
  readonly type: number;
  readonly to: bigint;
  readonly from: bigint;
  readonly entries: readonly EntryRecord[];
  readonly snapshot: Uint8Array;
}

function messageSize(m: Message, { type, to, from, entries, snapshot }: MessageParts): number {
  let size = uintFieldSize(type) + int64FieldSize(to) + int64FieldSize(from) + uintFieldSize(m.term);
  size += uintFieldSize(m.logTerm) + uintFieldSize(m.index) + uintFieldSize(m.commit);
  size += bytesFieldSize(snapshot) + 2 + uintFieldSize(m.rejectHint);
  for (const entry of entries) {
    const sizeBytes = entrySize(entry);
    size += 1 + varintSize(sizeBytes) + sizeBytes;
  }
  return size + (m.context === null ? 0 : bytesFieldSize(m.context));
}

/**
 * Encodes a raftpb.Message as etcd 3.4 does: scalars written even when they are zero, as is the snapshot.
 * 1 type | 2 to | 3 from | 4 term | 5 logTerm | 6 index | 7 entries | 8 commit | 9 snapshot | 10 reject
 * | 11 rejectHint | 12 context, absent when null
 */
export function encodeMessage(m: Message, table: MemberTable): Uint8Array {
  const type = messageTypeCodes.get(m.type) ?? fail(`codec: ${m.type} does not travel`);
  const entries = m.entries.map(recordOf);
  const to = table.memberOf(m.to);
  const from = table.memberOf(m.from);
  const snapshot =
    m.snapshot === null ? noSnapshot : encodeSnapshot(m.snapshot, (node) => table.memberOf(node));
  const writer = new WireWriter(messageSize(m, { type, to, from, entries, snapshot }));
  writer.uint(1, type);
  writer.int64(2, to);
  writer.int64(3, from);
  writer.uint(4, m.term);
  writer.uint(5, m.logTerm);
  writer.uint(6, m.index);
  for (const entry of entries) {
    writer.head(7, entrySize(entry));
    writeEntry(writer, entry);
  }
  writer.uint(8, m.commit);
  writer.bytes(9, snapshot);
  writer.uint(10, m.reject ? 1 : 0);
  writer.uint(11, m.rejectHint);
  if (m.context !== null) writer.bytes(12, m.context);
  return writer.finish();
}

/** An entry that opens a term has no data on the wire. */
function recordOf(entry: Entry): EntryRecord {
  const { type, term: at, index, data } = entryToWire(entry);
  return { type, term: at, index, data: data.length === 0 ? null : data };
}

function entryFrom(reader: WireReader, table: MemberTable): Entry {
  const { type, term: at, index, data } = readEntry(reader);
  return entryFromWire({ type, term: at, index, data: data ?? emptyBytes }, table);
}

function readField(
  m: DraftMessage,
  tag: number,
  reader: WireReader,
  table: MemberTable,
  host: NodeId | null,
): void {
  switch (tag) {
    case varintTag(2):
      m.to = nodeFrom(reader.int64(), table, null);
      break;
    case varintTag(3):
      m.from = nodeFrom(reader.int64(), table, host);
      break;
    case varintTag(4):
      m.term = term(reader.uint());
      break;
    case varintTag(5):
      m.logTerm = term(reader.uint());
      break;
    case varintTag(6):
      m.index = logIndex(reader.uint());
      break;
    case varintTag(8):
      m.commit = logIndex(reader.uint());
      break;
    case varintTag(10):
      m.reject = reader.uint() !== 0;
      break;
    case varintTag(11):
      m.rejectHint = logIndex(reader.uint());
      break;
    case bytesTag(12):
      m.context = reader.bytes();
      break;
    default:
      reader.skip(tag);
  }
}

/**
 * Decodes a raftpb.Message from a peer.
 * @param host the node it came from, where a member that was never seen may speak for itself; null: only
 *   members in the table are taken
 * @throws WireError when the bytes are no message or a number is past 2^53
 * @throws RaftWireError for an unknown member or message type
 */
export function decodeMessage(bytes: Uint8Array, table: MemberTable, host: NodeId | null = null): Message {
  const m = newMessage('MsgHup', none);
  const entries: Entry[] = [];
  const reader = new WireReader(bytes);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === varintTag(1)) m.type = messageTypeFrom(reader.uint());
    else if (tag === bytesTag(7)) entries.push(entryFrom(reader.message(), table));
    else if (tag === bytesTag(9))
      m.snapshot = reader.skipIf(noSnapshot) ? null : snapshotFrom(reader.bytes(), table);
    else readField(m, tag, reader, table, host);
  }
  if (entries.length > 0) m.entries = entries;
  return m;
}

/** Null for an empty snapshot that another than a member here wrote. */
function snapshotFrom(bytes: Uint8Array, table: MemberTable): Message['snapshot'] {
  const snapshot = decodeSnapshot(bytes, table);
  return snapshot.index === 0 ? null : snapshot;
}

/** The sender of a message as its bytes name it; 0n where they do not, or are no message. */
export function senderOf(bytes: Uint8Array): bigint {
  let sender = 0n;
  const reader = new WireReader(bytes);
  try {
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag === varintTag(3)) sender = BigInt.asUintN(64, reader.int64());
      else reader.skip(tag);
    }
    return sender;
  } catch (error) {
    if (error instanceof WireError) return 0n;
    throw error;
  }
}

function messageTypeFrom(code: number): MessageType {
  const type = messageTypes[code];
  if (type === undefined) throw new RaftWireError(`a message of type ${code}`);
  return type;
}
