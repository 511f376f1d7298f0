/** The menus of disks, links and messages, and the fold that they read. */
import { expect, test } from 'vitest';
import { emptyCluster, foldCluster, type ClusterView } from '../../src/model/cluster-view.ts';
import { diskMenu, linkMenu, messageMenu } from '../../src/model/fault-menus.ts';
import { repairs } from '../../src/model/member-menu.ts';
import { electedStory } from './fixtures/story.ts';
import { usualLink } from '../../src/sim/link-faults.ts';
import type { SimEvent } from '../../src/sim/events.ts';

const viewOf = (story = electedStory()): ClusterView => foldCluster(emptyCluster(3), story.sorted());
const openOf = (menu: readonly { id: string; hindrance: string | null }[]): string[] =>
  menu.filter(({ hindrance }) => hindrance === null).map(({ id }) => id);

test('a disk is slowed or as usual, whichever it is not', () => {
  expect(openOf(diskMenu(viewOf(), 2))).toEqual(['slowDisk']);
  const slow = viewOf(electedStory().tell(2, { type: 'sim.slowDisk', factor: 10 }));
  expect(openOf(diskMenu(slow, 2))).toEqual(['usualDisk']);
  expect(diskMenu(slow, 2)[1].commands).toEqual([{ type: 'slowDisk', member: 2, factor: 1 }]);
  expect(openOf(diskMenu(slow, 1))).toEqual(['slowDisk']);
  expect(diskMenu(slow, 4)).toEqual([]);
});

const others = ['jitter', 'copy', 'reorder', 'corrupt', 'clog', 'narrow', 'filter'];

test('a link is cut, healed, delayed and made lossy in its direction; delay and loss go together', () => {
  expect(openOf(linkMenu(viewOf(), 1, 2))).toEqual([
    'cutThere',
    'cutBoth',
    'flap',
    'delay',
    'lose',
    ...others,
  ]);
  const story = electedStory().tell(0, { type: 'sim.cut', from: 2, to: 1 });
  story.tell(0, { type: 'sim.link', from: 1, to: 2, ...usualLink, extraDelayUs: 50_000 });
  const view = viewOf(story);
  expect(openOf(linkMenu(view, 1, 2))).toEqual([
    'cutThere',
    'cutBoth',
    'healBoth',
    'flap',
    'lose',
    ...others,
    'usualLink',
  ]);
  expect(openOf(linkMenu(view, 2, 1))).toEqual([
    'cutBoth',
    'healThere',
    'healBoth',
    'flap',
    'delay',
    'lose',
    ...others,
  ]);
  const commandsOf = (id: string) => linkMenu(view, 1, 2).find((entry) => entry.id === id)?.commands;
  expect(commandsOf('cutBoth')).toEqual([{ type: 'cut', from: 1, to: 2 }]);
  expect(commandsOf('lose')).toEqual([
    { type: 'link', from: 1, to: 2, extraDelayUs: 50_000, lossPerMille: 100 },
  ]);
  const mended = { type: 'sim.link', from: 1, to: 2, ...usualLink } as const;
  expect(viewOf(story.tell(0, mended)).badLinks).toEqual([]);
  expect(linkMenu(view, 1, 1)).toEqual([]);
});

const sent: Extract<SimEvent, { type: 'sim.send' }> = {
  type: 'sim.send',
  message: 900,
  from: 1,
  to: 2,
  messageType: 'MsgApp',
  sentAt: 0,
  deliverAt: 2000,
  sizeBytes: 9,
  term: 1,
  index: 1,
  entryCount: 1,
  reject: false,
};

test('a message is held and let go; what is gone can be nothing any more', () => {
  const story = electedStory().tell(1, sent);
  expect(openOf(messageMenu(viewOf(story), 900))).toEqual(['hold', 'deliver', 'delay', 'duplicate', 'drop']);
  story.tell(1, { type: 'sim.hold', message: 900, because: 'command' });
  const held = viewOf(story);
  expect(held.messages.find(({ id }) => id === 900)?.waiting).toMatchObject({ because: 'command' });
  expect(openOf(messageMenu(held, 900))).toEqual(['deliver', 'duplicate', 'drop']);
  const released = { type: 'sim.release', message: 900, because: 'command', deliverAt: 7777 } as const;
  const let_ = viewOf(story.tell(1, released));
  expect(let_.messages.find(({ id }) => id === 900)).toMatchObject({ waiting: null, deliverAtUs: 7777 });
  const arrived = viewOf(story.tell(2, { type: 'sim.deliver', message: 900 }));
  expect(openOf(messageMenu(arrived, 900))).toEqual([]);
  expect(messageMenu(arrived, 900)[0].hindrance).toBe('gone');
});

test('repair mends bad links and lets held messages go', () => {
  const bad = electedStory().tell(0, { type: 'sim.link', from: 1, to: 2, ...usualLink, extraDelayUs: 9 });
  expect(repairs(viewOf(bad))).toEqual([{ type: 'healAll' }]);
  const held = electedStory().tell(1, sent).tell(1, { type: 'sim.hold', message: 900, because: 'command' });
  expect(repairs(viewOf(held))).toEqual([{ type: 'healAll' }]);
});

test('the last report of a load is in the picture until the load has ended', () => {
  const report = { perSecond: 50, issued: 50, ok: 50, failed: 0, dropped: 0, p50Us: 9000, p99Us: 12_000 };
  const story = electedStory().tell(0, { type: 'sim.load', kind: 'hotKey', waiting: 1, ...report });
  expect(viewOf(story).load).toEqual({ kind: 'hotKey', waiting: 1, ...report });
  story.tell(0, { type: 'sim.load', kind: 'none', waiting: 0, ...report });
  expect(viewOf(story).load).toBeNull();
});
