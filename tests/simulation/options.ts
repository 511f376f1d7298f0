/** What `npm run sim` is told. */
import { beyond, survivable } from './kinds.ts';
import { noDefects } from '../../src/engine/defects.ts';
import { faultKinds } from '../../src/sim/swarm-faults.ts';
import type { Defects } from '../../src/engine/defects.ts';
import type { FaultKind } from '../../src/sim/swarm-faults.ts';

export interface Options {
  readonly firstSeed: number;
  readonly lastSeed: number;
  readonly members: number;
  readonly faults: readonly FaultKind[];
  /** Virtual time of each seed's faults. */
  readonly virtualUs: number;
  readonly perSecond: number;
  /** Bugs that are planted in all members. */
  readonly defects: readonly (keyof Defects)[];
  /** Whether a failing run is made smaller; it takes many runs. */
  readonly shrinks: boolean;
  /** The ids of the mutations to run; null: none; empty: all. */
  readonly mutations: readonly string[] | null;
}

export const usage =
  'usage: npm run sim -- [--seeds A..B | --seed N] [--members 1..9] [--faults all|all,beyond|none|KIND,KIND] [--minutes M] ' +
  '[--rate REQUESTS_A_SECOND] [--defect NAME,NAME] [--shrink no], or --mutation ID,ID, or --mutations, ' +
  'or --run FILE.qlrun, or --plan FILE';

const minuteUs = 60_000_000;

/** @throws Error in words for what makes no sense */
export function readOptions(args: readonly string[]): Options {
  const known = [
    'seeds',
    'seed',
    'members',
    'faults',
    'minutes',
    'rate',
    'mutation',
    'mutations',
    'defect',
    'shrink',
  ];
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const name = args[i].slice(2);
    if (!args[i].startsWith('--') || !known.includes(name)) throw new Error(`what is ${args[i]}?\n${usage}`);
    values.set(name, name === 'mutations' ? '' : (args[++i] ?? ''));
  }
  const [firstSeed, lastSeed] = seedsOf(values);
  const mutation = values.get('mutation');
  return {
    firstSeed,
    lastSeed,
    members: wholeNumber(values.get('members') ?? '3', 'members', 1, 9),
    faults: kindsOf(values.get('faults') ?? 'all'),
    virtualUs: Math.floor(Number(positive(values.get('minutes') ?? '1', 'minutes')) * minuteUs),
    perSecond: wholeNumber(values.get('rate') ?? '2', 'rate', 1, 1000),
    defects: defectsOf(values.get('defect')),
    shrinks: values.get('shrink') !== 'no',
    mutations: values.has('mutations') ? [] : mutation === undefined ? null : mutation.split(','),
  };
}

function seedsOf(values: ReadonlyMap<string, string>): [number, number] {
  const one = values.get('seed');
  const text = one !== undefined ? `${one}..${one}` : (values.get('seeds') ?? '1..20');
  const match = /^(\d{1,15})\.\.(\d{1,15})$/.exec(text);
  if (match === null || Number(match[1]) > Number(match[2])) throw new Error(`--seeds takes A..B\n${usage}`);
  return [Number(match[1]), Number(match[2])];
}

function wholeNumber(text: string, name: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name} takes a whole number from ${least} to ${most}`);
}

function positive(text: string, name: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} takes a number above 0`);
}

function kindsOf(text: string): readonly FaultKind[] {
  const names = text.split(',').flatMap((name) => groups[name] ?? [name]);
  const unknown = names.find((name) => !(faultKinds as readonly string[]).includes(name));
  if (unknown === undefined) return [...new Set(names)] as FaultKind[];
  throw new Error(`--faults knows all, beyond, none, ${faultKinds.join(', ')}; not ${unknown}`);
}

function defectsOf(text: string | undefined): readonly (keyof Defects)[] {
  const names = text?.split(',') ?? [];
  const unknown = names.find((name) => !Object.hasOwn(noDefects, name));
  if (unknown === undefined) return names as (keyof Defects)[];
  throw new Error(`--defect knows the switches of src/engine/defects.ts; not ${unknown}`);
}

/** Words for many kinds at once. */
const groups: Readonly<Record<string, readonly FaultKind[]>> = { all: survivable, beyond, none: [] };

/** The shortest words that mean these kinds. */
export function faultsText(kinds: readonly FaultKind[]): string {
  const whole = Object.entries(groups).filter(
    ([, group]) => group.length > 0 && group.every((kind) => kinds.includes(kind)),
  );
  const rest = kinds.filter((kind) => !whole.some(([, group]) => group.includes(kind)));
  return [...whole.map(([name]) => name), ...rest].join(',') || 'none';
}
