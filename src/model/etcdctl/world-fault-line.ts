/** Faults of hosts, disks and links as the console's lines: `fault disk m2 stallUs=500000`. */
import type { WorldFault } from '../../sim/fault-types.ts';
import type { LabAction } from '../../sim/types.ts';
import type { FlagValues } from './flags.ts';
import { readMember } from './member-words.ts';
import { lineError } from './parsed-line.ts';
import type { ConsoleContext, LineError, ParsedLine } from './parsed-line.ts';

/** How many members each of them names. */
const memberCounts: Readonly<Record<WorldFault['type'], 0 | 1 | 2>> = {
  bitRot: 1,
  clockRate: 1,
  clockStep: 1,
  clockSwing: 1,
  copyMember: 1,
  crashPoint: 1,
  disk: 1,
  diskError: 1,
  failAllocation: 1,
  flap: 2,
  forceNewCluster: 1,
  healEverything: 0,
  keepImage: 1,
  link: 2,
  loseFiles: 1,
  memoryLimit: 1,
  misdirect: 1,
  restartDelay: 1,
  restoreImage: 1,
  slowCpu: 1,
};
const names = Object.keys(memberCounts) as readonly WorldFault['type'][];
const example = 'For example: fault disk m2 stallPerMille=50 stallUs=500000';

/** Fields are checked where every command is: a line here may still be refused, with the reason. */
export function readFault({ args }: FlagValues, context: ConsoleContext): ParsedLine {
  const [word, ...rest] = args;
  const name = names.find((known) => known === word);
  if (word === undefined) return lineError('fault needs the name of a fault', `Faults: ${names.join(', ')}.`);
  if (name === undefined)
    return lineError(`no fault ${JSON.stringify(word)}`, `Faults: ${names.join(', ')}.`);
  const count = memberCounts[name];
  const members = readNamed(rest.slice(0, count), count, context);
  if ('kind' in members) return members;
  const fields: Record<string, unknown> = { type: name };
  if (count === 1) fields.member = members[0];
  if (count === 2) [fields.from, fields.to] = members;
  if (name === 'link') Object.assign(fields, { extraDelayUs: 0, lossPerMille: 0 });
  for (const text of rest.slice(count)) {
    const parts = /^([a-zA-Z]+)=(.*)$/.exec(text);
    if (parts === null) return lineError(`${JSON.stringify(text)} is no field`, example);
    fields[parts[1]] = readValue(parts[1], parts[2]);
  }
  return { kind: 'lab', actions: [fields as unknown as WorldFault] };
}

function readNamed(words: readonly string[], count: number, context: ConsoleContext): number[] | LineError {
  if (words.length < count) {
    return lineError(count === 1 ? 'this fault needs a member' : 'this fault needs two members', example);
  }
  const members: number[] = [];
  for (const word of words) {
    const member = readMember(word, context);
    if (typeof member !== 'number') return member;
    members.push(member);
  }
  return members;
}

function readValue(name: string, text: string): unknown {
  if (name === 'dropTypes') return text === '' ? [] : text.split(',');
  return /^\d{1,16}$/.test(text) ? Number(text) : text;
}

/** Whether its line is `fault <name>` and nothing else: a link's may be shorter. */
export const hasFaultLine = (action: LabAction): action is Exclude<WorldFault, { type: 'link' }> =>
  action.type !== 'link' && Object.hasOwn(memberCounts, action.type);

/** Read back by `readFault`, the line means this fault and no other. */
export function faultLine(fault: WorldFault): string {
  const { type, ...rest } = fault as WorldFault & Readonly<Record<string, unknown>>;
  const { member, from, to, ...fields } = rest as Readonly<Record<string, unknown>>;
  const named = [member, from, to].filter((one) => one !== undefined).map((one) => `m${String(one)}`);
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const texts = given.map(([name, value]) => `${name}=${String(value)}`);
  return ['fault', type, ...named, ...texts].join(' ');
}
