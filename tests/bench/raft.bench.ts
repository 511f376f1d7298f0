/**
 * Proposals, idle ticks and ReadIndex on clusters of raw nodes in memory: the protocol and the fields of
 * upstream's Go twin.
 *
 * Nodes start from a snapshot at index 2; electionTick 10, heartbeatTick 1, maxSizePerMsg 512 KiB,
 * maxInflightMsgs 512, checkQuorum and preVote; node 1 leads. A round proposes a batch, then drains: each
 * node handles its Readys (save, append, queue the messages, count the applied bytes, advance), then the
 * queue is delivered in order, by reference, until nothing is left. A quarter of the time goes before as
 * warm-up; and since code is compiled here while it runs, the process has done rounds of each kind before
 * the first cluster that counts.
 */
import { performance } from 'node:perf_hooks';
import v8 from 'node:v8';
import { emptyBytes } from '../../src/base/bytes.ts';
import { stream } from '../../src/base/prng.ts';
import { RawNode } from '../../src/engine/raft/rawnode.ts';
import { MemoryStorage } from '../../src/engine/raft/storage.ts';
import type { Message } from '../../src/engine/raft/types.ts';
import { logIndex, nodeId, none, term } from '../../src/engine/raft/types.ts';

/** What one run measured. `bytesPerOp` is of the heap; V8 does not count allocations. */
interface Result {
  readonly impl: 'quorum-lab';
  readonly bench: 'propose' | 'idle' | 'readindex';
  readonly nodes: number;
  readonly payload?: number;
  readonly batch?: number;
  readonly seconds: number;
  readonly commits?: number;
  readonly commitsPerSec?: number;
  readonly nsPerCommit?: number;
  readonly msgs: number;
  readonly msgsPerSec: number;
  readonly msgsPerCommit?: number;
  readonly allocsPerOp: null;
  readonly bytesPerOp: number;
  readonly ticks?: number;
  readonly ticksPerSec?: number;
  readonly node: string;
}

const compactAbove = 16384;
const kept = 4096;

class Cluster {
  readonly nodes: RawNode[] = [];
  readonly #storages: MemoryStorage[] = [];
  readonly #applied: number[] = [];
  #queue: Message[] = [];
  messages = 0;
  commits = 0;
  bytes = 0;

  constructor(count: number) {
    const voters = Array.from({ length: count }, (_, i) => nodeId(i + 1));
    const confState = { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
    for (const id of voters) {
      const storage = new MemoryStorage();
      storage.applySnapshot({ data: emptyBytes, index: logIndex(2), term: term(1), confState });
      storage.setHardState({ term: term(1), vote: none, commit: logIndex(2) });
      const node = new RawNode({
        id,
        electionTick: 10,
        heartbeatTick: 1,
        storage,
        applied: logIndex(2),
        maxSizePerMsg: 512 * 1024,
        maxInflightMsgs: 512,
        checkQuorum: true,
        preVote: true,
        random: stream(1, 'raft', id),
      });
      this.nodes.push(node);
      this.#storages.push(storage);
      this.#applied.push(2);
    }
    this.leader.campaign();
    this.drain();
    this.#mustLead();
  }

  get leader(): RawNode {
    return this.nodes[0];
  }

  drain(): void {
    for (let busy = true; busy;) {
      busy = false;
      for (let i = 0; i < this.nodes.length; i++) {
        while (this.nodes[i].hasReady()) {
          busy = true;
          this.#handle(i);
        }
      }
      if (this.#queue.length === 0) continue;
      busy = true;
      const queue = this.#queue;
      this.#queue = [];
      this.messages += queue.length;
      for (const m of queue) this.nodes[m.to - 1].step(m);
    }
  }

  #handle(i: number): void {
    const node = this.nodes[i];
    const storage = this.#storages[i];
    const { hardState, snapshot, entries, messages, committedEntries } = node.ready();
    if (hardState !== null) storage.setHardState(hardState);
    if (snapshot !== null) storage.applySnapshot(snapshot);
    if (entries.length > 0) storage.append(entries);
    for (const m of messages) this.#queue.push(m);
    const count = committedEntries.length;
    if (count > 0) {
      for (const entry of committedEntries) this.bytes += entry.data.length;
      this.#applied[i] = committedEntries[count - 1].index;
      if (i === 0) this.commits += count;
    }
    node.advance();
  }

  compact(): void {
    this.#storages.forEach((storage, i) => {
      const applied = this.#applied[i];
      if (applied > storage.firstIndex() + compactAbove) storage.compact(logIndex(applied - kept));
    });
  }

  /** All nodes have applied the same, and node 1 still leads. */
  check(): void {
    if (this.#applied.some((applied) => applied !== this.#applied[0])) throw new Error('not converged');
    this.#mustLead();
  }

  #mustLead(): void {
    if (this.leader.basicStatus().state !== 'StateLeader') throw new Error('no leader');
  }
}

/** Repeats `round` for so many seconds. @returns the seconds it took */
function repeatFor(seconds: number, round: () => void): number {
  const start = performance.now();
  const end = start + seconds * 1000;
  while (performance.now() < end) round();
  return (performance.now() - start) / 1000;
}

/** Heap bytes that the rounds allocate, by the growth between collections. */
function allocated(rounds: number, round: () => void): number {
  let bytes = 0;
  let before = v8.getHeapStatistics().used_heap_size;
  for (let i = 0; i < rounds; i++) {
    round();
    const now = v8.getHeapStatistics().used_heap_size;
    bytes += Math.max(0, now - before);
    before = now;
  }
  return bytes;
}

