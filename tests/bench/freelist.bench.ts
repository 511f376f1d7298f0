/**
 * The two freelists: the same work as the Go twin `flbench` does with bbolt's. N free ids; every transaction
 * releases what the one before freed, allocates runs of 1 to `dist` pages (where none fits, pages behind the
 * last) and frees the runs of the transaction before; then the list is written, read and read again.
 * Layouts and sizes follow the same distributions as the twin's, from a generator of our own.
 */
import { ArrayFreelist } from '../../src/engine/bolt/freelist/array.ts';
import { HashmapFreelist } from '../../src/engine/bolt/freelist/hashmap.ts';
import { SharedFreelist } from '../../src/engine/bolt/freelist/shared.ts';
import { soundIds, writeFreelist } from '../../src/engine/bolt/freelist-page.ts';
import type { PageBytes } from '../../src/engine/bolt/pager.ts';
import { Options, Stopwatch, heapBytes, loadAverage, processMemory, timed } from './measure.ts';

type Kind = 'array' | 'hashmap';
type Layout = 'geom' | 'alt' | 'runs';

interface Run {
  readonly kind: Kind;
  readonly choice: 'insertion' | 'lowest';
  readonly ids: number;
  readonly layout: Layout;
  /** Allocations ask for 1 to so many pages. */
  readonly dist: number;
  readonly perTx: number;
  readonly budgetMs: number;
  readonly maxTx: number;
  readonly seed: number;
}

/** Whole numbers from 0 to below a bound. */
type Draw = (bound: number) => number;

/** xorshift32 */
function generator(seed: number): Draw {
  let x = (Math.imul(seed, 0x9e3779b9) ^ 0x2545f491) >>> 0 || 1;
  return (bound) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    return Math.floor((x * bound) / 4294967296);
  };
}

/** `geom`: runs of geometric length (mean 2), gaps of 1 to 3; `alt`: every other page; `runs`: 1 to 64 pages. */
function layOut(layout: Layout, count: number, draw: Draw): { ids: Uint32Array; spans: number } {
  const ids = new Uint32Array(count);
  let filled = 0;
  let spans = 0;
  for (let id = 2; filled < count; spans++) {
    let length = 1;
    if (layout === 'geom') while (draw(2) === 0) length++;
    if (layout === 'runs') length = 1 + draw(64);
    for (let i = 0; i < length && filled < count; i++) ids[filled++] = id++;
    id += layout === 'alt' ? 1 : 1 + draw(3);
  }
  return { ids, spans };
}

const newList = ({ kind, choice }: Run): SharedFreelist =>
  new SharedFreelist(kind === 'array' ? new ArrayFreelist() : new HashmapFreelist(choice));

/** The steady state: transactions until the budget is spent. */
function work(list: SharedFreelist, run: Run, draw: Draw, highWater: number): object {
  const { perTx, dist } = run;
  const [release, allocate, free] = [new Stopwatch(), new Stopwatch(), new Stopwatch()];
  const sizes = new Uint32Array(perTx);
  let previous = { starts: new Float64Array(perTx), sizes: new Uint32Array(perTx), count: 0 };
  let current = { starts: new Float64Array(perTx), sizes: new Uint32Array(perTx), count: 0 };
  let [txs, misses, frees, freedPages] = [0, 0, 0, 0];
  const takeAll = (txid: number): void => {
    for (let i = 0; i < perTx; i++) {
      const { first } = list.allocate(txid, sizes[i]);
      current.starts[i] = first ?? highWater;
      current.sizes[i] = sizes[i];
      if (first !== null) continue;
      misses++;
      highWater += sizes[i];
    }
    current.count = perTx;
  };
  const freeAll = (txid: number): void => {
    for (let i = 0; i < previous.count; i++) list.free(txid, previous.starts[i], previous.sizes[i]);
  };
  const end = performance.now() + run.budgetMs;
  for (; txs < run.maxTx && performance.now() < end; txs++) {
    const txid = 11 + txs;
    release.time(() => list.releasePending());
    for (let i = 0; i < perTx; i++) sizes[i] = 1 + draw(dist);
    allocate.time(() => takeAll(txid));
    free.time(() => freeAll(txid));
    frees += previous.count;
    for (let i = 0; i < previous.count; i++) freedPages += previous.sizes[i];
    [previous, current] = [current, previous];
  }
  const allocs = txs * perTx;
  const perOp = (ms: number, count: number): number => (count === 0 ? 0 : (ms * 1e6) / count);
  return {
    txs,
    allocs,
    misses,
    allocNsOp: perOp(allocate.wallMs, allocs),
    freeNsOp: perOp(free.wallMs, frees),
    freeNsPage: perOp(free.wallMs, freedPages),
    releaseMsTx: release.wallMs / txs,
    allocCpuNsOp: perOp(allocate.cpuMs, allocs),
    freeCpuNsOp: perOp(free.cpuMs, frees),
    releaseCpuMsTx: release.cpuMs / txs,
    txCpuUs: ((allocate.cpuMs + free.cpuMs + release.cpuMs) * 1e3) / txs,
    txUs: ((allocate.wallMs + free.wallMs + release.wallMs) * 1e3) / txs,
  };
}

