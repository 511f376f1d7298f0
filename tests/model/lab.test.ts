import { expect, test } from 'vitest';
import { Console } from '../../src/model/console.svelte.ts';
import { Lab } from '../../src/model/lab.svelte.ts';
import { SteadyClock } from '../../src/model/steady-clock.ts';
import { StoryPort } from './fixtures/story-port.ts';
import type { LabOptions } from '../../src/host/port.ts';

const options: LabOptions = {
  seed: 7,
  members: 3,
  storage: 'memory',
  layout: 'one',
  workspace: 'test',
  lookOnly: false,
  preVote: true,
};

async function openLab(): Promise<{ lab: Lab; port: StoryPort }> {
  const port = new StoryPort();
  const lab = new Lab(port);
  await lab.open(options);
  return { lab, port };
}

test('an opened lab shows who leads before anything is done', async () => {
  const { lab } = await openLab();
  expect(lab.phase.kind).toBe('open');
  expect(lab.leader?.id).toBe(2);
  expect(lab.hint.kind).toBe('put');
});

test('a lab that does not open says why', async () => {
  const port = new StoryPort();
  port.open = () => Promise.resolve({ ok: false, code: 'locked', message: 'another tab holds it' });
  const lab = new Lab(port);
  await lab.open(options);
  expect(lab.phase).toEqual({ kind: 'closed', code: 'locked', message: 'another tab holds it' });
});

test('opening again starts the views afresh', async () => {
  const { lab } = await openLab();
  const events = lab.eventsSince(-1).length;
  await lab.open(options);
  expect(lab.eventsSince(-1)).toHaveLength(events);
});

test('important sentences are spoken one at a time, the newest of them', async () => {
  const { lab, port } = await openLab();
  lab.frame(0);
  const first = lab.spoken;
  expect(first).not.toBe('');
  port.story.kill(2);
  port.playTo(port.story.timeUs + 1);
  await port.story.elect(3);
  port.playTo(port.story.timeUs);
  lab.frame(500);
  expect(lab.spoken).toBe(first);
  lab.frame(5_000);
  expect(lab.spoken).toBe('m3 has transaction 3 in its pages on disk.');
});

test('shown time runs on between batches, but hardly past what was told, and stands while paused', () => {
  const clock = new SteadyClock();
  clock.set(1_000_000, 20_000);
  expect(clock.at(0)).toBe(1_000_000);
  expect(clock.at(10)).toBe(1_000_200);
  expect(clock.at(10_000)).toBe(1_000_680);
  clock.set(1_000_400, 20_000);
  expect(clock.at(10_001)).toBe(1_000_680);
  clock.set(1_000_500, 0);
  expect([clock.at(10_002), clock.at(99_999)]).toEqual([1_000_500, 1_000_500]);
});

test('the console answers a put in etcdctl’s words and keeps what was typed', async () => {
  const { lab } = await openLab();
  const console = new Console({
    act: (command) => lab.act(command),
    context: () => ({ memberCount: 3, leader: 2 }),
    listen: () => () => {},
    hurry: () => Promise.resolve(),
    download: () => {},
  });
  await console.run('put greeting hello');
  await console.run('kill leader');
  await console.run('put greeting');
  expect(console.lines.map(({ stream, text }) => `${stream}: ${text}`).slice(0, 4)).toEqual([
    'typed: put greeting hello',
    'out: OK',
    'typed: kill leader',
    'out: m2 killed; what it wrote is still on its disk',
  ]);
  expect(console.lines[5].stream).toBe('error');
  expect(console.recall('', 'older')).toBe('put greeting');
  expect(await console.complete('endpoint st', 11)).toEqual({ line: 'endpoint status ', at: 16 });
});
