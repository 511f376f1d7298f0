/** The parts: inflight window, quorum arithmetic, conf changes, text forms, settings, state trace. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyBytes, fromHex, toHex } from '../../../src/base/bytes.ts';
import { stream } from '../../../src/base/prng.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import {
  asConfChangeV2,
  countChanges,
  decodeConfChange,
  decodeConfChangeV2,
  encodeConfChange,
  encodeConfChangeV2,
} from '../../../src/engine/raft/confchange-codec.ts';
import { Changer } from '../../../src/engine/raft/confchange/confchange.ts';
import type { Reconfiguration } from '../../../src/engine/raft/confchange/confchange.ts';
import { restore, sameConfState } from '../../../src/engine/raft/confchange/restore.ts';
import { validate } from '../../../src/engine/raft/config.ts';
import { quoteGo } from '../../../src/engine/raft/describe.ts';
import { RaftError } from '../../../src/engine/raft/errors.ts';
import { explainMajority, majorityVoteResult } from '../../../src/engine/raft/quorum/majority.ts';
import { jointVoteResult, jointVoters } from '../../../src/engine/raft/quorum/joint.ts';
import type { TracingEvent } from '../../../src/engine/raft/state-trace.ts';
import { emptyConfState } from '../../../src/engine/raft/storage.ts';
import { Inflights } from '../../../src/engine/raft/tracker/inflights.ts';
import type { ConfChangeSingle, ConfChangeType, ConfState } from '../../../src/engine/raft/types.ts';
import { logIndex, nodeId } from '../../../src/engine/raft/types.ts';
import { Cluster, storageWith } from './cluster.ts';

test('the inflight window is a queue: full by count or bytes, freed from the front', () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 3 }), bytes: fc.nat(9) }),
    fc.record({ free: fc.nat(6) }),
  );
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 6 }), fc.nat(20), (steps, maxCount, maxBytes) => {
      const window = new Inflights(maxCount, maxBytes);
      let model: { index: number; bytes: number }[] = [];
      let last = 0;
      for (const each of steps) {
        if ('free' in each) {
          const to = Math.max(0, last - each.free);
          window.freeTo(to);
          model = model.filter(({ index }) => index > to);
        } else if (!window.full()) {
          last += each.add;
          window.add(last, each.bytes);
          model.push({ index: last, bytes: each.bytes });
        } else {
          expect(() => window.add(last + 1, 1)).toThrow('cannot add into a Full inflights');
        }
        const total = model.reduce((sum, { bytes }) => sum + bytes, 0);
        expect([window.count, window.bytes]).toEqual([model.length, total]);
        expect(window.full()).toBe(model.length === maxCount || (maxBytes > 0 && total >= maxBytes));
        expect(window.clone()).toEqual(window);
      }
    }),
  );
});

const acks = fc.array(fc.option(fc.nat(9)), { minLength: 1, maxLength: 9 });

test('a majority has committed the highest index that more than half have reached', () => {
  fc.assert(
    fc.property(acks, (indexes) => {
      const voters = indexes.map((_, i) => nodeId(i + 1));
      const { index, sorted, deciding } = explainMajority(voters, {
        ackedIndex: (id) => indexes[id - 1],
      });
      const reached = (at: number) => indexes.filter((each) => (each ?? 0) >= at).length * 2 > indexes.length;
      expect(reached(index)).toBe(true);
      expect(reached(index + 1)).toBe(false);
      expect(sorted[deciding].index).toBe(index);
    }),
  );
});

test('an election is won or lost exactly when no further vote can change it', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.boolean()), { minLength: 1, maxLength: 7 }), (given) => {
      const voters = given.map((_, i) => nodeId(i + 1));
      const votes = new Map(voters.flatMap((id, i) => (given[i] === null ? [] : [[id, given[i]]])));
      const yes = given.filter((vote) => vote === true).length;
      const open = given.filter((vote) => vote === null).length;
      const wins = (count: number) => count * 2 > given.length;
      const result = wins(yes) ? 'VoteWon' : wins(yes + open) ? 'VotePending' : 'VoteLost';
      expect(majorityVoteResult(voters, votes)).toBe(result);
    }),
  );
});

const types: readonly ConfChangeType[] = [
  'ConfChangeAddNode',
  'ConfChangeAddLearnerNode',
  'ConfChangeRemoveNode',
  'ConfChangeUpdateNode',
];
const single = fc
  .tuple(fc.constantFrom(...types), fc.integer({ min: 1, max: 6 }))
  .map(([type, id]): ConfChangeSingle => ({ type, nodeId: nodeId(id) }));
const limits = { maxInflight: 10, maxInflightBytes: 0 };
const empty: Reconfiguration = { config: emptyConfState, progress: [] };

/** Whether a quorum of one configuration can be without any member of a quorum of the other. */
function haveDisjointQuorums(a: ConfState, b: ConfState): boolean {
  const all = [...new Set([...jointVoters(a), ...jointVoters(b)])];
  for (let set = 0; set < 1 << all.length; set++) {
    const votes = (side: number) => new Map(all.map((id, i) => [id, ((set >> i) & 1) === side]));
    if (jointVoteResult(a, votes(1)) === 'VoteWon' && jointVoteResult(b, votes(0)) === 'VoteWon') return true;
  }
  return false;
}

