/** Making messages, and what kinds of message there are. */
import type { Message, MessageType, NodeId } from './types.ts';
import { localAppendThread, localApplyThread, logIndex, none, term } from './types.ts';

/** A message while its sender fills it in. */
export type DraftMessage = { -readonly [Field in keyof Message]: Message[Field] };

const noEntries: Message['entries'] = [];
const noResponses: Message['responses'] = [];

/** A message whose other fields are zero. All messages are made here, so that they share one shape. */
export function newMessage(type: MessageType, to: NodeId, from: NodeId = none): DraftMessage {
  return {
    type,
    to,
    from,
    term: term(0),
    logTerm: term(0),
    index: logIndex(0),
    entries: noEntries,
    commit: logIndex(0),
    vote: none,
    snapshot: null,
    reject: false,
    rejectHint: logIndex(0),
    context: null,
    responses: noResponses,
  };
}

/** The same message for another receiver. */
export function forwarded(m: Message, to: NodeId): DraftMessage {
  const copy = newMessage(m.type, to, m.from);
  copy.term = m.term;
  copy.logTerm = m.logTerm;
  copy.index = m.index;
  copy.entries = m.entries;
  copy.commit = m.commit;
  copy.vote = m.vote;
  copy.snapshot = m.snapshot;
  copy.reject = m.reject;
  copy.rejectHint = m.rejectHint;
  copy.context = m.context;
  return copy;
}

/**
 * Messages a node sends only to itself; one that comes over the network is refused. @source util.go
 * IsLocalMsg
 */
export function isLocalMessage(type: MessageType): boolean {
  switch (type) {
    case 'MsgHup':
    case 'MsgBeat':
    case 'MsgUnreachable':
    case 'MsgSnapStatus':
    case 'MsgCheckQuorum':
    case 'MsgStorageAppend':
    case 'MsgStorageAppendResp':
    case 'MsgStorageApply':
    case 'MsgStorageApplyResp':
      return true;
    default:
      return false;
  }
}

/** Messages that answer; they are taken from known peers only. @source util.go IsResponseMsg */
export function isResponseMessage(type: MessageType): boolean {
  switch (type) {
    case 'MsgAppResp':
    case 'MsgVoteResp':
    case 'MsgHeartbeatResp':
    case 'MsgUnreachable':
    case 'MsgReadIndexResp':
    case 'MsgPreVoteResp':
    case 'MsgStorageAppendResp':
    case 'MsgStorageApplyResp':
      return true;
    default:
      return false;
  }
}

export function isLocalThread(id: NodeId): boolean {
  return id === localAppendThread || id === localApplyThread;
}

export function voteResponseType(type: 'MsgVote' | 'MsgPreVote'): 'MsgVoteResp' | 'MsgPreVoteResp' {
  return type === 'MsgVote' ? 'MsgVoteResp' : 'MsgPreVoteResp';
}