/** Rounds of each kind, by number and not by time: on a busy machine the compiler gets its share all the same. */
function warmUp(): void {
  const data = new Uint8Array(100);
  for (const nodes of [1, 3]) {
    const cluster = new Cluster(nodes);
    for (let i = 0; i < 4000; i++) {
      for (let k = i % 8 === 0 ? 32 : 1; k > 0; k--) cluster.leader.propose(data);
      cluster.drain();
      cluster.leader.readIndex(contextOf(i));
      cluster.drain();
      for (const node of cluster.nodes) node.tick();
      cluster.drain();
      cluster.compact();
    }
    cluster.check();
  }
}

const contextOf = (read: number): Uint8Array => Buffer.from(String(read), 'latin1');

function propose(nodes: number, payload: number, batch: number, seconds: number): Result {
  const cluster = new Cluster(nodes);
  const data = Uint8Array.from({ length: payload }, (_, i) => 97 + (i % 26));
  const round = (): void => {
    for (let i = 0; i < batch; i++) cluster.leader.propose(data);
    cluster.drain();
    cluster.compact();
  };
  repeatFor(seconds / 4, round);
  const [commitsBefore, messagesBefore] = [cluster.commits, cluster.messages];
  const took = repeatFor(seconds, round);
  const commits = cluster.commits - commitsBefore;
  const msgs = cluster.messages - messagesBefore;
  cluster.check();
  const rounds = Math.ceil(4096 / batch);
  const bytesPerOp = allocated(rounds, round) / (rounds * batch);
  const about = { impl: 'quorum-lab', bench: 'propose', nodes, payload, batch, seconds: took } as const;
  return { ...about, ...perCommit(commits, msgs, took), bytesPerOp, ...constants };
}

function idle(nodes: number, seconds: number): Result {
  const cluster = new Cluster(nodes);
  let ticks = 0;
  const round = (): void => {
    for (const node of cluster.nodes) node.tick();
    cluster.drain();
    ticks++;
  };
  for (let i = 0; i < 2000; i++) round();
  const messagesBefore = cluster.messages;
  ticks = 0;
  const took = repeatFor(seconds, () => {
    for (let i = 0; i < 32; i++) round();
  });
  const msgs = cluster.messages - messagesBefore;
  const measured = ticks;
  cluster.check();
  const bytesPerOp = allocated(4096, round) / 4096;
  return {
    impl: 'quorum-lab',
    bench: 'idle',
    nodes,
    seconds: took,
    msgs,
    msgsPerSec: msgs / took,
    bytesPerOp,
    ticks: measured,
    ticksPerSec: measured / took,
    ...constants,
  };
}

function readIndex(nodes: number, batch: number, seconds: number): Result {
  const cluster = new Cluster(nodes);
  let reads = 0;
  const round = (): void => {
    for (let i = 0; i < batch; i++) cluster.leader.readIndex(contextOf(++reads));
    cluster.drain();
  };
  for (let i = 0; i < 200; i++) round();
  const [readsBefore, messagesBefore] = [reads, cluster.messages];
  const took = repeatFor(seconds, round);
  const [count, msgs] = [reads - readsBefore, cluster.messages - messagesBefore];
  cluster.check();
  const rounds = Math.ceil(4096 / batch);
  const bytesPerOp = allocated(rounds, round) / (rounds * batch);
  const about = { impl: 'quorum-lab', bench: 'readindex', nodes, batch, seconds: took } as const;
  return { ...about, ...perCommit(count, msgs, took), bytesPerOp, ...constants };
}

const constants = { allocsPerOp: null, node: process.version } as const;

/** The twin calls a read a commit too. */
function perCommit(commits: number, msgs: number, seconds: number) {
  return {
    commits,
    commitsPerSec: commits / seconds,
    nsPerCommit: (seconds * 1e9) / commits,
    msgs,
    msgsPerSec: msgs / seconds,
    msgsPerCommit: msgs / commits,
  };
}

const nsPerOp = (result: Result): number => result.nsPerCommit ?? 1e9 / (result.ticksPerSec ?? 0);

/** Prints the median of `reps` runs, with the least and the greatest time. */
function report(reps: number, run: () => Result): void {
  const results = Array.from({ length: reps }, run).sort((a, b) => nsPerOp(a) - nsPerOp(b));
  const median = results[Math.floor(reps / 2)];
  const range = { reps, minNsPerOp: nsPerOp(results[0]), maxNsPerOp: nsPerOp(results[reps - 1]) };
  console.log(JSON.stringify({ ...median, ...range }));
}

/** `--dur 1s --reps 3 --only propose|idle|readindex --nodes 1,3,5,7 --payload 100,1024 --batch 1,64,1024` */
export function bench(args: readonly string[]): void {
  const text = (name: string, otherwise: string): string => {
    const at = args.findIndex((arg) => arg === `--${name}` || arg === `-${name}`);
    return at < 0 ? otherwise : (args[at + 1] ?? otherwise);
  };
  const list = (name: string, otherwise: string): number[] => text(name, otherwise).split(',').map(Number);
  const duration = text('dur', '1s');
  const seconds = duration.endsWith('ms') ? parseFloat(duration) / 1000 : parseFloat(duration);
  const reps = Number(text('reps', '3'));
  const only = text('only', '');
  const wants = (name: string): boolean => only === '' || only === name;
  warmUp();
  for (const nodes of list('nodes', '1,3,5,7')) {
    if (wants('propose')) {
      for (const payload of list('payload', '100,1024'))
        for (const batch of list('batch', '1,64,1024'))
          report(reps, () => propose(nodes, payload, batch, seconds));
    }
    if (wants('idle')) report(reps, () => idle(nodes, seconds));
    if (wants('readindex')) {
      for (const batch of [1, 64]) report(reps, () => readIndex(nodes, batch, seconds));
    }
  }
}
