/**
 * Every fault has a control on its object: each type of action that is no client's, each of its fields, each choice
 * and both ends of each range, as the commands' own schema has them, is reached by a menu, a form or a shelf.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { everyFaultName, namesOf } from '../contract/every-fault.ts';
import { actionSchema, parseCommand } from '../../src/host/commands.ts';
import { formAction, formsOf, type FormField, type FormTarget } from '../../src/host/fault-forms.ts';
import { mistakeOf, profileOf, shelfMistakes, shelfProfiles } from '../../src/host/shelf.ts';
import { emptyCluster, foldCluster, type ClusterView } from '../../src/model/cluster-view.ts';
import { commandLine } from '../../src/model/command-line.ts';
import { repairs } from '../../src/model/member-menu.ts';
import { menuOf, type MenuSubject } from '../../src/model/menu-subject.ts';
import { cutAction } from '../../src/model/power-cut-choice.ts';
import { partitionActions, partitions } from '../../src/model/partitions.ts';
import { rotOfPage } from '../../src/model/trouble-menu.ts';
import { parseLine } from '../../src/model/etcdctl/parse.ts';
import { usualLink } from '../../src/sim/link-faults.ts';
import { usualDisk } from '../../src/sim/disk-faults.ts';
import { presentFaults } from '../../src/model/present-faults.ts';
import { electedStory } from './fixtures/story.ts';
import type { Action, LabEvent } from '../../src/sim/types.ts';

const after = (...events: readonly LabEvent[]): ClusterView => {
  const story = electedStory();
  for (const event of events)
    story.tell(event.type === 'sim.cut' || event.type === 'sim.link' ? 0 : 2, event);
  return foldCluster(emptyCluster(3), story.sorted());
};
const sent: LabEvent = {
  ...{
    type: 'sim.send',
    message: 900,
    from: 1,
    to: 2,
    messageType: 'MsgApp',
    sentAt: 0,
    deliverAt: 2_000_000,
  },
  ...{ sizeBytes: 9, term: 1, index: 1, entryCount: 1, reject: false },
};
const link = { type: 'sim.link', from: 1, to: 2, ...usualLink, extraDelayUs: 9 } as const;

/** A quiet cluster, and those in which what ends something can be chosen. */
const views: readonly ClusterView[] = [
  after(sent),
  after({ type: 'sim.kill' }),
  after({ type: 'sim.pause' }),
  after({ type: 'sim.wipe', fileCount: 3 } as LabEvent),
  after({ type: 'sim.cut', from: 1, to: 2 }, link),
  after({ type: 'sim.slowCpu', factor: 9 }, { type: 'sim.image', restored: false, fileCount: 3 }),
  after({ type: 'sim.slowDisk', factor: 9 }),
];
const subjects: readonly MenuSubject[] = [
  { kind: 'member', member: 2 },
  { kind: 'host', host: 4 },
  { kind: 'link', from: 1, to: 2 },
  { kind: 'message', message: 900 },
];
const targets: Readonly<Record<string, FormTarget>> = {
  member: { member: 2 },
  link: { from: 1, to: 2 },
  message: { message: 900, do: 'delay' },
};

/** What a field of a form can be: both ends of a range, each choice. */
function valuesOf(field: FormField): readonly (number | string | readonly string[])[] {
  if (field.kind === 'number') return [field.low, field.high];
  if (field.kind === 'choice') return field.choices.filter((choice) => choice !== '');
  return field.kind === 'flag' ? [0, 1] : field.choices.map((choice) => [choice]);
}

const needed = (fields: readonly FormField[]): Record<string, number | string | readonly string[]> =>
  Object.fromEntries(
    fields
      .filter((field) => field.kind !== 'number' || field.isOptional !== true)
      .map((field) => [field.name, valuesOf(field)[0]]),
  );

const fromForms: readonly Action[] = (['member', 'link', 'message'] as const).flatMap((kind) =>
  formsOf(kind).flatMap((form) =>
    form.type === 'profile'
      ? []
      : form.fields.flatMap((field) =>
          valuesOf(field).map((value) =>
            formAction(form, targets[kind], { ...needed(form.fields), [field.name]: value }),
          ),
        ),
  ),
);

/** What each control offers, by the object that it is on. */
const controls: Readonly<Record<string, readonly Action[]>> = {
  'the menus of members, hosts, links and messages': views.flatMap((view) =>
    subjects.flatMap((subject) => menuOf(view, subject).flatMap(({ commands }) => commands)),
  ),
  'the forms of members, links and messages': fromForms,
  'a page’s own button': [rotOfPage(2, 5, 'leaf') as Action],
  'the preview of a power cut': [cutAction(2, null), cutAction(2, { fates: ['lose', '0-3'], names: 1 })],
  'the guide’s repair': views.flatMap(repairs),
  'the shelf’s mistakes': shelfMistakes.flatMap((mistake) =>
    mistakeOf(mistake, { members: [1, 2, 3], member: 2, revision: 4 }),
  ),
  'the shelf’s partitions': partitions.flatMap((one) => partitionActions(views[0], one, 1)),
  'the host’s profile': shelfProfiles.flatMap((profile) => profileOf(profile, [2], [1, 2, 3])),
};