test('every change keeps quorums overlapping, and every configuration can be restored from its state', () => {
  const way = fc.constantFrom('simple' as const, 'enter' as const, 'leave' as const);
  let applied = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(way, fc.array(single, { maxLength: 3 }), fc.boolean())), (steps) => {
      const founders = [1, 2, 3].map((id) => ({ type: types[0], nodeId: nodeId(id) }));
      let current = empty;
      for (const founder of founders) {
        current = new Changer({ ...current, ...limits }, logIndex(5)).simple([founder]);
      }
      for (const [how, changes, autoLeave] of steps) {
        const changer = new Changer({ ...current, ...limits }, logIndex(5));
        let next: Reconfiguration;
        try {
          if (how === 'simple') next = changer.simple(changes);
          else next = how === 'enter' ? changer.enterJoint(autoLeave, changes) : changer.leaveJoint();
        } catch (error) {
          expect(error).toBeInstanceOf(RaftError);
          continue;
        }
        applied++;
        expect(haveDisjointQuorums(current.config, next.config)).toBe(false);
        const members = new Set([...jointVoters(next.config), ...next.config.learners]);
        expect(next.progress.map(({ id }) => id)).toEqual([...members].sort((a, b) => a - b));
        const again = restore({ ...empty, ...limits }, logIndex(5), next.config);
        expect(sameConfState(again.config, next.config)).toBe(true);
        expect(again.progress.map(({ id, isLearner }) => [id, isLearner])).toEqual(
          next.progress.map(({ id, isLearner }) => [id, isLearner]),
        );
        current = next;
      }
    }),
  );
  expect(applied).toBeGreaterThan(50);
});

test('conf changes have the bytes that etcd writes', () => {
  const change = { id: 0n, type: types[0], nodeId: nodeId(1), context: emptyBytes };
  expect(toHex(encodeConfChange(change))).toBe('080010001801');
  const full = { id: 300n, type: types[1], nodeId: nodeId(200), context: encodeUtf8('ab') };
  expect(toHex(encodeConfChange(full))).toBe('08ac02100318c80122026162');
  const joint = {
    transition: 'ConfChangeTransitionJointExplicit' as const,
    changes: [asConfChangeV2(change).changes[0], { type: types[2], nodeId: nodeId(3) }],
    context: encodeUtf8('c'),
  };
  expect(toHex(encodeConfChangeV2(joint))).toBe('08021204080010011204080110031a0163');
  expect(decodeConfChangeV2(emptyBytes)).toEqual({
    transition: 'ConfChangeTransitionAuto',
    changes: [],
    context: emptyBytes,
  });
});

