/** Whatever bytes come in, a member answers and goes on. */
import { create, toBinary } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import * as pb from '../../../src/engine/pb/gen/rpc_pb.ts';
import { encodeJson, hashKvRoute, routes, watchRoute } from '../../parity/etcd/gateway.ts';
import type { Route } from '../../parity/etcd/gateway.ts';
import { LoneMember } from '../../parity/etcd/lone-member.ts';
import type { JsonObject } from '../../parity/etcd/transcript.ts';

// a second member that is not there takes the quorum with it: nothing would be answered then
const unary: readonly Route[] = [...Object.values(routes), hashKvRoute].filter(
  ({ method }) => method !== 'etcdserverpb.Cluster/MemberAdd',
);

/** Sound bodies to damage: each sets many fields. */
const samples: readonly JsonObject[] = [
  { key: 'YQ==', range_end: 'AA==', value: 'dg==', lease: '7', revision: '1', limit: '2', prev_kv: true },
  {
    compare: [{ key: 'YQ==', version: '1' }],
    success: [{ request_put: { key: 'YQ==' } }, { request_txn: {} }],
  },
  {
    ID: '7',
    TTL: '60',
    keys: true,
    action: 'ACTIVATE',
    alarm: 'NOSPACE',
    memberID: '1',
    peerURLs: ['http://a:1'],
  },
  {
    name: 'u',
    user: 'u',
    role: 'r',
    password: 'p',
    perm: { permType: 'WRITE', key: 'YQ==', range_end: 'AA==' },
  },
  {
    create_request: {
      key: 'YQ==',
      range_end: 'AA==',
      start_revision: '-3',
      filters: ['NOPUT'],
      watch_id: '-1',
    },
  },
];

const body = fc.oneof(
  fc.record({ kind: fc.constant('bytes' as const), bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({
    kind: fc.constant('sample' as const),
    sample: fc.constantFrom(...samples),
    at: fc.nat(200),
    value: fc.nat(255),
    cut: fc.nat(60),
  }),
);
const call = fc.record({ route: fc.constantFrom(...unary, watchRoute), body });

/** Raises an alarm of no kind for no member: the key that it would be stored under is empty. */
const alarm = unary.find(({ method }) => method === 'etcdserverpb.Maintenance/Alarm') as Route;
const nobodysAlarm = { route: alarm, body: { kind: 'bytes' as const, bytes: Uint8Array.of(8, 1) } };

test('no bytes stop a member, and what it holds can still be read', () => {
  const member = new LoneMember(9, { bcryptCost: 4 });
  fc.assert(
    fc.property(call, ({ route, body }) => {
      let bytes: Uint8Array;
      if (body.kind === 'bytes') bytes = body.bytes;
      else {
        const whole = encodeJson(route.request, body.sample);
        bytes = whole.slice(0, body.cut > 50 ? whole.length : Math.max(0, whole.length - body.cut));
        if (body.cut % 2 === 0 && body.at < bytes.length) bytes[body.at] = body.value;
      }
      if (route === watchRoute) {
        const stream = member.open(route.method, bytes);
        member.send(stream, bytes);
        member.advance(200_000);
        member.close(stream);
      } else member.call(route.method, bytes);
    }),
    { numRuns: 600, endOnFailure: true, examples: [[nobodysAlarm]] },
  );
  const status = member.call('etcdserverpb.Maintenance/Status', new Uint8Array(0));
  expect(status.code).toBe(0);
  const all = create(pb.RangeRequestSchema, {
    key: Uint8Array.of(0),
    rangeEnd: Uint8Array.of(0),
    serializable: true,
  });
  const range = member.call('etcdserverpb.KV/Range', toBinary(pb.RangeRequestSchema, all));
  expect([0, 3]).toContain(range.code);
  member.stop('kill');
  member.start();
  const key = encodeUtf8('k');
  const put = member.call(
    'etcdserverpb.KV/Put',
    toBinary(pb.PutRequestSchema, create(pb.PutRequestSchema, { key })),
  );
  expect([0, 3, 8, 15]).toContain(put.code);
});
