import { expect, test } from 'vitest';
import { emptyCluster, foldCluster } from '../../src/model/cluster-view.ts';
import { memberActions, repairs, toggleLink } from '../../src/model/member-menu.ts';
import { electedStory } from './fixtures/story.ts';

const viewOf = (story = electedStory()) => foldCluster(emptyCluster(3), story.sorted());
const open = (view = viewOf(), id = 1) =>
  memberActions(view, id)
    .filter(({ hindrance }) => hindrance === null)
    .map(({ id: name }) => name);

test('what would change nothing is disabled, and says why', () => {
  expect(open()).toEqual(['stopMember', 'kill', 'powerCut', 'pauseMember', 'isolate']);
  const killed = viewOf(electedStory().kill(1));
  expect(open(killed)).toEqual(['restart', 'isolate']);
  expect(memberActions(killed, 1).find(({ id }) => id === 'kill')?.hindrance).toBe('notRunning');
  expect(memberActions(killed, 2).find(({ id }) => id === 'restart')?.hindrance).toBe('running');
});

test('healing a member heals its own cut links and no others', () => {
  const story = electedStory();
  story.tell(0, { type: 'sim.cut', from: 1, to: 2 }).tell(0, { type: 'sim.cut', from: 2, to: 3 });
  const heal = memberActions(viewOf(story), 1).find(({ id }) => id === 'heal');
  expect(heal?.commands).toEqual([{ type: 'heal', from: 1, to: 2 }]);
});

test('repair brings back what stopped, sleeps or is cut, and is empty when all is well', () => {
  const story = electedStory();
  expect(repairs(viewOf(story))).toEqual([]);
  story.kill(1).tell(3, { type: 'sim.pause' }).tell(0, { type: 'sim.cut', from: 1, to: 2 });
  expect(repairs(viewOf(story))).toEqual([
    { type: 'restart', member: 1 },
    { type: 'resumeMember', member: 3 },
    { type: 'healAll' },
  ]);
});

test('a link that is cut in one direction is healed in both', () => {
  const story = electedStory().tell(0, { type: 'sim.cut', from: 2, to: 1 });
  expect(toggleLink(viewOf(story), 1, 2).map(({ type }) => type)).toEqual(['heal', 'heal']);
  expect(toggleLink(viewOf(story), 1, 3).map(({ type }) => type)).toEqual(['cut', 'cut']);
});
