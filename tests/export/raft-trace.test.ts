/** The exported state trace against upstream's format: names, fields and their order, and that it makes sense. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { raftTrace, scenarioNames } from './raft-trace.ts';
import type { TracingEvent } from '../../src/engine/raft/state-trace.ts';

interface Line {
  readonly ts: number;
  readonly event: TracingEvent;
}

const readTrace = (lines: readonly string[]): Line[] => lines.map((line) => JSON.parse(line) as Line);

/** What a value is made of: types, and an object's fields in their order. */
function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(shapeOf))].join()}]`;
  if (typeof value !== 'object' || value === null) return typeof value;
  return `{${Object.entries(value)
    .map(([key, of]) => `${key}:${shapeOf(of)}`)
    .join()}}`;
}

const node = 'nid:string,state:{term:number,vote:string,commit:number},role:string,log:number,conf:[[],[]]';
const message =
  'msg:{type:string,term:number,from:string,to:string,entries:number,logTerm:number,index:number,' +
  'commit:number,vote:string,reject:boolean,rejectHint:number}';

/** Each name's fields beyond those that all have. Upstream traces a snapshot as an append request. */
const fields: Readonly<Record<string, readonly string[]>> = {
  InitState: [''],
  BecomeFollower: [''],
  BecomeCandidate: [''],
  BecomeLeader: [''],
  Commit: [''],
  Replicate: [''],
  Ready: [''],
  ChangeConf: ['prop:{cc:{changes:[{nid:string,action:string}]}}'],
  ApplyConfChange: ['prop:{cc:{newconf:[string]}}', 'prop:{cc:{}}'],
  SendAppendEntriesRequest: [message, `${message},prop:{match:number,next:number}`],
  ReceiveAppendEntriesRequest: [message],
  SendAppendEntriesResponse: [message],
  ReceiveAppendEntriesResponse: [message],
  SendRequestVoteRequest: [message],
  ReceiveRequestVoteRequest: [message],
  SendRequestVoteResponse: [message],
  ReceiveRequestVoteResponse: [message],
};

const upstream = resolve(import.meta.dirname, '../../../shared/conformance/raft/upstream/tla/example.ndjson');

/** The halves of a configuration are lists of ids, empty or not. */
const withoutIds = (shape: string): string => shape.replace(/conf:\[[[\],a-z]*\](?=,|\})/, 'conf:[[],[]]');

/** Expects each shape that occurs to be one of its name's; looks at each once. */
function expectShapes(lines: readonly Line[]): void {
  const shapes = new Map(
    lines.map(({ event }) => [`${event.name} ${withoutIds(shapeOf(event))}`, event.name]),
  );
  for (const [shape, name] of shapes) {
    const more = fields[name] ?? [];
    expect(more.map((each) => `${name} {name:string,${node}${each === '' ? '' : `,${each}`}}`)).toContain(
      shape,
    );
  }
}

test.skipIf(!existsSync(upstream))("upstream's own trace has these shapes", () => {
  const lines = readFileSync(upstream, 'utf8').trim().split('\n');
  expect(lines.length).toBe(4888);
  expectShapes(readTrace(lines));
});

test.each(scenarioNames)("every line of the scenario %s has upstream's shape, and times rise", (scenario) => {
  const lines = raftTrace(scenario, 1);
  expect(lines.length).toBeGreaterThan(300);
  expectShapes(readTrace(lines));
  const envelope =
    /^\{"level":"debug","ts":1\d{9}(\.\d+)?,"caller":"[^"]+","msg":"trace","tag":"trace","event":\{/;
  expect(lines.filter((line) => !envelope.test(line))).toEqual([]);
  expect(lines.filter((line, i) => i > 0 && line <= lines[i - 1])).toEqual([]);
});

test('a reconfiguration shows every action that upstream traces, a snapshot and both halves of a joint one', () => {
  const events = readTrace(raftTrace('reconfigure', 2)).map(({ event }) => event);
  expect([...new Set(events.map(({ name }) => name))].sort()).toEqual(Object.keys(fields).sort());
  const types = new Set(events.map(({ msg }) => msg?.type));
  expect(types).toContain('MsgSnap');
  expect(events.some(({ conf }) => conf[1].length > 0 && conf[0].join() !== conf[1].join())).toBe(true);
});

test('who receives a message was sent it, and the trace is the same for the same seed', () => {
  const lines = raftTrace('failover', 3);
  expect(raftTrace('failover', 3)).toEqual(lines);
  const sent = new Map<string, number>();
  const strangers: string[] = [];
  for (const { event } of readTrace(lines)) {
    if (event.msg === undefined) continue;
    const key = JSON.stringify(event.msg);
    const count = sent.get(key) ?? 0;
    if (event.name.startsWith('Receive') && count === 0) strangers.push(key);
    sent.set(key, event.name.startsWith('Send') ? count + 1 : count - 1);
  }
  expect(strangers).toEqual([]);
});
