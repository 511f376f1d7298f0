/** The main job: a put seen from the client to a page on disk, and still there after crashes and reloads. */
import { act, actAndRun, events, expect, leader, openLab, ready, run, state, test } from './lab.ts';

test('a visitor types a put and sees each step of it, down to the pages', async ({ page }) => {
  await openLab(page, '?seed=7&workspace=put&autoplay=1');
  const console_ = page.getByRole('region', { name: 'Console' });
  const prompt = console_.getByRole('textbox');
  await prompt.fill('put greeting hello');
  await prompt.press('Enter');
  await expect(console_).toContainText('OK');
  await prompt.fill('get greeting');
  await prompt.press('Enter');
  await expect(console_).toContainText('hello');
  await expect(page.getByRole('region', { name: 'Logs' })).toContainText('put greeting');
  await run(page, 500);
  for (const type of [
    'raft.replicate',
    'wal.append',
    'wal.synced',
    'raft.commit',
    'mvcc.put',
    'backend.commit',
    'bolt.write',
    'bolt.writeMeta',
  ]) {
    const members = new Set((await events(page, type)).map(({ at }) => at.member));
    expect([type, members.size]).toEqual([type, type === 'raft.replicate' ? 1 : 3]);
  }
  await expect(page.getByRole('region', { name: 'Pages' })).toContainText(/wrote \d+ pages?/);
});

test('the leader is killed: another takes over and the value is still there', async ({ page }) => {
  await openLab(page, '?seed=7&workspace=kill&autoplay=0');
  expect(await actAndRun(page, { type: 'put', key: 'greeting', value: 'hello' }, 1000)).toMatchObject({
    ok: true,
  });
  const first = await leader(page);
  expect(first).not.toBeNull();
  await act(page, { type: 'kill', member: first as number });
  await run(page, 5000);
  const second = await leader(page);
  expect(second).not.toBe(first);
  const got = await actAndRun(page, { type: 'get', key: 'greeting' }, 3000);
  expect(got).toMatchObject({ ok: true, outcome: { ok: true, type: 'get', count: 1 } });
  await act(page, { type: 'restart', member: first as number });
  await run(page, 3000);
  const statuses = await actAndRun(page, { type: 'endpointStatus' }, 3000);
  const rows =
    statuses?.ok && statuses.outcome?.ok && statuses.outcome.type === 'endpointStatus'
      ? statuses.outcome.endpoints
      : [];
  expect(rows.map(({ status }) => status?.raftAppliedIndex)).toHaveLength(3);
  expect(new Set(rows.map(({ status }) => status?.raftAppliedIndex)).size).toBe(1);
});

test('the tab is reloaded at any moment: every acknowledged write comes back', async ({ page }) => {
  await openLab(page, '?seed=11&workspace=reload&autoplay=0');
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 3; i++) {
      const put = await actAndRun(page, { type: 'put', key: `k${round}-${i}`, value: `v${i}` }, 300);
      expect(put).toMatchObject({ ok: true, outcome: { ok: true } });
    }
    // One more is on its way when the tab goes: it may or may not be there, the acknowledged ones must.
    await page.evaluate(() => void window.quorumLab.act({ type: 'put', key: 'late', value: 'x' }));
    await page.reload();
    const opened = await ready(page);
    expect(opened.boot).toBe(round + 2);
    expect(opened.storage).toBe('indexeddb');
    const got = await actAndRun(page, { type: 'get', key: 'k', prefix: true }, 2000);
    expect(got).toMatchObject({ ok: true, outcome: { ok: true, count: 3 * (round + 1) } });
    expect(await page.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
  }
});

test('a leader cut off from the others cannot commit; its entry is replaced after healing', async ({
  page,
}) => {
  await openLab(page, '?seed=7&storage=memory&autoplay=0');
  const old = (await leader(page)) as number;
  await act(page, { type: 'isolate', member: old });
  const endpoint = { endpoints: [`m${old}`] };
  const lost = await actAndRun(page, { type: 'put', key: 'lost', value: 'x', ...endpoint }, 8000);
  expect(lost).toMatchObject({ ok: true, outcome: { ok: false } });
  const others = [1, 2, 3].filter((member) => member !== old).map((member) => `m${member}`);
  const won = await actAndRun(page, { type: 'put', key: 'won', value: 'y', endpoints: others }, 4000);
  expect(won).toMatchObject({ ok: true, outcome: { ok: true } });
  await act(page, { type: 'healAll' });
  await run(page, 4000);
  const replaced = (await events(page, 'raft.append')).filter(
    ({ at, event }) => at.member === old && event.type === 'raft.append' && event.truncated > 0,
  );
  expect(replaced.length).toBeGreaterThan(0);
  const got = await actAndRun(page, { type: 'get', key: '', prefix: true }, 2000);
  expect(got).toMatchObject({ ok: true, outcome: { ok: true, count: 1 } });
});

test('kill -9, power cut and restart leave the stored pages equal to the disk model', async ({ page }) => {
  await openLab(page, '?seed=5&workspace=crash&autoplay=0');
  for (const [round, how] of (['kill', 'powerCut', 'kill', 'powerCut'] as const).entries()) {
    await actAndRun(page, { type: 'put', key: `key${round}`, value: 'v'.repeat(3000) }, 150);
    const member = (round % 3) + 1;
    await act(page, { type: how, member });
    expect(await page.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
    await act(page, { type: 'restart', member });
    await run(page, 3000);
  }
  expect(await page.evaluate(() => window.quorumLab.compareStore())).toEqual([]);
  const got = await actAndRun(page, { type: 'get', key: 'key', prefix: true }, 2000);
  expect(got).toMatchObject({ ok: true, outcome: { ok: true, count: 4 } });
  expect((await state(page)).stopped).toBeNull();
});
