/** How each type of raft message is drawn: a shape, a letter and a tone; never colour alone. */
export type MarkShape = 'square' | 'circle' | 'diamond' | 'heart' | 'hexagon';
export type MarkTone = 'append' | 'reply' | 'heartbeat' | 'vote' | 'other' | 'refused';

export interface MessageMark {
  readonly shape: MarkShape;
  readonly letter: string;
  readonly tone: MarkTone;
  /** Drawn hollow: it carries nothing, or only asks. */
  readonly hollow: boolean;
}

const grants = { yes: '+', no: '−' };

const marks: Readonly<Record<string, MessageMark>> = {
  MsgApp: { shape: 'square', letter: 'A', tone: 'append', hollow: false },
  MsgAppResp: { shape: 'circle', letter: grants.yes, tone: 'reply', hollow: false },
  MsgHeartbeat: { shape: 'heart', letter: '', tone: 'heartbeat', hollow: false },
  MsgHeartbeatResp: { shape: 'heart', letter: '', tone: 'heartbeat', hollow: true },
  MsgPreVote: { shape: 'diamond', letter: 'P', tone: 'vote', hollow: true },
  MsgPreVoteResp: { shape: 'diamond', letter: grants.yes, tone: 'vote', hollow: true },
  MsgVote: { shape: 'diamond', letter: 'V', tone: 'vote', hollow: false },
  MsgVoteResp: { shape: 'diamond', letter: grants.yes, tone: 'vote', hollow: false },
  MsgProp: { shape: 'hexagon', letter: 'F', tone: 'append', hollow: true },
  MsgTimeoutNow: { shape: 'diamond', letter: '!', tone: 'vote', hollow: false },
  MsgSnap: { shape: 'hexagon', letter: 'S', tone: 'append', hollow: false },
  MsgReadIndex: { shape: 'hexagon', letter: 'R', tone: 'other', hollow: true },
  MsgReadIndexResp: { shape: 'hexagon', letter: 'R', tone: 'other', hollow: false },
};
const unknownMark: MessageMark = { shape: 'hexagon', letter: '·', tone: 'other', hollow: true };

/** The mark of one message; a refusal is red and carries a minus, an append without entries is hollow. */
export function markOf(messageType: string, reject: boolean, entryCount: number): MessageMark {
  const mark = marks[messageType] ?? unknownMark;
  if (reject) return { ...mark, letter: grants.no, tone: 'refused' };
  return messageType === 'MsgApp' && entryCount === 0 ? { ...mark, hollow: true } : mark;
}

/** The types that a legend shows, in the order in which a reader meets them. */
export const legendTypes: readonly string[] = [
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgApp',
  'MsgAppResp',
  'MsgPreVote',
  'MsgPreVoteResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgTimeoutNow',
  'MsgProp',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgSnap',
];
