/** Members come, go and are replaced at random; more seeds: `npm run fuzz -- membership --seeds 100`. */
import { expect, test } from 'vitest';
import { MembershipSwarm } from './membership-swarm.ts';

for (const seed of [1, 2, 3, 4]) {
  test(
    `seed ${seed}: replicas agree and lose nothing while members come and go under faults`,
    { timeout: 60_000 },
    () => {
      const swarm = new MembershipSwarm(seed);
      swarm.run();
      expect(swarm.reach.acknowledged).toBeGreaterThan(0);
      expect(swarm.reach.elections).toBeGreaterThan(0);
    },
  );
}
