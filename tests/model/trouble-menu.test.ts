/** The menu of a host's troubles: what goes on is known by its events, and the last entry ends it. */
import { expect, test } from 'vitest';
import { emptyCluster, foldCluster } from '../../src/model/cluster-view.ts';
import { faultLine, readFault } from '../../src/model/etcdctl/world-fault-line.ts';
import { linkMenu } from '../../src/model/fault-menus.ts';
import { repairs } from '../../src/model/member-menu.ts';
import { troubleMenu } from '../../src/model/trouble-menu.ts';
import { actionProblem } from '../../src/sim/actions.ts';
import { parseCommand } from '../../src/host/commands.ts';
import type { ClusterView } from '../../src/model/cluster-view.ts';
import type { WorldFault } from '../../src/sim/fault-types.ts';
import type { LabEvent } from '../../src/sim/types.ts';

function after(...events: readonly LabEvent[]): ClusterView {
  const told = events.map((event, i) => ({
    at: { moment: i + 1, ordinal: 65536, timeUs: i, member: 2 },
    event,
  }));
  return foldCluster(emptyCluster(3), told);
}

const commandsOf = (view: ClusterView): WorldFault[] =>
  [...troubleMenu(view, 2), ...linkMenu(view, 1, 2)].flatMap(
    ({ commands }) => commands as readonly WorldFault[],
  );

test('each entry’s command makes sense, and the console’s line for it is read back as it', () => {
  const kept: LabEvent = { type: 'sim.image', restored: false, fileCount: 3 };
  const commands = commandsOf(after(kept));
  expect(commands.length).toBeGreaterThan(18);
  for (const command of commands) {
    expect(actionProblem(command, [1, 2, 3])).toBeNull();
    expect(parseCommand(command)).toEqual({ ok: true, action: command });
    if ((command.type as string) === 'cut') continue;
    const [word, ...args] = faultLine(command).split(' ');
    expect(word).toBe('fault');
    const read = readFault({ args, given: new Map() }, { memberCount: 3, leader: 1 });
    expect(read).toEqual({ kind: 'lab', actions: [command] });
  }
});

test('what goes on cannot be begun again, and the host as usual ends it', () => {
  const slow: LabEvent = { type: 'sim.slowCpu', factor: 100 };
  const clock: LabEvent = { type: 'sim.clockRate', perMille: 3000, clockUs: 5 };
  const entryOf = (view: ClusterView, id: string) => troubleMenu(view, 2).find((entry) => entry.id === id);
  expect(entryOf(after(), 'usualHost')?.hindrance).toBe('noTrouble');
  expect(entryOf(after(), 'restoreImage')?.hindrance).toBe('noImage');
  const view = after(slow, clock);
  expect(entryOf(view, 'slowCpu')?.hindrance).toBe('alreadySo');
  expect(entryOf(view, 'usualHost')?.commands).toEqual([
    { type: 'slowCpu', member: 2, factor: 1 },
    { type: 'clockRate', member: 2, perMille: 1000 },
  ]);
  expect(repairs(view)).toEqual([{ type: 'healEverything' }]);
  const ended = after(slow, clock, { ...slow, factor: 1 }, { ...clock, perMille: 1000 });
  expect(entryOf(ended, 'usualHost')?.hindrance).toBe('noTrouble');
  expect(troubleMenu(after(), 4)).toEqual([]);
  // a disk that stalls may become full as well
  const usual = { syncMinUs: 0, syncMeanUs: 0, writeMinUs: 0, writeMeanUs: 0, stallPerMille: 200 };
  const rest = { bytesPerSecond: 0, quotaBytes: 0, misdirectPerMille: 0, lying: 0 };
  const reads = { readMinUs: 0, readMeanUs: 0, operationsPerSecond: 0 };
  const weights = { ...reads, keptWeight: 0, lostWeight: 0, tornWeight: 0 };
  const stalling = after({ type: 'sim.disk', stallUs: 1_000_000, ...usual, ...rest, ...weights });
  expect(entryOf(stalling, 'stalls')?.hindrance).toBe('alreadySo');
  expect(entryOf(stalling, 'fullDisk')?.hindrance).toBeNull();
});

test('a link keeps what else is wrong with it, and its usual entry ends all of it', () => {
  const flap: LabEvent = { type: 'sim.flap', from: 1, to: 2, upUs: 5000, downUs: 5000 };
  const none = {
    bytesPerSecond: 0,
    queueBytes: 0,
    clogPerMille: 0,
    clogMeanUs: 0,
    dropTypes: [],
    duplicatePerMille: 0,
    reorderPerMille: 0,
    corruptPerMille: 0,
  };
  const bad: LabEvent = {
    type: 'sim.link',
    from: 1,
    to: 2,
    ...none,
    extraDelayUs: 7,
    lossPerMille: 0,
    jitterUs: 50_000,
  };
  const menu = linkMenu(after(flap, bad), 1, 2);
  const commandsFor = (id: string) => menu.find((entry) => entry.id === id)?.commands;
  expect(commandsFor('jitter')).toEqual([]);
  expect(commandsFor('flap')).toEqual([]);
  const lossy = { type: 'link', from: 1, to: 2, extraDelayUs: 7, lossPerMille: 100, jitterUs: 50_000 };
  expect(commandsFor('lose')).toEqual([lossy]);
  expect(commandsFor('usualLink')).toEqual([
    { type: 'flap', from: 1, to: 2, upUs: 0, downUs: 0 },
    { type: 'link', from: 1, to: 2, extraDelayUs: 0, lossPerMille: 0 },
  ]);
});
