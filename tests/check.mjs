// npm run check: types, house rules and unit tests side by side, without a browser and without the suites that take their time.
import { spawn } from 'node:child_process';

/** Random histories, recorded data and whole clusters: `npm run unit` runs them all. */
const slow = [
  'tests/contract/**',
  'tests/**/*.long.test.ts',
  'tests/**/*.property.test.ts',
  'tests/**/*golden*.test.ts',
  'tests/**/simulation.test.ts',
  'tests/engine/bolt/{damage,reverse,window}.test.ts',
  'tests/engine/server/{restart,failures}.test.ts',
  'tests/model/{real-run,history,recorded,lease-view}.test.ts',
  'tests/sim/{etcd-cluster,leases,disk,load}.test.ts',
];

const run = (command, args) =>
  new Promise((ended) => {
    const child = spawn(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
    child.on('close', (code) => ended(code ?? 1));
  });

let code = await run('npm', ['run', '-s', 'words']);
if (code === 0) {
  const excluded = slow.flatMap((pattern) => ['--exclude', pattern]);
  const codes = await Promise.all([
    run('npm', ['run', '-s', 'types:only']),
    run('npx', ['vitest', 'run', '--no-isolate', '--reporter=dot', ...excluded]),
  ]);
  code = Math.max(...codes);
}
process.exitCode = code;
