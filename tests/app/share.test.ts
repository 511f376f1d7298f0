/** Runs to be given away: links of what the lab ships with are short, and open where they were looked at. */
import { expect, test } from 'vitest';
import type { RunFile } from '../../src/host/port.ts';
import { readLink } from '../../src/host/run-link.ts';
import {
  clusterScenarios,
  keyScenarios,
  leaseScenarios,
  scenarioSettings,
  type Scenario,
} from '../../src/model/scenarios.ts';
import { bugScenario, plantableBugs } from '../../src/model/planted-bugs.ts';
import { shareRun } from '../../src/app/share.ts';

/** An address as a site's may be. */
const page = 'https://lab.example.org/quorum/lab/?seed=4294967295&view=spacetime&scenario=leader-crash';

const shipped: readonly (readonly [string, Scenario])[] = [
  ...Object.entries({ ...clusterScenarios, ...keyScenarios, ...leaseScenarios }),
  ...plantableBugs.map((bug) => [bug, bugScenario(bug)] as const),
];

/** The run file of a scenario, each step at a moment of six digits. */
function fileOf(name: string, scenario: Scenario): RunFile {
  const interventions = scenario(1).map(({ does }, i) => ({ moment: 100_003 + i * 997, action: does }));
  return {
    ...{ format: 'qlrun', version: 1, engine: 'quorum-lab 0.1.0 0123456789abcdef', seed: 4294967295 },
    ...{
      members: 3,
      preVote: true,
      settings: scenarioSettings[name] ?? {},
      boot: 1,
      startedFromStore: false,
    },
    ...{ origin: null, moment: 999_983, chainHash: '0123456789abcdef', interventions, error: null },
    planted: plantableBugs.filter((bug) => bug === name),
  };
}

test('a link of every scenario, looked at in its past, has at most 2,000 characters', async () => {
  const lengths: Record<string, number> = {};
  for (const [name, scenario] of shipped) {
    const { whole, upToHere } = await shareRun(fileOf(name, scenario), 999_979, page);
    const both = [whole?.link?.length ?? Infinity, upToHere?.link?.length ?? Infinity];
    lengths[name] = Math.max(...both);
  }
  expect(Object.keys(lengths).length).toBeGreaterThan(20);
  expect(Object.entries(lengths).filter(([, length]) => length > 2000)).toEqual([]);
});

test('the whole run goes along with the moment that is shown; the part ends there, without what came after', async () => {
  const file = fileOf('leader-crash', clusterScenarios['leader-crash'] as Scenario);
  const shown = file.interventions[1]?.moment ?? 0;
  const { whole, upToHere } = await shareRun(file, shown, page);
  const opened = async (link: string | null | undefined) => readLink(new URL(link ?? '').hash);
  expect(await opened(whole?.link)).toMatchObject({
    ok: true,
    run: { moment: file.moment, chainHash: file.chainHash, shown, interventions: file.interventions },
  });
  expect(await opened(upToHere?.link)).toMatchObject({
    ok: true,
    run: { moment: shown, interventions: file.interventions.slice(0, 1) },
  });
  const now = await shareRun(file, null, page);
  expect(now).toMatchObject({ whole: { shown: null } });
  expect(now.upToHere).toBeUndefined();
});
