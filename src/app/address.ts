/** What the page's address asks for, checked: `?seed=7&storage=memory&layout=one&autoplay=0&theme=dark`. */
import type { LabOptions } from '../host/port.ts';
import {
  clusterScenarios,
  keyScenarios,
  leaseScenarios,
  scenarioSettings,
  type Scenario,
  type Scenarios,
} from '../model/scenarios.ts';
import type { MemberSettings } from '../sim/member-settings.ts';
import { readSetting, settingFields, unusual } from './setting-fields.ts';
import type { Defect } from '../host/port.ts';
import { isBucketSize } from '../host/storage-bucket.ts';
import { bugScenario, bugWorld, needsPlainVote, plantableBugs } from '../model/planted-bugs.ts';
import { views, type View } from './views.ts';

export interface Address {
  /** Which picture the page shows. */
  readonly view: View;
  /** What the picture begins with, one of the view's own names; empty: the view's first. */
  readonly scenario: string;
  /** 32 bits, unsigned. */
  readonly seed: number;
  readonly storage: 'auto' | 'opfs' | 'memory';
  readonly layout: 'workers' | 'one';
  readonly theme: 'auto' | 'light' | 'dark';
  /** The MiB of a bucket of its own in which the lab is stored; 0: in none. */
  readonly bucket: number;
  /** The stored lab's name. */
  readonly workspace: string;
  readonly autoplay: boolean;
  readonly preVote: boolean;
  /** How many members the cluster begins with. */
  readonly members: number;
  /** What the members are set up like: `3.4` as etcd 3.4 by default, which has no PreVote. */
  readonly flavor: 'lab' | '3.4';
  /** A bug that is planted in all members; empty: none. */
  readonly bug: Defect | '';
  /** Whether the checkers watch the run. */
  readonly checks: boolean;
  /** What the members are started with: each a name of its own in the address. */
  readonly settings: MemberSettings;
}

/** What a new lab is begun with. */
export type Setup = Pick<Address, 'seed' | 'members' | 'preVote' | 'settings'>;

/** A value that is not known: the default stands in for it, and the page says so. */
export interface AddressFault {
  readonly name: string;
  readonly value: string;
  readonly fallback: string;
}

export const defaultAddress: Address = {
  view: 'cluster',
  scenario: '',
  seed: 7,
  storage: 'auto',
  layout: 'workers',
  theme: 'auto',
  bucket: 0,
  workspace: 'home',
  autoplay: true,
  preVote: true,
  members: 3,
  flavor: 'lab',
  bug: '',
  checks: true,
  settings: {},
};

type Reader<Value> = (text: string) => Value | null;

function oneOf<const Value extends string>(...values: readonly Value[]): Reader<Value> {
  return (text) => values.find((value) => value === text) ?? null;
}

const flag: Reader<boolean> = (text) => (text === '1' ? true : text === '0' ? false : null);

function seedFrom(text: string): number | null {
  const seed = Number(text);
  return /^\d{1,10}$/.test(text) && seed <= 0xffff_ffff ? seed : null;
}

/** Names are part of a database's name: letters, digits, dot, dash and underscore, 64 at most. */
const name: Reader<string> = (text) => (/^[\w.-]{1,64}$/.test(text) ? text : null);

type Plain = Exclude<keyof Address, 'settings'>;

const readers: { readonly [Key in Plain]: Reader<Address[Key]> } = {
  view: oneOf(...views),
  scenario: name,
  seed: seedFrom,
  storage: oneOf('auto', 'opfs', 'memory'),
  layout: oneOf('workers', 'one'),
  theme: oneOf('auto', 'light', 'dark'),
  bucket: (text) => (/^\d{1,3}$/.test(text) && isBucketSize(Number(text)) ? Number(text) : null),
  workspace: name,
  autoplay: flag,
  preVote: flag,
  members: (text) => (/^[1-9]$/.test(text) ? Number(text) : null),
  flavor: oneOf('lab', '3.4'),
  bug: oneOf('', ...plantableBugs),
  checks: flag,
};

/**
 * Reads a query such as `?seed=7`; names it does not know are another's, and left alone.
 * @param usual what stands in for what is not given
 */
