/** From the lab's own words to what they break or mend. */
import type { FaultAction } from '../../sim/types.ts';
import type { FlagValues } from './flags.ts';
import type { Command } from './grammar.ts';
import { lineError } from './parsed-line.ts';
import type { ConsoleContext, LineError, ParsedLine } from './parsed-line.ts';

/** One member's number from `m2`, `2` or `leader`. */
function readMember(word: string, context: ConsoleContext): number | LineError {
  if (word === 'leader') {
    if (context.leader !== null) return context.leader;
    return lineError('there is no leader now', 'Wait for an election, or name a member.');
  }
  const digits = /^m?(\d{1,3})$/.exec(word);
  const member = digits === null ? 0 : Number(digits[1]);
  if (member >= 1 && member <= context.memberCount) return member;
  const last = context.memberCount;
  const names = last === 1 ? 'The only member is m1.' : `Members are m1 to m${last}.`;
  return lineError(`no member ${JSON.stringify(word)}`, names);
}

/** Members by their numbers, each once, in the order given; `all` is every member. */
function readMembers(words: readonly string[], context: ConsoleContext): readonly number[] | LineError {
  const members: number[] = [];
  for (const word of words) {
    if (word === 'all') {
      for (let member = 1; member <= context.memberCount; member++) members.push(member);
      continue;
    }
    const member = readMember(word, context);
    if (typeof member !== 'number') return member;
    members.push(member);
  }
  return [...new Set(members)];
}

function ofMember(command: Command, member: number): FaultAction | null {
  switch (command.name) {
    case 'kill':
      return { type: 'kill', member };
    case 'power-cut':
      return { type: 'powerCut', member };
    case 'restart':
      return { type: 'restart', member };
    case 'pause':
      return { type: 'pauseMember', member };
    case 'resume':
      return { type: 'resumeMember', member };
    case 'isolate':
      return { type: 'isolate', member };
    default:
      return null;
  }
}

/** `cut` and `heal`: a link's one direction, or both with `--both`. */
function ofLink(type: 'cut' | 'heal', flags: FlagValues, context: ConsoleContext): ParsedLine {
  const { args } = flags;
  if (type === 'heal' && args.length === 1 && args[0] === 'all')
    return { kind: 'lab', actions: [{ type: 'healAll' }] };
  const example = type === 'heal' ? 'For example: heal m1 m2, or: heal all' : 'For example: cut m1 m2';
  if (args.length !== 2) return lineError(`${type} needs two members: from and to`, example);
  const from = readMember(args[0], context);
  if (typeof from !== 'number') return from;
  const to = readMember(args[1], context);
  if (typeof to !== 'number') return to;
  if (from === to) return lineError('a member has no link to itself', example);
  const there: FaultAction = { type, from, to };
  const back: FaultAction = { type, from: to, to: from };
  return { kind: 'lab', actions: flags.given.get('both') === 'true' ? [there, back] : [there] };
}

/** The actions of one of the lab's own commands. */
export function faultActions(command: Command, flags: FlagValues, context: ConsoleContext): ParsedLine {
  if (command.name === 'cut' || command.name === 'heal') return ofLink(command.name, flags, context);
  if (flags.args.length === 0) {
    return lineError(`${command.name} needs a member`, `For example: ${command.examples[0]}`);
  }
  const members = readMembers(flags.args, context);
  if ('kind' in members) return members;
  const actions = members.map((member) => ofMember(command, member)).filter((action) => action !== null);
  return { kind: 'lab', actions };
}
