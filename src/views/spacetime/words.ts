/** Words for messages in space and time. */
import { m } from '../../paraglide/messages.js';
import { messageTypeWord } from '../../model/message-words.ts';
import type { Flight, MessageGroup } from '../../model/spacetime.ts';

type NameOf = (member: number) => string;

export function groupWord(group: MessageGroup): string {
  return {
    append: m.sp_group_append,
    vote: m.sp_group_vote,
    heartbeat: m.sp_group_heartbeat,
    read: m.sp_group_read,
    other: m.sp_group_other,
  }[group]();
}

export function endWord({ end }: Flight): string {
  return { arrived: m.sp_end_arrived, flying: m.sp_end_flying, lost: m.sp_end_lost }[end]();
}

export const flightWords = ({ messageType, from, to }: Flight, nameOf: NameOf): string =>
  m.sp_flight({ type: messageTypeWord(messageType), from: nameOf(from), to: nameOf(to) });

/** All that a message can be found by. */
export function findableWords(flight: Flight, nameOf: NameOf): string {
  const { messageType, term, index, because } = flight;
  const numbers = `${m.sp_term()} ${term} ${m.sp_index()} ${index}`;
  return `${flightWords(flight, nameOf)} ${messageType} ${numbers} ${endWord(flight)} ${because}`;
}
