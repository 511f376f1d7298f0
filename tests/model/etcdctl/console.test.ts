/** The console as a reader uses it: what goes on, what is read, pasted, stopped, saved and completed. */
import { expect, test, vi } from 'vitest';
import { snapshotStatus } from '../../../src/engine/server/snapshot-status.ts';
import { openDb } from '../../../src/engine/backend/backend.ts';
import { MemoryPager } from '../../../src/engine/bolt/pager.ts';
import { databaseOf } from '../../../src/engine/server/restore.ts';
import { perfLines } from '../../../src/model/etcdctl/report-format.ts';
import { ConsoleRig } from './console-rig.ts';

vi.setConfig({ testTimeout: 60_000 });

test('several watches go on while commands are given; Ctrl+C ends the newest, Stop any', async () => {
  const rig = new ConsoleRig(3);
  const { console } = rig;
  await console.run('watch a');
  await console.run('watch "" --prefix -w json');
  expect(console.standing.map(({ title }) => title)).toEqual(['watch a', 'watch "" --prefix -w json']);
  await console.run('put a 1');
  rig.run(300_000);
  const both = rig.printed();
  expect(both.slice(0, 1)).toEqual(['OK']);
  expect(both).toEqual(expect.arrayContaining(['PUT', 'a', '1']));
  expect(both.filter((line) => line.startsWith('{"Header"'))).toHaveLength(1);
  console.interrupt();
  await vi.waitFor(() => expect(console.standing).toHaveLength(1));
  await console.run('put a 2');
  rig.run(300_000);
  expect(rig.printed()).toEqual(['OK', 'PUT', 'a', '2']);
  await console.stop(console.standing[0].request);
  await console.run('put a 3');
  rig.run(300_000);
  expect(rig.printed()).toEqual(['OK']);
});

test('the member that a watch is at dies, and the console prints what comes next all the same', async () => {
  const rig = new ConsoleRig(3);
  const { console } = rig;
  await console.run('watch k --endpoints m1,m2,m3');
  for (const member of ['m1', 'm2', 'm3']) {
    await console.run(`kill ${member}`);
    rig.run(4_000_000);
    await console.run(`put k ${member}`);
    rig.run(1_000_000);
    await console.run(`restart ${member}`);
    rig.run(4_000_000);
  }
  const heard = rig.printed().filter((line) => /^m\d$/.test(line));
  expect(heard).toEqual(['m1', 'm2', 'm3']);
});

test('a lease is kept alive, each renewal printed, until it is stopped', async () => {
  const rig = new ConsoleRig();
  const { console } = rig;
  rig.elsewhere('lease grant 3');
  await console.run('lease list');
  const id = rig.printed()[1];
  await console.run(`lease keep-alive ${id}`);
  rig.run(3_500_000);
  expect(rig.printed()).toEqual(Array.from({ length: 4 }, () => `lease ${id} keepalived with TTL(3)`));
  rig.elsewhere(`lease revoke ${id}`);
  rig.run(1_500_000);
  expect(rig.printed()).toEqual([`lease ${id} expired or revoked.`]);
  expect(console.standing).toEqual([]);
});

test('pasted lines, here-strings and here-documents are read as typed ones are', async () => {
  const rig = new ConsoleRig();
  const { console } = rig;
  await console.paste(['txn', 'mod("k") = "0"', '', 'put k pasted', '', '', 'get k']);
  expect(rig.printed()).toEqual(['SUCCESS', '', 'OK', 'k', 'pasted']);
  await console.paste(['txn <<EOF', 'mod("k") > "0"', '', 'get k', '', '', 'EOF']);
  expect(rig.printed()).toEqual(['SUCCESS', '', 'k', 'pasted']);
  await console.paste(['txn <<EOF', 'mod("k") > "0"', 'EOF']);
  expect(rig.printed()).toEqual(['Error: EOF']);
  await console.run(String.raw`txn <<< $'val("k") = "pasted"\n\nput k \'escaped\'\n\n'`);
  expect(rig.printed().at(0)).toBe('SUCCESS');
  await console.paste(['etcdctl txn <<< \'mod("k") > "0"', '', 'del k', '', "'"]);
  expect(rig.printed()).toEqual(['SUCCESS', '', '1']);
  await console.run('put "<<" "<<<"');
  await console.run('get "<<"');
  expect(rig.printed()).toEqual(['OK', '<<', '<<<']);
  await console.paste(['txn <<EOF', 'mod(k) > "0"', '', 'put k never', '', '', 'EOF', 'get k']);
  expect(rig.printed()).toEqual(['Error: malformed comparison: mod(k) > "0"; got mod("")  ""']);
  expect(console.lines.at(-1)).toMatchObject({ stream: 'hint', text: '6 pasted lines were left out' });
  await console.run('get k <<< x');
  expect(rig.printed()).toEqual(['Error: get reads no input here']);
});

