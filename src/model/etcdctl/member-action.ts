/** From etcdctl's member commands and move-leader to the client's action, with etcdctl's checks and words. */
import type { ClientAction } from '../../sim/types.ts';
import type { FlagValues } from './flags.ts';
import type { CommandName } from './grammar.ts';
import { lineError } from './parsed-line.ts';
import type { LineError } from './parsed-line.ts';
import { quoteWord } from './words.ts';

const listIds = 'member list shows the ids.';

/** Null for other commands. @source etcd v3.4.23 etcdctl member_command.go, move_leader_command.go */
export function memberAction(name: CommandName, flags: FlagValues): ClientAction | LineError | null {
  switch (name) {
    case 'member add':
      return add(flags);
    case 'member promote':
      return withId(flags, (id) => ({ type: 'memberPromote', id }));
    case 'member remove':
      return withId(flags, (id) => ({ type: 'memberRemove', id }));
    case 'member update':
      return withId(flags, (id) => update(id, flags));
    case 'move-leader':
      return moveLeader(flags);
    default:
      return null;
  }
}

const example = 'For example: member add m4 --peer-urls=http://127.0.0.1:42380';

function add({ args, given }: FlagValues): ClientAction | LineError {
  if (args.length < 1) return lineError('member name not provided', example);
  if (args.length > 1) {
    const urls = args.filter((word) => word.toLowerCase().startsWith('http'));
    const meant = urls.map((url) => `, did you mean --peer-urls=${url}`).join('');
    return lineError(`too many arguments${meant}`, '');
  }
  const peerUrls = urlsOf(given.get('peer-urls'));
  if (peerUrls === null) return lineError('member peer urls not provided', example);
  const learner = given.get('learner') === 'true';
  return { type: 'memberAdd', name: args[0], peerUrls, ...(learner && { learner }) };
}

function update(id: string, { given }: FlagValues): ClientAction | LineError {
  const peerUrls = urlsOf(given.get('peer-urls'));
  if (peerUrls === null) return lineError('member peer urls not provided', '');
  return { type: 'memberUpdate', id, peerUrls };
}

function moveLeader({ args }: FlagValues): ClientAction | LineError {
  if (args.length !== 1) return lineError('move-leader command needs 1 argument', listIds);
  const fault = idFault(args[0]);
  return fault === null ? { type: 'moveLeader', id: args[0] } : lineError(fault, listIds);
}

function withId(
  { args }: FlagValues,
  make: (id: string) => ClientAction | LineError,
): ClientAction | LineError {
  if (args.length !== 1) return lineError('member ID is not provided', listIds);
  const fault = idFault(args[0]);
  if (fault === null) return make(args[0]);
  return lineError(`bad member ID arg (${fault}), expecting ID in Hex`, listIds);
}

/** What Go's parser says of a word that is no unsigned number in hex; null for one that is. */
function idFault(word: string): string | null {
  const quoted = quoteGo(word);
  if (!/^[0-9a-fA-F]+$/.test(word)) return `strconv.ParseUint: parsing ${quoted}: invalid syntax`;
  return BigInt(`0x${word}`) < 1n << 64n ? null : `strconv.ParseUint: parsing ${quoted}: value out of range`;
}

const quoteGo = (word: string): string => JSON.stringify(word);

function urlsOf(text: string | undefined): readonly string[] | null {
  return text === undefined || text === '' ? null : text.split(',');
}

/** The command line of a member that is to take a wiped one's place; for buttons. */
export function addLine(name: string, peerUrl: string): string {
  return `member add ${quoteWord(name)} --peer-urls=${peerUrl}`;
}
