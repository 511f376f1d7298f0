/** From the lab's words with numbers in them to actions: slow disks, bad links, messages, load. */
import type { FaultAction, LoadKind, MessageDeed } from '../../sim/types.ts';
import type { FlagValues } from './flags.ts';
import { readMember, readMembers } from './member-words.ts';
import { lineError } from './parsed-line.ts';
import type { ConsoleContext, ParsedLine } from './parsed-line.ts';
import { readDuration, readPerMille } from './units.ts';

const maxDelayUs = 10_000_000;

/** `slow-disk m2 x10`, `slow-disk m2 off`. */
export function slowDisks({ args }: FlagValues, context: ConsoleContext): ParsedLine {
  const example = 'For example: slow-disk m2 x10, or: slow-disk m2 off';
  const last = args[args.length - 1] ?? '';
  const factor = last === 'off' ? 1 : Number(/^x?(\d{1,4})$/.exec(last)?.[1] ?? 0);
  if (args.length < 2) return lineError('slow-disk needs a member and how much slower', example);
  if (factor < 1 || factor > 1000) {
    return lineError(`${JSON.stringify(last)} is no factor`, `A factor is x1 to x1000. ${example}`);
  }
  const members = readMembers(args.slice(0, -1), context);
  if ('kind' in members) return members;
  return { kind: 'lab', actions: members.map((member) => ({ type: 'slowDisk', member, factor })) };
}

/** `link m1 m2 --delay 50ms --loss 10% --both`, `link m1 m2 off`. */
export function degradeLink({ args, given }: FlagValues, context: ConsoleContext): ParsedLine {
  const example = 'For example: link m1 m2 --delay 50ms --loss 10%, or: link m1 m2 off';
  const isOff = args.length === 3 && args[2] === 'off';
  const [delay, loss] = [given.get('delay'), given.get('loss')];
  if (args.length !== 2 && !isOff) return lineError('link needs two members: from and to', example);
  if (isOff === (delay !== undefined || loss !== undefined)) {
    return lineError(
      isOff ? 'off takes neither --delay nor --loss' : 'link needs --delay or --loss',
      example,
    );
  }
  const extraDelayUs = readDuration(delay ?? '0s');
  if (extraDelayUs === null || extraDelayUs > maxDelayUs) {
    return lineError(`${JSON.stringify(delay)} is no delay`, 'A delay is up to 10s: 500us, 50ms, 1.5s.');
  }
  const lossPerMille = readPerMille(loss ?? '0%');
  if (lossPerMille === null) {
    return lineError(`${JSON.stringify(loss)} is no loss`, 'A loss is 0% to 100%, to a tenth: 10%, 0.5%.');
  }
  const from = readMember(args[0], context);
  if (typeof from !== 'number') return from;
  const to = readMember(args[1], context);
  if (typeof to !== 'number') return to;
  if (from === to) return lineError('a member has no link to itself', example);
  const there: FaultAction = { type: 'link', from, to, extraDelayUs, lossPerMille };
  const back: FaultAction = { ...there, from: to, to: from };
  return { kind: 'lab', actions: given.get('both') === 'true' ? [there, back] : [there] };
}

/** `drop 17`, `hold #17`, `deliver 17 18`, `delay 17 50ms`, `duplicate 17`. */
export function doMessages(deed: MessageDeed, args: readonly string[]): ParsedLine {
  const example = `For example: ${deed} 17${deed === 'delay' ? ' 50ms' : ''}`;
  const words = deed === 'delay' ? args.slice(0, -1) : args;
  if (words.length === 0) {
    const what = deed === 'delay' ? "a message's number and how much later" : "a message's number";
    return lineError(`${deed} needs ${what}`, example);
  }
  const delayUs = deed === 'delay' ? readDuration(args[args.length - 1]) : null;
  if (deed === 'delay' && (delayUs === null || delayUs < 1 || delayUs > maxDelayUs)) {
    const said = JSON.stringify(args[args.length - 1]);
    return lineError(`${said} is no delay`, `A delay is up to 10s: 500us, 50ms, 1.5s. ${example}`);
  }
  const actions: FaultAction[] = [];
  for (const word of words) {
    const digits = /^#?(\d{1,15})$/.exec(word);
    if (digits === null) {
      return lineError(
        `${JSON.stringify(word)} is no message`,
        'Messages have numbers: see the table of messages.',
      );
    }
    const message = Number(digits[1]);
    actions.push({ type: 'message', message, do: deed, ...(delayUs === null ? {} : { delayUs }) });
  }
  return { kind: 'lab', actions };
}

const loadWords: Readonly<Record<string, LoadKind>> = {
  kubernetes: 'kubernetes',
  'hot-key': 'hotKey',
  'big-values': 'bigValues',
  zipf: 'zipf',
  'huge-values': 'hugeValues',
  retries: 'retries',
  flood: 'flood',
  watchers: 'watchers',
  ranges: 'ranges',
  leases: 'leases',
  transactions: 'transactions',
  'old-watches': 'oldWatches',
  off: 'none',
};
export const loadNames: readonly string[] = Object.keys(loadWords);
const defaultRate = 50;

/** `load kubernetes --rate 100`, `load off`. */
export function setLoad({ args, given }: FlagValues): ParsedLine {
  const kinds = `A load is ${Object.keys(loadWords).join(', ')}.`;
  if (args.length !== 1) return lineError('load needs one kind of load', kinds);
  const kind = Object.hasOwn(loadWords, args[0]) ? loadWords[args[0]] : undefined;
  if (kind === undefined) return lineError(`no load ${JSON.stringify(args[0])}`, kinds);
  if (kind === 'none') {
    if (given.has('rate')) return lineError('load off takes no --rate', '');
    return { kind: 'lab', actions: [{ type: 'load', kind, perSecond: 0 }] };
  }
  const perSecond = Number(given.get('rate') ?? defaultRate);
  if (perSecond < 1 || perSecond > 1000) {
    return lineError(`no rate ${perSecond}`, 'A rate is 1 to 1000 requests a second.');
  }
  return { kind: 'lab', actions: [{ type: 'load', kind, perSecond }] };
}
