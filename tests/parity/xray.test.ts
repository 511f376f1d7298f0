/** Files that a real etcd 3.4.23 wrote, and what is known of them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { differences } from './bolt/lines.ts';
import { xrayFacts } from './xray.ts';
import { readManifest } from './xray/manifest.ts';

const dir = 'tests/testdata/xray';
const manifests = readdirSync(dir).filter((name) => name.endsWith('.manifest.json'));

for (const name of manifests) {
  const file = name.replace('.manifest.json', '');
  test(`${file} of a real etcd is read, restored and served as that etcd did`, { timeout: 60_000 }, () => {
    const facts = xrayFacts(dir, readManifest(join(dir, name)));
    const found = facts.flatMap(({ name: fact, expected, actual }) =>
      differences({ [fact]: expected }, { [fact]: actual }),
    );
    expect(found).toEqual([]);
    expect(facts.length).toBeGreaterThan(80);
  });
}
