/** A lab that was reloaded is given away: all its boots are done again elsewhere, to the same hash. */
import { readFile } from 'node:fs/promises';
import { actAndRun, expect, openLab, ready, run, test } from './lab.ts';

const query = (kind: string) => `?seed=21&workspace=persisted&autoplay=0&storage=${kind}`;

for (const kind of ['auto', 'opfs'])
  test(`${kind}: three boots, saved as a file, come out as they were in another browser`, async ({
    page,
    browser,
  }) => {
    await openLab(page, query(kind));
    await actAndRun(page, { type: 'put', key: 'greeting', value: 'hello' }, 300);
    await actAndRun(page, { type: 'cut', from: 1, to: 2 }, 300);
    await actAndRun(page, { type: 'kill', member: 3 }, 1500);
    await page.reload();
    expect(await ready(page)).toMatchObject({ boot: 2, lossNotice: null });
    await actAndRun(page, { type: 'put', key: 'again', value: 'hello' }, 500);
    await page.reload();
    expect(await ready(page)).toMatchObject({ boot: 3, lossNotice: null });
    await actAndRun(page, { type: 'put', key: 'third', value: 'hello' }, 500);
    const { moment, chainHash } = await page.evaluate(() => window.quorumLab.state());
    const told = await page.evaluate(() => window.quorumLab.runFile());
    expect(told.earlier?.map(({ interventions }) => interventions.map(({ action }) => action.type))).toEqual([
      ['put', 'cut', 'kill'],
      ['put'],
    ]);

    await page.getByRole('button', { name: 'Share…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Share this run' });
    const link = await dialog.getByLabel('Link').inputValue();
    const saving = page.waitForEvent('download');
    await dialog.getByRole('button', { name: 'Save as a file' }).click();
    const bytes = await readFile(await (await saving).path());

    const other = await browser.newContext();
    const there = await other.newPage();
    const proven = there.getByRole('status').filter({ hasText: 'done again: 5 actions' });
    await there.goto(link);
    expect(await ready(there)).toMatchObject({ boot: 3, seed: 21, moment, chainHash, storage: 'memory' });
    await expect(proven).toContainText('came out as it was');
    await there.goto('about:blank');
    await there.goto(new URL('?storage=memory&autoplay=0', link).href);
    await ready(there);
    const file = { name: 'kept.qlrun', mimeType: 'application/json', buffer: bytes };
    await there.locator('input[type=file]').setInputFiles(file);
    await expect(proven).toContainText('came out as it was');
    expect(await there.evaluate(() => window.quorumLab.state())).toMatchObject({ moment, chainHash });
    await run(there, 500);
    await other.close();
  });

/** What a store of the first format held: no inputs. */
function makeOld(): Promise<void> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('quorum-lab/persisted');
    opening.onerror = () => reject(opening.error as DOMException);
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction('meta', 'readwrite');
      const meta = transaction.objectStore('meta');
      meta.delete('inputs');
      meta.get('lab').onsuccess = ({ target }) => {
        const { result } = target as IDBRequest<object>;
        meta.put({ ...result, formatVersion: 1 }, 'lab');
      };
      transaction.oncomplete = () => {
        database.close();
        resolve();
      };
    };
  });
}

test('a lab that was stored before there were inputs is saved with its files, and another engine is told', async ({
  page,
  browser,
}) => {
  await openLab(page, query('auto'));
  await actAndRun(page, { type: 'put', key: 'old', value: 'times' }, 500);
  await page.goto('about:blank');
  await page.goto('embed.html?storage=memory&autoplay=0');
  await page.evaluate(makeOld);
  await openLab(page, query('auto'));
  await actAndRun(page, { type: 'put', key: 'new', value: 'times' }, 500);
  const { moment, chainHash } = await page.evaluate(() => window.quorumLab.state());
  await page.getByRole('button', { name: 'Share…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Share this run' });
  await expect(dialog).toContainText('began with files, which no link holds');
  const saving = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Save as a file' }).click();
  const text = await readFile(await (await saving).path(), 'utf8');

  const other = await browser.newContext();
  const there = await other.newPage();
  const opened = async (changed: string): Promise<void> => {
    const file = { name: 'kept.qlrun', mimeType: 'application/json', buffer: Buffer.from(changed) };
    await there.locator('input[type=file]').setInputFiles(file);
  };
  const notice = there.getByRole('status').filter({ hasText: 'done again' });
  await there.goto(new URL('?storage=memory&autoplay=0', page.url()).href);
  await ready(there);
  await opened(text);
  await expect(notice).toContainText('came out as it was');
  await expect(notice).not.toContainText('another engine');
  expect(await there.evaluate(() => window.quorumLab.state())).toMatchObject({ boot: 2, moment, chainHash });
  await opened(text.replace(/"engine":"[^"]*"/, '"engine":"quorum-lab 0.0.9 ffffffffffffffff"'));
  await expect(notice).toContainText('made with another engine: quorum-lab 0.0.9 ffffffffffffffff');
  await opened(text.replace(/"images":"....../, '"images":"AAAAAA'));
  await expect(there.locator('[data-file-problem]')).toContainText('The files that it began with');
  await other.close();
});
