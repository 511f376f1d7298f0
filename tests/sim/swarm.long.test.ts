/** Clusters under a random mix of faults, each from a seed: nothing acknowledged is lost. */
import { expect, test } from 'vitest';
import { stream } from '../../src/base/prng.ts';
import { Member } from '../../src/engine/server/member.ts';
import { ChunkedFile } from '../../src/sim/chunked-file.ts';
import { replay } from '../../src/sim/run.ts';
import { applyStoreOps, toImage } from '../../src/sim/store-ops.ts';
import { defaultWorld } from '../../src/sim/world-config.ts';
import { clusterConfig, Lab } from './worlds.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { DiskImage } from '../../src/engine/server/types.ts';
import type { Action, ClusterConfig } from '../../src/sim/types.ts';

const members = [1, 2, 3];
const firstSeed = 1;
const seedCount = 12;
const rounds = 25;

/** The seed decides the world too: some lose messages, some reorder them, some have no PreVote. */
function configOf(seed: number, draws: Prng): ClusterConfig {
  const isLossy = draws.chance(1, 3);
  const network = { ...defaultWorld.network, loss: { of: isLossy ? 1 : 0, outOf: 20 }, ordered: !isLossy };
  return clusterConfig({ seed, preVote: draws.chance(1, 2), world: { ...defaultWorld, network } });
}

function drawFaults(draws: Prng): Action[] {
  const member = draws.between(1, 3);
  const faults: Action[][] = [
    [{ type: 'kill', member }],
    [{ type: 'powerCut', member }],
    members.map((one) => ({ type: 'powerCut', member: one })),
    [{ type: 'pauseMember', member }],
    [{ type: 'resumeMember', member }],
    [{ type: 'cut', from: member, to: 1 + (member % 3) }],
    [{ type: 'isolate', member }],
    [{ type: 'healAll' }],
    [{ type: 'restart', member }],
    [{ type: 'storeFailed', member, code: 'EIO' }],
  ];
  return faults[draws.below(faults.length)];
}

class Swarm {
  readonly lab: Lab;
  readonly #draws: Prng;
  readonly #stores = members.map(() => new Map<string, ChunkedFile>());
  readonly #keys = new Map<number, string>();

  constructor(config: ClusterConfig, draws: Prng) {
    this.lab = new Lab(Member.boot, config);
    this.#draws = draws;
  }

  round(): void {
    const draws = this.#draws;
    for (let i = draws.below(12); i > 0; i--) {
      const key = `k${this.#keys.size}`;
      const value = 'x'.repeat(draws.below(draws.chance(1, 10) ? 30_000 : 400));
      this.#keys.set(this.lab.cluster.act({ type: 'put', key, value }), key);
    }
    this.lab.runFor(draws.below(draws.chance(1, 2) ? 8000 : 1_000_000));
    for (const fault of drawFaults(draws)) this.lab.cluster.act(fault);
    this.lab.runFor(draws.below(3000));
    this.compareStores();
    if (draws.chance(1, 2)) this.restartFallen();
  }

  heal(): void {
    this.lab.cluster.act({ type: 'healAll' });
    for (const member of members) this.lab.cluster.act({ type: 'resumeMember', member });
    this.lab.runFor(1000);
    this.restartFallen();
    this.lab.runFor(15_000_000);
  }

  /** Revisions of the writes that were acknowledged, by key. */
  acknowledged(): Map<string, number> {
    const revisions = new Map<string, number>();
    for (const [id, key] of this.#keys) {
      const outcome = this.lab.outcomes.get(id);
      if (outcome?.ok === true && outcome.type === 'put') revisions.set(key, outcome.revision);
    }
    return revisions;
  }

  compareStores(): void {
    for (const { member, ops } of this.lab.cluster.takeStoreCommits())
      applyStoreOps(this.#stores[member - 1], ops);
    for (const member of members) {
      expect(difference(toImage(this.#stores[member - 1]), this.lab.cluster.stored(member))).toBeNull();
    }
  }

  restartFallen(): void {
    for (const member of members) {
      const status = this.lab.cluster.memberStatus(member);
      if (status === 'down' || status === 'halted') this.lab.cluster.act({ type: 'restart', member });
    }
  }
}

function difference(a: DiskImage, b: DiskImage): string | null {
  if ([...a.keys()].join() !== [...b.keys()].join())
    return `${[...a.keys()].join()} against ${[...b.keys()].join()}`;
  for (const [name, data] of a) if (Buffer.compare(data, b.get(name) ?? new Uint8Array()) !== 0) return name;
  return null;
}

for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
  test(
    `seed ${seed}: acknowledged writes are there on every member after the faults end`,
    { timeout: 60_000 },
    () => {
      const draws = stream(seed, 'swarm');
      const config = configOf(seed, draws);
      const swarm = new Swarm(config, draws);
      swarm.lab.runFor(2_500_000);
      for (let round = 0; round < rounds; round++) swarm.round();
      swarm.heal();
      const acknowledged = swarm.acknowledged();
      expect(acknowledged.size).toBeGreaterThan(0);
      for (const member of members) {
        const outcome = swarm.lab.do({
          type: 'get',
          key: 'k',
          prefix: true,
          keysOnly: true,
          endpoints: [`m${member}`],
        });
        if (outcome?.ok !== true || outcome.type !== 'get')
          throw new Error(`m${member}: ${JSON.stringify(outcome)}`);
        const found = new Map(
          outcome.kvs.map(({ key, modRevision }) => [Buffer.from(key).toString(), modRevision]),
        );
        for (const [key, revision] of acknowledged) expect([key, found.get(key)]).toEqual([key, revision]);
      }
      const { cluster } = swarm.lab;
      const again = replay(config, cluster.interventions, Member.boot, cluster.moment);
      expect(again.cluster.chainHash).toBe(cluster.chainHash);
    },
  );
}
