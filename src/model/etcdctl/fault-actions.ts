/** From the lab's own words to what they break or mend. */
import type { FaultAction } from '../../sim/types.ts';
import type { FlagValues } from './flags.ts';
import type { Command } from './grammar.ts';
import { lineError } from './parsed-line.ts';
import { readFates } from './fates-text.ts';
import { degradeLink, doMessages, setLoad, slowDisks } from './lab-actions.ts';
import { readMember, readMembers } from './member-words.ts';
import { readHost, readMistake, readPlant } from './shelf-line.ts';
import { readFault } from './world-fault-line.ts';
import type { ConsoleContext, ParsedLine } from './parsed-line.ts';

/** Hosts that members may be started on. */
const hostCount = 9;

function ofMember(command: Command, member: number): FaultAction | null {
  switch (command.name) {
    case 'kill':
      return { type: 'kill', member };
    case 'stop':
      return { type: 'stopMember', member };
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
    case 'wipe':
      return { type: 'wipe', member };
    default:
      return null;
  }
}

/** `power-cut m2 --fates keep,lose,0-3`: what becomes of each write is chosen. */
function cutByChoice({ args, given }: FlagValues, context: ConsoleContext): ParsedLine {
  const example = 'For example: power-cut m2 --fates keep*3,lose,0-3';
  const text = given.get('fates');
  const names = given.get('names');
  if (text === undefined) return lineError('--names goes with --fates', example);
  const [word, surplus] = args;
  if (word === undefined || surplus !== undefined)
    return lineError('power-cut with --fates takes one member', example);
  const member = readMember(word, context);
  if (typeof member !== 'number') return member;
  const fates = readFates(text);
  if (fates === null) return lineError(`${JSON.stringify(text)} are no fates`, example);
  const action: FaultAction = { type: 'powerCut', member, fates };
  return { kind: 'lab', actions: [names === undefined ? action : { ...action, names: Number(names) }] };
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

/** `start m4`: also a host that no member is on yet, which `member add` has announced. */
function startMembers({ args, given }: FlagValues, context: ConsoleContext): ParsedLine {
  if (args.length === 0) return lineError('start needs a member', 'For example: start m4');
  const state = given.get('initial-cluster-state');
  if (state !== undefined && state !== 'new' && state !== 'existing') {
    return lineError(`${JSON.stringify(state)} is no initial cluster state`, 'Use new or existing.');
  }
  const members = readMembers(args, { ...context, memberCount: Math.max(context.memberCount, hostCount) });
  if ('kind' in members) return members;
  const actions = members.map((member): FaultAction => {
    return state === undefined ? { type: 'start', member } : { type: 'start', member, state };
  });
  return { kind: 'lab', actions };
}

/** The actions of one of the lab's own commands. */
export function faultActions(command: Command, flags: FlagValues, context: ConsoleContext): ParsedLine {
  switch (command.name) {
    case 'cut':
    case 'heal':
      return ofLink(command.name, flags, context);
    case 'slow-disk':
      return slowDisks(flags, context);
    case 'link':
      return degradeLink(flags, context);
    case 'fault':
      return readFault(flags, context);
    case 'load':
      return setLoad(flags);
    case 'host':
      return readHost(flags, context);
    case 'mistake':
      return readMistake(flags, context);
    case 'plant':
      return readPlant(flags);
    case 'drop':
    case 'hold':
    case 'deliver':
    case 'delay':
    case 'duplicate':
      return doMessages(command.name, flags.args);
    case 'start':
      return startMembers(flags, context);
  }
  if (command.name === 'power-cut' && flags.given.size > 0) return cutByChoice(flags, context);
  if (flags.args.length === 0) {
    return lineError(`${command.name} needs a member`, `For example: ${command.examples[0]}`);
  }
  const members = readMembers(flags.args, context);
  if ('kind' in members) return members;
  const actions = members.map((member) => ofMember(command, member)).filter((action) => action !== null);
  return { kind: 'lab', actions };
}