/** The loads have a control of their own, whose choices stand in its file. */
const loadControl = readFileSync('src/views/controls/LoadControl.svelte', 'utf8');
const loads = [...loadControl.matchAll(/kind: '(\w+)', word/g)].map((found) => `load.kind=${found[1]}`);

test('each fault, each of its fields and each choice in them has a control on the page', () => {
  const offered = new Set(Object.values(controls).flatMap((actions) => actions.flatMap(namesOf)));
  for (const name of ['load', 'load.perSecond', ...loads]) offered.add(name);
  // One that is named in a command as a zero, or by its absence, is no name of its own.
  expect(everyFaultName().filter((name) => !offered.has(name))).toEqual([]);
});

interface Schema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly literal?: unknown;
  readonly wrapped?: Schema;
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

test('a form’s range is the command’s own, from end to end', () => {
  const schemas = actionSchema.options as unknown as readonly Schema[];
  const wrong = (['member', 'link', 'message'] as const)
    .flatMap((kind) => formsOf(kind))
    .flatMap(({ type, fields }) =>
      fields.flatMap((field) => {
        if (field.kind !== 'number') return [];
        const entry = schemas.find(({ entries }) => entries?.type?.literal === type)?.entries?.[field.name];
        const { pipe = [] } = entry?.wrapped ?? entry ?? { type: '' };
        const bound = (name: string) => pipe.find((each) => each.type === name)?.requirement;
        const ends = [bound('min_value'), bound('max_value')];
        return ends[0] === field.low && ends[1] === field.high
          ? []
          : [`${type}.${field.name} ${ends.join()}`];
      }),
    );
  expect(wrong).toEqual([]);
});

test('what a form or a partition asks is a command, and its console line says the same', () => {
  const context = { memberCount: 3, leader: 1 };
  for (const action of [
    ...fromForms,
    ...controls['the shelf’s partitions'],
    ...controls['a page’s own button'],
  ]) {
    expect(parseCommand(action)).toEqual({ ok: true, action });
    const line = commandLine(action as Parameters<typeof commandLine>[0]);
    const read = parseLine(line, context);
    expect(read, line).toMatchObject({ kind: 'lab' });
    const [again] = (read as { readonly actions: readonly Action[] }).actions;
    expect(namesOf(again).toSorted(), line).toEqual(namesOf(action).toSorted());
  }
});

test('a number out of its range is brought into it, an empty one is not named', () => {
  const form = formsOf('member').find(({ type }) => type === 'bitRot');
  if (form === undefined) throw new Error('no form');
  const asked = formAction(form, { member: 2 }, { zone: 'leaf', bits: 9999, page: null });
  expect(asked).toEqual({ type: 'bitRot', member: 2, zone: 'leaf', bits: 4096 });
});

test('what is set now is what the forms begin with', () => {
  const slow = after(
    { type: 'sim.slowCpu', factor: 9 },
    { type: 'sim.disk', ...usualDisk, quotaBytes: 7 },
    link,
  );
  const set = presentFaults(slow, { kind: 'member', member: 2 });
  expect(set.slowCpu).toEqual({ factor: 9 });
  expect(set.disk).toMatchObject({ quotaBytes: 7, lying: 0 });
  expect(presentFaults(slow, { kind: 'member', member: 1 }).slowCpu).toEqual({ factor: 1 });
  expect(presentFaults(slow, { kind: 'link', from: 1, to: 2 }).link).toMatchObject({ extraDelayUs: 9 });
  expect(presentFaults(slow, { kind: 'link', from: 2, to: 1 })).toEqual({});
});

test('partitions cut what they say, and no link twice', () => {
  const view = foldCluster(emptyCluster(5), []);
  const cuts = (name: (typeof partitions)[number], one = 1): string[] =>
    partitionActions(view, name, one).map((action) =>
      'from' in action ? `${action.from}${action.to}` : action.type,
    );
  expect(cuts('alone', 3).toSorted()).toEqual(['13', '23', '31', '32', '34', '35', '43', '53']);
  expect(cuts('deaf').toSorted()).toEqual(['21', '31', '41', '51']);
  expect(cuts('mute').toSorted()).toEqual(['12', '13', '14', '15']);
  expect(cuts('minority')).toHaveLength(2 * 2 * 3);
  expect(cuts('minority')).toContain('13');
  expect(cuts('minority')).not.toContain('12');
  expect(cuts('majority')).not.toContain('13');
  expect(cuts('bridge').toSorted()).toEqual(['13', '14', '23', '24', '31', '32', '41', '42']);
  expect(cuts('ring')).toHaveLength(10);
  expect(cuts('apart')).toHaveLength(20);
  expect(cuts('whole')).toEqual(['healAll']);
  const already = foldCluster(view, [
    { at: { moment: 1, ordinal: 1, timeUs: 1, member: 0 }, event: { type: 'sim.cut', from: 2, to: 3 } },
  ]);
  const actions = partitionActions(already, 'alone', 1);
  expect(actions).toContainEqual({ type: 'heal', from: 2, to: 3 });
  expect(actions.filter(({ type }) => type === 'cut')).toHaveLength(8);
});
