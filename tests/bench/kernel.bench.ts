/** Inputs a second in Node: the kernel with members that do next to nothing, and with etcd's members. */
import { performance } from 'node:perf_hooks';
import { Member } from '../../src/engine/server/member.ts';
import { Cluster } from '../../src/sim/cluster.ts';
import { Members, runUntil } from '../../src/sim/run.ts';
import type { MemberConfig, MemberOutput } from '../../src/engine/server/types.ts';
import type { Boot } from '../../src/sim/run.ts';
import type { ClusterConfig } from '../../src/sim/types.ts';

const config: ClusterConfig = {
  seed: 1,
  memberCount: 3,
  images: [new Map(), new Map(), new Map()],
  boot: 1,
  startUs: 0,
  trace: { on: false, emit: () => {} },
  preVote: true,
};

interface Measured {
  readonly inputs: number;
  readonly inputsPerSecond: number;
  readonly chainHash: string;
}

function measure(cluster: Cluster, boot: Boot, until: (cluster: Cluster) => boolean): Measured {
  const members = new Members(boot);
  // members boot and elect; the code gets warm
  runUntil(cluster, members, ({ nowUs }) => nowUs > 3_000_000);
  const firstMoment = cluster.moment;
  const startMs = performance.now();
  runUntil(cluster, members, (one) => {
    one.takeStoreCommits();
    return until(one);
  });
  const seconds = (performance.now() - startMs) / 1000;
  const inputs = cluster.moment - firstMoment;
  return { inputs, inputsPerSecond: Math.round(inputs / seconds), chainHash: cluster.chainHash };
}

/** Each member passes every message on to the next one: kernel, network and hash are all the work. */
const ringBoot: Boot = (member) => ({
  member: { step: () => passOn(member) },
  output: passOn(member, 20),
});

function passOn(member: MemberConfig, count = 1): MemberOutput {
  const to = member.peers[member.nodeId % member.peers.length].nodeId;
  const message = {
    to,
    bytes: ringBytes,
    messageType: 'MsgApp',
    term: 0,
    index: 0,
    entryCount: 0,
    reject: false,
  };
  const sends = Array.from({ length: count }, () => message);
  return { sends, disk: [], replies: [], timers: [], events: [], digest: [member.nodeId, 7], halted: null };
}

const ringBytes = new Uint8Array(64);

/** Puts come in groups of 100; a new group starts when all of the last are answered. */
function loadedUntil(groups: number): (cluster: Cluster) => boolean {
  let started = 0;
  return (cluster) => {
    if (cluster.inFlight.requests > 0) return false;
    if (started === groups) return true;
    started++;
    for (let i = 0; i < 100; i++) cluster.act({ type: 'put', key: `key-${i}`, value: 'x'.repeat(100) });
    return false;
  };
}

/** Prints one JSON line. */
export function bench(): void {
  const ring = measure(new Cluster(config), ringBoot, ({ moment }) => moment >= 400_000);
  const idle = measure(new Cluster(config), Member.boot, ({ nowUs }) => nowUs > 120_000_000);
  const groups = 10;
  const startMs = performance.now();
  const loaded = measure(new Cluster(config), Member.boot, loadedUntil(groups));
  const putSeconds = (performance.now() - startMs) / 1000;
  console.log(
    JSON.stringify({
      bench: 'kernel',
      inputsPerSecond: ring.inputsPerSecond,
      inputs: ring.inputs,
      etcdIdleInputsPerSecond: idle.inputsPerSecond,
      etcdPutInputsPerSecond: loaded.inputsPerSecond,
      putsPerSecond: Math.round((groups * 100) / putSeconds),
      chainHashes: [ring.chainHash, idle.chainHash, loaded.chainHash],
    }),
  );
}