test('Ctrl+C leaves what reads lines, a button’s line is no line of it, and words are completed in it', async () => {
  const rig = new ConsoleRig();
  const { console } = rig;
  await console.run('txn -i');
  expect([console.prompt, await console.complete('mo', 2)]).toEqual(['compares', { line: 'mod(', at: 4 }]);
  await console.enter('');
  expect(await console.complete('g', 1)).toEqual({ line: 'get ', at: 4 });
  expect(await console.complete('get a --pref', 12)).toEqual({ line: 'get a --prefix ', at: 15 });
  await console.run('put k button');
  expect([console.prompt, rig.printed().at(-1)]).toEqual(['success requests', 'OK']);
  console.interrupt();
  expect(console.prompt).toBeNull();
  expect(console.lines.at(-1)).toMatchObject({ stream: 'read', text: '^C' });
  await console.enter('get k --print-value-only');
  expect(rig.printed()).toEqual(['button']);
  expect([console.recall('txn', 'older'), console.recall('', 'newer')]).toEqual(['txn -i', 'txn']);
  expect(await console.complete('snap', 4)).toEqual({ line: 'snapshot ', at: 9 });
  expect(await console.complete('watch k --prog', 14)).toEqual({
    line: 'watch k --progress-notify ',
    at: 26,
  });
});

test('a txn’s single quotes are cut as 3.4 cuts them, and a compare that panics there is answered', async () => {
  const rig = new ConsoleRig();
  const { console } = rig;
  await console.paste(['txn', '', "put k 'two words'", 'get k', '', '']);
  expect(rig.printed()).toEqual(['SUCCESS', '', 'OK', '', 'k', 't']);
  expect(console.lines.map(({ text }) => text)).toContain(
    'etcdctl 3.4 cuts \'two words\', which is in single quotes: write "double quotes".',
  );
  await console.paste(['txn', 'mod("k") >= "1"']);
  expect(rig.printed()).toEqual(['Error: Unknown result op']);
  await console.paste(['txn', 'lease("k") = "0"', '', 'get k', '', '']);
  expect(rig.printed()).toEqual(['SUCCESS', '', 'k', 't']);
  await console.run('txn -w table');
  expect([rig.printed(), console.prompt]).toEqual([['Error: table not supported as output format'], null]);
});

test('a saved snapshot is downloaded whole, has its status, and is restored where the page can', async () => {
  const rig = new ConsoleRig(3);
  const { console } = rig;
  await console.run('put a 1');
  await console.run('snapshot save backups/b.db --endpoints m2');
  const [{ name, bytes }] = rig.downloads;
  expect([name, rig.printed()]).toEqual(['b.db', ['OK', 'Snapshot saved at backups/b.db']]);
  const status = snapshotStatus(openDb(new MemoryPager(databaseOf(bytes, false))));
  await console.run('snapshot status backups/b.db -w json');
  await console.run('snapshot status last -w json');
  const { hash, revision, totalKey, totalSize } = status;
  const line = JSON.stringify({ hash, revision, totalKey, totalSize });
  expect([revision, rig.printed()]).toEqual([2, [line, line]]);
  await console.run('snapshot restore last');
  expect(rig.printed()).toEqual(['Error: this page restores no files: drop the file on the page of the lab']);
  await console.run('snapshot save s.db --endpoints m1,m2');
  expect(rig.printed()[0]).toMatch(
    /snapshot must be requested to one selected node, not multiple \[m1 m2\]$/,
  );
});

test('--cluster asks the members of the list, not all hosts; without one that answers it says so', async () => {
  const rig = new ConsoleRig(3);
  const { console } = rig;
  await console.run('kill m3');
  rig.run(2_000_000);
  await console.run('endpoint health --cluster --endpoints m1');
  const lines = rig.printed().slice(1);
  expect(lines.filter((line) => line.includes(' is healthy'))).toHaveLength(2);
  expect(lines).toContain(
    'http://127.0.0.1:32379 is unhealthy: failed to commit proposal: context deadline exceeded',
  );
  expect(lines.at(-1)).toBe('Error: unhealthy cluster');
  await console.run('endpoint status --cluster --endpoints m3');
  const failed = 'failed to fetch endpoints from etcd cluster member list: context deadline exceeded';
  expect(rig.printed()).toEqual([`Error: ${failed}`]);
});

test('a check’s figures pass or fail by etcdctl’s bounds', () => {
  const good = {
    ...{ limit: 150, issued: 300, totalUs: 2_000_000, errors: [], compacted: 9, defragmented: ['m1'] },
    latenciesUs: Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? 2_000 : 4_000)),
  };
  expect(perfLines(good)).toEqual([
    'Compacting with revision 9',
    'Compacted with revision 9',
    'Defragmenting "m1"',
    'Defragmented "m1"',
    'PASS: Throughput is 151 writes/s',
    'PASS: Slowest request took 0.004000s',
    'PASS: Stddev is 0.001000s',
    'PASS',
  ]);
  const bad = {
    ...{ ...good, compacted: null, defragmented: [], totalUs: 4_000_000 },
    latenciesUs: [1_000, 600_000],
    errors: [{ message: 'etcdserver: no leader', count: 3 }],
  };
  expect(perfLines(bad)).toEqual([
    'FAIL: too many errors',
    'FAIL: ERROR(etcdserver: no leader) -> 3',
    'FAIL: Throughput too low: 1 writes/s',
    'Slowest request took too long: 0.600000s',
    'Stddev too high: 0.299500s',
    'FAIL',
  ]);
});