export function readAddress(
  query: string,
  usual: Address = defaultAddress,
): {
  readonly address: Address;
  readonly faults: readonly AddressFault[];
} {
  const given = new URLSearchParams(query);
  const faults: AddressFault[] = [];
  const values: Record<string, unknown> = { ...usual };
  for (const [key, read] of Object.entries(readers)) {
    const text = given.get(key);
    if (text === null) continue;
    const value = (read as Reader<unknown>)(text);
    if (value !== null) values[key] = value;
    else faults.push({ name: key, value: text.slice(0, 40), fallback: textOf(values[key]) });
  }
  const { settings, faults: more } = readSettings(given, usual.settings);
  return { address: { ...(values as unknown as Address), settings }, faults: [...faults, ...more] };
}

function readSettings(
  given: URLSearchParams,
  usual: MemberSettings,
): { readonly settings: MemberSettings; readonly faults: readonly AddressFault[] } {
  const faults: AddressFault[] = [];
  const values: Record<string, unknown> = { ...usual };
  for (const field of settingFields) {
    const text = given.get(field.name);
    if (text === null) continue;
    const value = readSetting(field, text);
    if (value !== null) values[field.name] = value;
    else faults.push({ name: field.name, value: text.slice(0, 40), fallback: textOf(field.usual) });
  }
  return { settings: unusual(values), faults };
}

const textOf = (value: unknown): string => (typeof value === 'boolean' ? (value ? '1' : '0') : String(value));

/** The shortest query that reads back as this address; empty for the defaults. */
export function writeAddress(address: Address): string {
  const query = new URLSearchParams();
  const { settings, ...plain } = address;
  for (const [key, value] of Object.entries(plain)) {
    if (value !== defaultAddress[key as Plain]) query.set(key, textOf(value));
  }
  for (const [key, value] of Object.entries(unusual(settings))) query.set(key, textOf(value));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** A page's query with another view: a lab that lives in its page is not left for another picture. */
export function withView(query: string, view: View): string {
  const given = new URLSearchParams(query);
  if (view === defaultAddress.view) given.delete('view');
  else given.set('view', view);
  const text = given.toString();
  return text === '' ? '' : `?${text}`;
}

/** Whether what follows `#` in an address is a run: see host/run-link.ts. */
export const isRunLink = (fragment: string): boolean => fragment.startsWith('#run=');

const scripts: Readonly<Partial<Record<View, Scenarios>>> = { leases: leaseScenarios, keys: keyScenarios };
const scriptsOf = ({ view }: Address): Scenarios => scripts[view] ?? clusterScenarios;

/** The names that `scenario` may have in a view of the lab. */
export const scenarioNames = (address: Address): readonly string[] => Object.keys(scriptsOf(address));

/** What the lab begins with; null where it simply begins, or the name is not known. */
export function scenarioOf(address: Address): Scenario | null {
  const known = scriptsOf(address);
  if (address.bug !== '' && address.scenario === '') return bugScenario(address.bug);
  return Object.hasOwn(known, address.scenario) ? (known[address.scenario] ?? null) : null;
}

/**
 * How the lab is to be opened. A scenario, and a lab that is not set up as usual, begin afresh: what is
 * stored is left alone, and has its own settings.
 */
export function labOptions(address: Address): LabOptions {
  const { seed, storage, layout, workspace, preVote, flavor, autoplay, members, scenario, bug } = address;
  const isScripted = scenarioOf(address) !== null;
  const { settings: needed = {}, members: count = members } = bug === '' ? {} : bugWorld(bug);
  const settings = { ...(isScripted && scenarioSettings[scenario]), ...needed, ...address.settings };
  const isOwn = members !== defaultAddress.members || Object.keys(settings).length > 0;
  return {
    seed,
    storage: isScripted || isOwn ? 'memory' : storage,
    layout,
    workspace,
    bucketMiB: address.bucket === 0 ? null : address.bucket,
    preVote: preVote && flavor !== '3.4' && !(address.bug !== '' && needsPlainVote(address.bug)),
    checks: address.checks,
    planted: address.bug === '' ? [] : [address.bug],
    settings,
    members: count,
    startPaused: isScripted || !autoplay,
    lookOnly: false,
  };
}
