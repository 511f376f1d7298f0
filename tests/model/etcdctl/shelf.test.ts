/** The shelf in the console: hosts of a kind, mistakes and bugs by their words, done as lines that are printed. */
import { expect, test } from 'vitest';
import { Member } from '../../../src/engine/server/member.ts';
import { parseCommand } from '../../../src/host/commands.ts';
import { mistakeOf, profileOf, shelfMistakes, shelfProfiles } from '../../../src/host/shelf.ts';
import { Console } from '../../../src/model/console.svelte.ts';
import { complete } from '../../../src/model/etcdctl/complete.ts';
import { helpLines } from '../../../src/model/etcdctl/help.ts';
import { parseLine } from '../../../src/model/etcdctl/parse.ts';
import { hostNamed, hostWords, mistakeNamed, mistakeWords } from '../../../src/model/etcdctl/shelf-names.ts';
import type { MenuAction } from '../../../src/model/command-line.ts';
import { Lab } from '../../sim/worlds.ts';

const context = { memberCount: 3, leader: 2 };
const parsed = (line: string): unknown => parseLine(line, context);
const candidates = (line: string): readonly string[] => complete(line, line.length, 3).candidates;

function rig(): { lab: Lab; console: Console; planted: string[] } {
  const lab = new Lab(Member.boot);
  lab.runFor(3_000_000);
  const planted: string[] = [];
  const console = new Console({
    act: (command) => {
      const read = parseCommand(command);
      if (!read.ok) return Promise.resolve(read);
      return Promise.resolve({ ok: true, moment: 0, timeUs: 0, outcome: lab.do(read.action) });
    },
    context: () => context,
    listen: () => () => {},
    hurry: () => Promise.resolve(),
    download: () => {},
    profileOf: (profile, members) => profileOf(profile, members, [1, 2, 3]),
    mistakeOf: (mistake, member) =>
      mistakeOf(mistake, { members: [1, 2, 3], member: member ?? 1, revision: 2 }) as readonly MenuAction[],
    plant: (bug) => planted.push(bug),
  });
  return { lab, console, planted };
}

test('every host and mistake of the shelf has a word, which Tab completes and the help tells', () => {
  expect(hostWords.map(hostNamed).sort()).toEqual([...shelfProfiles].sort());
  expect(mistakeWords.map(mistakeNamed).sort()).toEqual([...shelfMistakes].sort());
  expect(candidates('host ')).toEqual([...hostWords, 'm1', 'm2', 'm3', 'all']);
  expect(candidates('mistake wi')).toEqual(['wipe-one-member']);
  expect(candidates('plant half')).toEqual(['halfIsQuorum']);
  expect(helpLines('host').join('\n')).toContain('spinning-disk');
  expect(helpLines('mistake').join('\n')).toContain('old-backup');
});

test('lines of the shelf are read, and refused with what there is', () => {
  expect(parsed('host spinning-disk leader')).toEqual({
    kind: 'host',
    profile: 'spinningDisk',
    members: [2],
  });
  expect(parsed('mistake compact-now')).toEqual({ kind: 'mistake', mistake: 'compactNow', member: null });
  expect(parsed('mistake wipe-one-member m3')).toMatchObject({ mistake: 'wipeOneMember', member: 3 });
  expect(parsed('plant halfIsQuorum')).toEqual({ kind: 'plant', bug: 'halfIsQuorum' });
  expect(parsed('host laptpo m1')).toMatchObject({
    message: 'no host "laptpo"',
    hint: 'Did you mean laptop?',
  });
  expect(parsed('host laptop')).toMatchObject({ message: 'host needs a member' });
  expect(parsed('mistake compact-now m4')).toMatchObject({ message: 'no member "m4"' });
  expect(parsed('plant')).toMatchObject({ message: 'bug needs a name' });
  expect(parsed('plant toString')).toMatchObject({ message: 'no bug "toString"' });
});

test('a host of a kind is set step by step; what is so already does not end it', async () => {
  const { lab, console } = rig();
  expect(await console.run('host small m1')).toBeNull();
  const [disks, links] = [lab.cluster.reach.diskSettings, lab.cluster.reach.linkFaults];
  expect([disks, links]).toEqual([1, 4]);
  await console.run('host cross-region m1');
  expect(lab.cluster.reach.linkFaults).toBe(8);
  expect(
    console.lines.some(
      ({ text }) => text.startsWith('> link m1 m2') || text.startsWith('> fault link m1 m2'),
    ),
  ).toBe(true);
});

test('a mistake is done as its commands, with their answers; a bug leaves for another lab', async () => {
  const { lab, console, planted } = rig();
  lab.do({ type: 'put', key: 'a', value: '1' });
  await console.run('mistake delete-everything');
  expect(console.lines.map(({ text }) => text).slice(-2)).toEqual(['> del "" --from-key', '1']);
  await console.run('mistake wipe-one-member m3');
  expect(lab.cluster.reach.wipes).toBe(1);
  expect(await console.run('mistake old-backup m2')).toMatch(/no image/);
  await console.run('plant halfIsQuorum');
  expect(planted).toEqual(['halfIsQuorum']);
});