test('conf changes survive encoding, and hostile bytes are refused with a code', () => {
  const context = fc.uint8Array({ maxLength: 5 });
  const transition = fc.constantFrom(
    'ConfChangeTransitionAuto' as const,
    'ConfChangeTransitionJointImplicit' as const,
    'ConfChangeTransitionJointExplicit' as const,
  );
  const v2 = fc.record({ transition, changes: fc.array(single, { maxLength: 3 }), context });
  fc.assert(
    fc.property(v2, (change) => {
      expect(decodeConfChangeV2(encodeConfChangeV2(change))).toEqual(change);
    }),
  );
  const v1 = fc.record({ id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), context });
  fc.assert(
    fc.property(v1, single, (rest, one) => {
      const change = { ...rest, ...one };
      expect(decodeConfChange(encodeConfChange(change))).toEqual(change);
    }),
  );
  const malformed = new RaftError('malformed conf change');
  for (const hex of ['08', '1204', '0a05aa', '0803', '12020804', '07', '00', '08ffffffffffffffffff7f']) {
    expect(() => decodeConfChangeV2(fromHex(hex))).toThrow(malformed);
  }
  expect(() => decodeConfChange(fromHex('18ffffffffffffffffff01'))).toThrow(malformed);
  const member = { type: 'EntryConfChange' as const, data: fromHex('18ffffffffffffffffff01') };
  expect(countChanges({ ...member, term: 1 as never, index: 1 as never })).toBe(1);
});

test('data prints as Go quotes it', () => {
  const quoted = (text: string) => quoteGo(encodeUtf8(text));
  expect(quoted('a"b\\c\n\t\u0001é\u200b')).toBe('"a\\"b\\\\c\\n\\t\\x01é\\u200b"');
  expect(quoteGo(fromHex('ff61c3'))).toBe('"\\xffa\\xc3"');
});

test('a configuration that cannot work is refused with upstream text', () => {
  const good = {
    id: nodeId(1),
    electionTick: 10,
    heartbeatTick: 1,
    storage: storageWith([1]),
    maxSizePerMsg: 100,
    maxInflightMsgs: 1,
    random: stream(1, 'test'),
  };
  const refused = (change: object) => {
    try {
      validate({ ...good, ...change });
      return null;
    } catch (error) {
      return error instanceof RaftError ? error.code : error;
    }
  };
  expect(refused({})).toBeNull();
  expect(refused({ id: nodeId(0) })).toBe('cannot use none as id');
  expect(refused({ id: nodeId(-1) })).toBe('cannot use local target as id');
  expect(refused({ heartbeatTick: 0 })).toBe('heartbeat tick must be greater than 0');
  expect(refused({ electionTick: 1 })).toBe('election tick must be greater than heartbeat tick');
  expect(refused({ maxInflightMsgs: 0 })).toBe('max inflight messages must be greater than 0');
  expect(refused({ maxInflightBytes: 99 })).toBe('max inflight bytes must be >= max message size');
  expect(refused({ readOnlyOption: 'ReadOnlyLeaseBased' })).toMatch(/^CheckQuorum must be enabled/);
});

test('the state trace has upstream names, fields and order', () => {
  const events: TracingEvent[] = [];
  const cluster = Cluster.of(3, { stateTrace: { traceEvent: (event) => events.push(event) } });
  cluster.elect(1);
  cluster.node(1).proposeConfChange({
    transition: 'ConfChangeTransitionAuto',
    changes: [{ type: 'ConfChangeAddNode', nodeId: nodeId(4) }],
    context: emptyBytes,
  });
  cluster.run();
  const names = new Set(events.map(({ name }) => name));
  expect([...names].sort()).toEqual([
    'ApplyConfChange',
    'BecomeCandidate',
    'BecomeFollower',
    'BecomeLeader',
    'ChangeConf',
    'Commit',
    'InitState',
    'Ready',
    'ReceiveAppendEntriesRequest',
    'ReceiveAppendEntriesResponse',
    'ReceiveRequestVoteRequest',
    'ReceiveRequestVoteResponse',
    'Replicate',
    'SendAppendEntriesRequest',
    'SendAppendEntriesResponse',
    'SendRequestVoteRequest',
    'SendRequestVoteResponse',
  ]);
  const append = events.find(({ name }) => name === 'SendAppendEntriesRequest');
  expect(JSON.stringify(append)).toBe(
    '{"name":"SendAppendEntriesRequest","nid":"1","state":{"term":2,"vote":"1","commit":2},' +
      '"role":"StateLeader","log":3,"conf":[["1","2","3"],[]],"msg":{"type":"MsgApp","term":2,"from":"1",' +
      '"to":"2","entries":1,"logTerm":1,"index":2,"commit":2,"vote":"0","reject":false,"rejectHint":0},' +
      '"prop":{"match":2,"next":3}}',
  );
  const change = events.find(({ name }) => name === 'ChangeConf');
  expect(change?.prop).toEqual({ cc: { changes: [{ nid: '4', action: 'AddNewServer' }] } });
});
