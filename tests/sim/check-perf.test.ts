/** `check perf` over clients whose answers take a known time. */
import { expect, test } from 'vitest';
import { PerfChecks } from '../../src/sim/check-perf.ts';
import type { PerfEvent } from '../../src/sim/check-perf.ts';
import type { ClientAction, ClientOutcome, KeyValueView } from '../../src/sim/types.ts';

const prefix = '/etcdctl-check-perf/';
const kv = { key: new Uint8Array([1]) } as KeyValueView;

/** Answers each request after `tookUs`; every `failing`-th put is refused. */
function world(tookUs: number, options: { failing?: number; held?: readonly KeyValueView[] } = {}) {
  const due: { timeUs: number; does: () => void }[] = [];
  const asked: ClientAction[] = [];
  let nowUs = 0;
  const outcomes = new Map<number, ClientOutcome>();
  const at = (timeUs: number, does: () => void): void => {
    const place = due.findIndex((other) => other.timeUs > timeUs);
    due.splice(place < 0 ? due.length : place, 0, { timeUs, does });
  };
  const answer = (action: ClientAction, count: number): ClientOutcome => {
    const kvs = options.held ?? [];
    if (action.type === 'get') return { ok: true, type: 'get', revision: 1, kvs, count: 0, more: false };
    if (action.type === 'del') return { ok: true, type: 'del', revision: 77, deleted: count, prevKvs: [] };
    if (action.type === 'defrag') {
      return { ok: true, type: 'defrag', endpoints: [{ endpoint: 'm1', error: null, tookUs: 1 }] };
    }
    if (action.type === 'compaction') return { ok: true, type: 'compaction' };
    const isRefused = options.failing !== undefined && count % options.failing === 0;
    return isRefused
      ? { ok: false, code: 14, message: 'etcdserver: no leader' }
      : { ok: true, type: 'put', revision: 1 };
  };
  const checks: PerfChecks = new PerfChecks(
    {
      get nowUs() {
        return nowUs;
      },
      schedule: (timeUs: number, event: PerfEvent) => at(timeUs, () => checks.happen(event)),
      request: (id, action) => {
        const outcome = answer(action, asked.push(action));
        at(nowUs + tookUs, () => checks.finished(id, outcome));
      },
      finish: (id, outcome) => outcomes.set(id, outcome),
    },
    1,
    1,
  );
  /** `steps`: after so many the check is stopped. */
  const run = (load: 's' | 'm', more: object = {}, steps?: number): ClientOutcome | undefined => {
    checks.begin(7, { type: 'checkPerf', load, prefix, ...more });
    for (let i = 0; due.length > 0; i++) {
      const next = due.shift();
      nowUs = next?.timeUs ?? nowUs;
      if (i === steps) expect(checks.stop()).toBe(1);
      next?.does();
    }
    return outcomes.get(7);
  };
  return { run, asked };
}

test('puts go out at their rate for a minute, with other keys each, and are deleted at the end', () => {
  const { run, asked } = world(2_000);
  const outcome = run('s', { user: 'root:pw' });
  expect(outcome).toMatchObject({ ok: true, limit: 150, issued: 9000, errors: [], compacted: null });
  if (outcome?.ok !== true || outcome.type !== 'checkPerf') throw new Error('no outcome');
  expect(new Set(outcome.latenciesUs)).toEqual(new Set([2_000]));
  // the last one begins a 150th of a second before the end
  expect(outcome.totalUs).toBe(60_000_000 - 6_667 + 2_000);
  const keys = asked.flatMap((action) => (action.type === 'put' ? [action.key] : []));
  expect(new Set(keys).size).toBe(9000);
  expect(keys.every((key) => key.startsWith(prefix) && key.length === prefix.length + 256)).toBe(true);
  expect(asked.at(-1)).toEqual({ type: 'del', key: prefix, prefix: true, user: 'root:pw' });
});

test('each client waits for its answer: slow answers make it slower than its rate', () => {
  const slow = world(1_000_000).run('m');
  if (slow?.ok !== true || slow.type !== 'checkPerf') throw new Error('no outcome');
  const perSecond = (slow.latenciesUs.length * 1_000_000) / slow.totalUs;
  expect(perSecond).toBeGreaterThan(190);
  expect(perSecond).toBeLessThanOrEqual(200);
});

test('refused puts are counted by their message, and what is asked for afterwards is done', () => {
  const { run, asked } = world(500, { failing: 1000 });
  expect(run('s', { autoCompact: true, autoDefrag: true })).toMatchObject({
    errors: [{ message: 'etcdserver: no leader', count: 9 }],
    compacted: 77,
    defragmented: ['m1'],
  });
  expect(asked.slice(-3).map(({ type }) => type)).toEqual(['del', 'compaction', 'defrag']);
});

test('a check that is stopped ends at once, and sends nothing more', () => {
  const { run, asked } = world(500);
  expect(run('s', {}, 100)).toEqual({ ok: false, code: 1, message: 'context canceled' });
  expect(asked.length).toBeLessThan(200);
});

test('keys under the prefix are not overwritten', () => {
  const { run, asked } = world(500, { held: [kv] });
  expect(run('s')).toMatchObject({
    ok: false,
    message: `prefix "${prefix}" has keys. Delete with etcdctl del --prefix ${prefix} first`,
  });
  expect(asked).toHaveLength(1);
});