/** What a commit does to store the list, and what an open does to load it. */
function store(list: SharedFreelist, run: Run): object {
  const bytes = new Uint8Array(list.sizeBytes);
  const view = new DataView(bytes.buffer);
  const write = new Stopwatch();
  let writes = 0;
  for (; writes < 20 && (writes === 0 || write.wallMs < run.budgetMs / 4); writes++) {
    bytes.fill(0, 0, 16);
    const count = list.freeCount + list.pendingCount;
    write.time(() => writeFreelist(view, 0, 2, 0, list, count));
  }
  const image = { sizeBytes: bytes.length, run: (at: number): PageBytes => ({ bytes, view, at }) };
  const load = (into: SharedFreelist): void => into.init(soundIds(image, 0, bytes.length, 4294967295).ids);
  const read = timed(() => load(newList(run)));
  const reload = timed(() => load(list));
  return {
    writeMs: write.wallMs / writes,
    writeCpuMs: write.cpuMs / writes,
    writeBytes: bytes.length,
    readMs: read.wallMs,
    readCpuMs: read.cpuMs,
    reloadMs: reload.wallMs,
    reloadCpuMs: reload.cpuMs,
  };
}

function measure(run: Run): object {
  const draw = generator(run.seed);
  const { ids, spans } = layOut(run.layout, run.ids, draw);
  const { kind, choice, layout, dist, perTx, seed } = run;
  const loadavg = loadAverage();
  const before = heapBytes();
  const list = newList(run);
  const init = timed(() => list.init(ids));
  const heap = heapBytes() - before;
  const figures = work(list, run, draw, ids[ids.length - 1] + 2);
  return {
    bench: 'freelist',
    impl: 'quorum-lab',
    lib: 'engine/bolt',
    node: process.version,
    kind,
    ...(kind === 'hashmap' ? { choice } : {}),
    ids: run.ids,
    spans,
    layout,
    dist,
    perTx,
    seed,
    loadavg,
    initMs: init.wallMs,
    initCpuMs: init.cpuMs,
    heapBytes: heap,
    bytesPerId: heap / run.ids,
    ...figures,
    ...store(list, run),
    ...processMemory(),
  };
}

const kinds = ['array', 'hashmap'] as const;

/**
 * `--kind array|hashmap` (both, where not given) `--ids 100000 --layout geom|alt|runs --dist 16 --pertx 100`
 * `--budget 10` (seconds) `--maxtx 100000 --seed 1 --choice insertion|lowest`
 */
export function bench(args: readonly string[]): void {
  const options = new Options(args);
  const wanted = options.has('kind') ? [options.oneOf('kind', kinds, 'array')] : kinds;
  for (const kind of wanted) {
    const run: Run = {
      kind,
      choice: options.oneOf('choice', ['insertion', 'lowest'], 'insertion'),
      ids: options.number('ids', 100000),
      layout: options.oneOf('layout', ['geom', 'alt', 'runs'], 'geom'),
      dist: options.number('dist', 16),
      perTx: options.number('pertx', 100),
      budgetMs: options.number('budget', 10) * 1000,
      maxTx: options.number('maxtx', 100000),
      seed: options.number('seed', 1),
    };
    console.log(JSON.stringify(measure(run)));
  }
}
