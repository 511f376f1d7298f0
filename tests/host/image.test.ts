/** Database files of a real etcd 3.4.23 and of nobody, opened as labs. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { largestImageBytes, openImage } from '../../src/host/image.ts';
import { openInProcess } from '../../src/host/in-process.ts';
import type { LabImage, LabOptions } from '../../src/host/port.ts';
import { readRunText } from '../../src/host/run-schema.ts';
import { keysLike, totalsOf } from '../../src/model/keys-view.ts';
import { Lab } from '../../src/model/lab.svelte.ts';
import { findFile } from '../parity/xray/files.ts';
import { readManifest, type Facts } from '../parity/xray/manifest.ts';

const dir = 'tests/testdata/xray';
const optionsFrom = (image: LabImage): LabOptions => ({
  seed: 9,
  members: 3,
  storage: 'auto',
  layout: 'one',
  workspace: 'home',
  lookOnly: false,
  preVote: true,
  startPaused: true,
  image,
});
const small = { name: 'small.db', data: findFile(dir, 'a-small.snapshot.db').bytes };

for (const name of ['a-small.snapshot.db', 'c-k8s-defragmented.snapshot.db', 'e-member-n2-killed.db']) {
  test(`${name} becomes a lab of one member that answers with the revision, count and hash of its etcd`, async () => {
    const manifest = readManifest(join(dir, `${name}.manifest.json`));
    const { bytes } = findFile(dir, name);
    const lab = openInProcess();
    const opened = await lab.open(optionsFrom({ name, data: bytes }));
    if (!opened.ok) throw new Error(opened.message);
    const { origin, members, storage, boot } = opened.state;
    expect({ members, storage, boot }).toEqual({ members: 1, storage: 'memory', boot: 1 });
    const [mvcc, hashed, status] = ['mvcc', 'hashkv_recomputed', 'snapshot_status_recomputed'].map(
      (section) => manifest[section] as Facts,
    );
    expect(origin).toMatchObject({
      file: name,
      sha256: manifest['sha256_of_file'],
      hashed: manifest['has_sha256_trailer'],
      revision: mvcc['last_main_revision'],
      keyCount: mvcc['live_keys'],
      hashKv: hashed['hash'],
      status: { hash: status['hash'], totalKey: status['total_key'], totalSize: status['total_size'] },
    });

    const asked = lab.act({ type: 'endpointHashKv' });
    await lab.run(2_000_000);
    const answer = await asked;
    expect(answer).toMatchObject({
      ok: true,
      outcome: { ok: true, endpoints: [{ error: null, hash: origin?.hashKv }] },
    });
    const run = await lab.runFile();
    expect(run.startedFromStore).toBe(true);
    expect(run.origin).toEqual(origin);
    await lab.close();

    const read = await readRunText(JSON.stringify(run));
    if (!read.ok) throw new Error(read.message);
    const again = openInProcess();
    await again.open({ ...optionsFrom({ name, data: bytes }), run: read.run });
    const { chainHash, replayed } = await again.state();
    expect([chainHash, replayed?.proven]).toEqual([run.chainHash, true]);
    await again.close();
  });
}

test('a file comes as a blob as well, and without its hash it is taken for the database alone', async () => {
  const bare = small.data.subarray(0, small.data.length - 32);
  const [whole, plain] = [
    await openImage({ name: 'a', data: new Blob([small.data.slice()]) }),
    await openImage({ name: 'a', data: bare }),
  ];
  if (!whole.ok || !plain.ok) throw new Error('refused');
  expect([whole.origin.hashed, plain.origin.hashed]).toEqual([true, false]);
  expect(plain.origin.hashKv).toBe(whole.origin.hashKv);
});

test('what is no database, or a damaged or cut one, is refused in a sentence', async () => {
  const changed = small.data.slice();
  changed[9000] ^= 0x20;
  const text = new Uint8Array(5000).fill(0x61);
  const refusals = [
    [changed, 'its hash does not fit, so it was changed or cut since it was saved'],
    [small.data.subarray(0, 300_000), 'it is no etcd database, or one that was cut short'],
    [text, 'it is no etcd database, or one that was cut short'],
    [new Uint8Array(0), 'it is no etcd database, or one that was cut short'],
  ] as const;
  for (const [data, why] of refusals) {
    const opened = await openInProcess().open(optionsFrom({ name: 'x', data }));
    expect(opened).toMatchObject({ ok: false, code: 'bad file' });
    expect(opened.ok ? '' : opened.message).toContain(`"x" cannot be opened as a lab: ${why}`);
  }
});

test('a file too large to hold is refused before it is read', async () => {
  const data = { size: largestImageBytes + 1, arrayBuffer: () => Promise.reject(new Error('read')) };
  const opened = await openImage({ name: 'big', data: data as unknown as Blob });
  expect(opened.ok ? '' : opened.message).toBe(
    '"big" cannot be opened as a lab: it has 129 MiB; at most 128 MiB fit.',
  );
});

test('a page that goes over to such a lab shows its keys with all their revisions, and the lab before is closed', async () => {
  const before = openInProcess();
  const lab = new Lab(before);
  await lab.open({ ...optionsFrom(small), image: undefined, storage: 'memory' });
  const next = openInProcess();
  const opened = await next.open(optionsFrom(small));
  if (!opened.ok) throw new Error(opened.message);
  await lab.moveTo(next, opened.state);
  expect(lab.cluster.members).toHaveLength(1);
  const { origin } = opened.state;
  const histories = keysLike(lab.keys.members[0], '');
  expect(totalsOf(histories).alive).toBe(origin?.keyCount);
  expect(lab.keys.members[0]).toMatchObject({
    revision: origin?.revision,
    compactRevision: origin?.compactRevision,
  });
  const asked = lab.act({ type: 'put', key: 'probe', value: '1' });
  await lab.run(1_000_000);
  expect(await asked).toMatchObject({ ok: true, outcome: { ok: true } });
  expect(keysLike(lab.keys.members[0], 'probe')).toHaveLength(1);
  expect(await before.act({ type: 'get', key: 'a' })).toMatchObject({ ok: false, code: 'not open' });
  await next.close();
});
