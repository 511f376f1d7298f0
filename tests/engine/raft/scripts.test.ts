/** The core against scripts: ours, made with the real Go code, and upstream's where they are at hand. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { noDefects } from '../../../src/engine/defects.ts';
import { parseScript, structure } from './harness/datadriven.ts';
import { Environment } from './harness/environment.ts';
import { runScript, runScripts, scriptsBelow } from './harness/runner.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const data = resolve(root, 'tests/testdata/raft');
const upstream = resolve(root, '../shared/conformance/raft/upstream');

for (const path of [...scriptsBelow(resolve(data, 'golden')), ...scriptsBelow(resolve(data, 'ours'))]) {
  test(`script ${path.slice(data.length + 1)}`, () => {
    const { failed, passed, report } = runScript(path);
    expect(report).toBe('');
    expect(failed).toBe(0);
    expect(passed).toBeGreaterThan(10);
  });
}

for (const script of ['stories/learner_snapshot_joint', 'random/conf_1']) {
  test(`the state trace of ${script} is the one that the real code wrote, line by line`, () => {
    const lines: string[] = [];
    const environment = new Environment(noDefects, {
      traceEvent: (event) => lines.push(JSON.stringify(event)),
    });
    const ours = resolve(data, 'ours');
    for (const block of parseScript(readFileSync(resolve(ours, `${script}.txt`), 'utf8')))
      environment.handle(block);
    const recorded = readFileSync(resolve(ours, 'traces', `${basename(script)}.ndjson`), 'utf8');
    expect(lines).toEqual(recorded.trimEnd().split('\n'));
  });
}

for (const path of scriptsBelow(resolve(data, 'museum'))) {
  test(`museum script ${basename(path)}`, () => {
    const { failed, passed, report } = runScript(path);
    expect(report).toBe('');
    expect(failed).toBe(0);
    expect(passed).toBeGreaterThan(20);
  });
}

for (const path of scriptsBelow(resolve(data, 'museum')).filter((name) => name.endsWith('.broken.txt'))) {
  test(`the violation of ${basename(path)} does not happen with its switch off`, () => {
    const environment = new Environment(noDefects);
    const differing = parseScript(readFileSync(path, 'utf8')).filter(
      (block) => structure(environment.handle(block)).join('\n') !== structure(block.expected).join('\n'),
    );
    expect(differing.length).toBeGreaterThan(0);
  });
}

test.skipIf(!existsSync(upstream))("upstream's own scripts: interaction, confchange, quorum", () => {
  const { failed, passed, report } = runScripts(upstream);
  expect(report).toBe('');
  expect(failed).toBe(0);
  expect(passed).toBe(743);
});

test('a script that expects something else fails, with the difference in the report', () => {
  const block = parseScript('committed cfg=(1,2,3) idx=(5,6,7)\n----\n6\n')[0];
  expect(block).toMatchObject({ command: 'committed', expected: ['6'], line: 1 });
  expect(structure(['INFO 1 became leader', '', '  DEBUG x'])).toEqual(['ok']);
  expect(structure(['  1->2 MsgApp', 'INFO x'])).toEqual(['  1->2 MsgApp']);
});
