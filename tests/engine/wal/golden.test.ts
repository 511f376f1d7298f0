/** Two logs that real etcd 3.4.23 members wrote, against what etcd-dump-logs says of them. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { concatBytes, equalBytes } from '../../../src/base/bytes.ts';
import { decodeUtf8 } from '../../../src/base/utf8.ts';
import { MetadataSchema } from '../../../src/engine/pb/gen/etcdserver_pb.ts';
import { InternalRaftRequestSchema } from '../../../src/engine/pb/gen/raft_internal_pb.ts';
import { decodeEntry, encodeEntry } from '../../../src/engine/pb/hot.ts';
import { Decoder } from '../../../src/engine/wal/decoder.ts';
import { Encoder } from '../../../src/engine/wal/encoder.ts';
import {
  decodeEntry as decodeWalEntry,
  decodeHardState,
  decodeSnapshot,
  encodeHardState,
  encodeSnapshot,
  entryRecord,
  recordType,
} from '../../../src/engine/wal/record.ts';
import type { RecordParts, WalEntry, WalRecord } from '../../../src/engine/wal/record.ts';
import { Wal } from '../../../src/engine/wal/wal.ts';
import { TestDisk } from './disk.ts';

const members = ['e-member-n1-clean', 'e-member-n2-killed'];
const path = (member: string, ending: string): string => `tests/testdata/wal/${member}.${ending}`;
const file = 'member/wal/0000000000000000-0000000000000000.wal';

const logOf = (member: string): Uint8Array =>
  new Uint8Array(gunzipSync(readFileSync(path(member, 'wal.gz'))));

function describe(entry: WalEntry): string {
  const numbers = `${`${entry.term}`.padStart(4)}\t${`${entry.index}`.padStart(10)}\tnorm\t`;
  if (entry.data.length === 0) return numbers;
  const { header, put } = fromBinary(InternalRaftRequestSchema, entry.data);
  const [key, value] = [decodeUtf8(put?.key ?? entry.data), decodeUtf8(put?.value ?? entry.data)];
  return `${numbers}header:<ID:${header?.ID} > put:<key:"${key}" value:"${value}" > `;
}

test.each(members)('the log of %s tells from its last snapshot on what etcd-dump-logs tells', (member) => {
  const dump = readFileSync(path(member, 'wal-dump.txt'), 'utf8');
  const opened = Wal.open(new Map([[file, logOf(member)]]), { index: 909, term: 2 }, new TestDisk());
  const { NodeID, ClusterID } = fromBinary(MetadataSchema, opened.metadata);
  const { hardState, entries, tornBytes } = opened;
  const head = [
    'WAL metadata:',
    `nodeID=${NodeID.toString(16)} clusterID=${ClusterID.toString(16)} term=${hardState?.term}` +
      ` commitIndex=${hardState?.commit} vote=${hardState?.vote.toString(16)}`,
    'WAL entries:',
    `lastIndex=${opened.wal.lastIndex}`,
    'term\t     index\ttype\tdata',
  ];
  expect(dump).toContain([...head, ...entries.map(describe)].join('\n'));
  expect(dump).toContain(`count is : ${entries.length}`);
  expect(tornBytes).toBe(0);
});

/** The record, its data read and made again. */
function again({ type, data }: WalRecord): RecordParts {
  if (data === null) return { type, data };
  if (type === recordType.entry) return entryRecord(decodeWalEntry(data));
  if (type === recordType.state) return { type, data: encodeHardState(decodeHardState(data)) };
  if (type === recordType.snapshot) return { type, data: encodeSnapshot(decodeSnapshot(data)) };
  return { type, data };
}

test.each(members)('the log of %s, decoded and encoded again, is the same bytes', (member) => {
  const bytes = logOf(member);
  const decoder = new Decoder([bytes]);
  const encoder = new Encoder(0);
  const frames: Uint8Array[] = [];
  for (let record = decoder.next(); record !== null; record = decoder.next()) {
    frames.push(encoder.encode([again(record)]));
    if (record.type !== recordType.entry || record.data === null) continue;
    expect(equalBytes(encodeEntry(decodeEntry(record.data)), record.data)).toBe(true);
  }
  expect(frames.length).toBeGreaterThan(900);
  expect(equalBytes(concatBytes(frames), bytes)).toBe(true);
  expect(encoder.crc).toBe(decoder.crc);
});

test('the space that etcd reserves behind its records is cut off, not taken for a torn write', () => {
  const bytes = logOf(members[0]);
  const reserved = new Uint8Array(bytes.length + 4096);
  reserved.set(bytes);
  const disk = new TestDisk(new Map([[file, reserved]]));
  const { wal, tornBytes } = Wal.open(disk.files, { index: 0, term: 0 }, disk);
  expect(tornBytes).toBe(0);
  expect(equalBytes(disk.files.get(file) ?? reserved, bytes)).toBe(true);
  expect(wal.tail.sizeBytes).toBe(bytes.length);
});
