/** Raft's types of messages in words. */
import { m } from '../paraglide/messages.js';

const messageTypes: Readonly<Record<string, () => string>> = {
  MsgApp: m.type_MsgApp,
  MsgAppResp: m.type_MsgAppResp,
  MsgHeartbeat: m.type_MsgHeartbeat,
  MsgHeartbeatResp: m.type_MsgHeartbeatResp,
  MsgPreVote: m.type_MsgPreVote,
  MsgPreVoteResp: m.type_MsgPreVoteResp,
  MsgVote: m.type_MsgVote,
  MsgVoteResp: m.type_MsgVoteResp,
  MsgProp: m.type_MsgProp,
  MsgTimeoutNow: m.type_MsgTimeoutNow,
  MsgSnap: m.type_MsgSnap,
  MsgReadIndex: m.type_MsgReadIndex,
  MsgReadIndexResp: m.type_MsgReadIndexResp,
};

/** A type of raft message in words; its own name where there are none. */
export const messageTypeWord = (type: string): string => messageTypes[type]?.() ?? type;
