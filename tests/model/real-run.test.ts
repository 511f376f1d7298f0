/** The folds beside the engine itself: what the pictures show is what the members say when they are asked. */
import { expect, test } from 'vitest';
import { openInProcess } from '../../src/host/in-process.ts';
import { Lab } from '../../src/model/lab.svelte.ts';
import { stateOf } from '../../src/model/log-view.ts';
import { mapKinds } from '../../src/model/page-map.ts';

async function runLab(): Promise<Lab> {
  const lab = new Lab(openInProcess());
  await lab.open({
    seed: 11,
    members: 3,
    storage: 'memory',
    layout: 'one',
    workspace: 'fold-test',
    lookOnly: false,
    preVote: true,
    startPaused: true,
  });
  const put = async (key: string, value: string): Promise<void> => {
    const done = lab.act({ type: 'put', key, value });
    await lab.run(400_000);
    expect(await done).toMatchObject({ ok: true, outcome: { ok: true } });
  };
  for (let i = 0; i < 12; i++) await put(`key-${i}`, 'v'.repeat(900));
  await put('greeting', 'hello');
  await lab.act({ type: 'kill', member: lab.leader?.id ?? 1 });
  await lab.run(4_000_000);
  await put('greeting', 'again');
  await lab.run(1_000_000);
  return lab;
}

test('after puts and a kill, logs and page maps equal what each member answers', async () => {
  const lab = await runLab();
  const running = lab.cluster.members.filter(({ process }) => process === 'up').map(({ id }) => id);
  expect(running).toHaveLength(2);
  for (const member of running) {
    const log = lab.logs.members[member - 1];
    const asked = await lab.inspect({ kind: 'log', member, from: log.firstIndex, limit: 1000 });
    if (!asked.ok || asked.answer.kind !== 'log') throw new Error('no log');
    expect(log.entries.map(({ index, term, label }) => ({ index, term, label }))).toEqual(
      asked.answer.entries,
    );
    expect(stateOf(log, log.firstIndex + log.entries.length - 1)).toBe('applied');

    const pages = await lab.inspect({ kind: 'pages', member });
    if (!pages.ok || pages.answer.kind !== 'pages') throw new Error('no pages');
    const kinds = pages.answer.runs.flatMap(({ kind, count }) => Array.from({ length: count }, () => kind));
    expect([...lab.pages.members[member - 1].kinds].map((kind) => mapKinds[kind])).toEqual(kinds);
  }
  expect(lab.journey.label).toContain('greeting');
  expect(lab.journey.stations.filter(({ litAtUs }) => litAtUs === null)).toEqual([]);
  expect(
    lab.journey.stations
      .at(-1)
      ?.marks.map(({ member }) => member)
      .toSorted(),
  ).toEqual(running);
});
