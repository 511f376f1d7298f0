/** What a branch is called at first: the command that opened it, as a console line. */
import { m } from '../paraglide/messages.js';
import type { Action } from '../sim/types.ts';
import type { MessageView } from './cluster-view.ts';
import { commandLine, type MenuAction } from './command-line.ts';
import { messageTypeWord } from './message-words.ts';

const longest = 60;

/**
 * @param command as it was given: it may be anything, the lab has not looked at it yet
 * @param messages those under way, by which a message is more than a number
 */
export function timelineNameOf(
  command: unknown,
  messages: readonly MessageView[],
  nameOf: (member: number) => string,
): string {
  const line = lineOf(command, messages, nameOf);
  if (line === '') return m.tl_unnamed();
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

function lineOf(
  command: unknown,
  messages: readonly MessageView[],
  nameOf: (member: number) => string,
): string {
  if (typeof command !== 'object' || command === null || !('type' in command)) return '';
  const action = command as Action;
  if (action.type === 'message') {
    const message = messages.find(({ id }) => id === action.message);
    if (message === undefined) return `${action.do} ${action.message}`;
    const way = `${nameOf(message.from)} → ${nameOf(message.to)}`;
    return `${action.do} ${messageTypeWord(message.messageType)} ${way}`;
  }
  return clientLine(action) ?? menuLine(action as MenuAction);
}

/** Of the commands that no menu offers, as much as tells them apart. */
function clientLine(action: Action): string | null {
  switch (action.type) {
    case 'put':
      return `put ${action.key} ${action.value ?? ''}`.trim();
    case 'get':
      return `get ${action.key}`;
    case 'leaseGrant':
      return `lease grant ${action.ttl}`;
    case 'leaseRevoke':
      return `lease revoke ${action.id}`;
    case 'leaseKeepAlive':
      return `lease keep-alive ${action.id}`;
    case 'txn':
    case 'watch':
      return action.type;
    default:
      return null;
  }
}

function menuLine(action: MenuAction): string {
  try {
    const line: unknown = commandLine(action);
    return typeof line === 'string' ? line : String(action.type);
  } catch {
    // what is no command is refused by the lab, with its reason
    return '';
  }
}
