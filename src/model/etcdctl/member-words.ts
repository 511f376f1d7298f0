/** Members as the console's lines name them. */
import { lineError } from './parsed-line.ts';
import type { ConsoleContext, LineError } from './parsed-line.ts';

/** One member's number from `m2`, `2` or `leader`. */
export function readMember(word: string, context: ConsoleContext): number | LineError {
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
export function readMembers(
  words: readonly string[],
  context: ConsoleContext,
): readonly number[] | LineError {
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
