/** With asynchronous storage writes: the messages to the local threads, and what comes back from them. */
import type { DraftMessage } from './message.ts';
import { newMessage } from './message.ts';
import type { Raft } from './raft.ts';
import type { Entry, HardState, Message, Snapshot } from './types.ts';
import { localAppendThread, localApplyThread } from './types.ts';

/** What one Ready wants written. */
export interface StorageWork {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
}

/** Something is to be written, or messages wait for earlier writes. */
export function needStorageAppend(raft: Raft, { entries, hardState, snapshot }: StorageWork): boolean {
  return entries.length > 0 || hardState !== null || snapshot !== null || raft.messagesAfterAppend.length > 0;
}

/**
 * Asks for the write; its responses go out when it is durable, this node's own acknowledgements first. The
 * leader's appends to others are on their way meanwhile.
 * @source etcd-io/raft rawnode.go newStorageAppendMsg; Raft thesis section 10.2.1
 */
export function newStorageAppend(raft: Raft, work: StorageWork): Message {
  const m = newMessage('MsgStorageAppend', localAppendThread, raft.id);
  m.entries = work.entries;
  if (work.hardState !== null) {
    m.term = work.hardState.term;
    m.vote = work.hardState.vote;
    m.commit = work.hardState.commit;
  }
  m.snapshot = work.snapshot;
  const responses: DraftMessage[] = raft.messagesAfterAppend;
  // It comes last: the acknowledgements before it still find the terms of new entries in memory.
  if (needStorageAppendResp(raft, work)) responses.push(newStorageAppendResp(raft, work));
  m.responses = responses;
  return m;
}

export function needStorageAppendResp(raft: Raft, work: StorageWork): boolean {
  return raft.log.unstable.entries.length > 0 || work.snapshot !== null;
}

/**
 * Tells that all written so far is on disk. It names the end of the whole log, not of this write, and the
 * term:
 *
 * Entries may be replaced while they are written, and replaced back (A, B, A again). The end of the first
 * write of A must not make the second A stable, for B is yet to be written over it. So an answer counts
 * only in its own term, in which the log has one author. An answer lost that way is made good by the next
 * write of the new term, which there must be, for the new term itself has to be saved: therefore it
 * speaks of the end of the log also when it brings no entries. (raft#8)
 * @source etcd-io/raft rawnode.go newStorageAppendRespMsg
 */
export function newStorageAppendResp(raft: Raft, work: StorageWork): DraftMessage {
  const m = newMessage('MsgStorageAppendResp', raft.id, localAppendThread);
  m.term = raft.term;
  if (raft.log.unstable.entries.length > 0) {
    const last = raft.log.lastEntryId();
    m.index = last.index;
    m.logTerm = last.term;
  }
  m.snapshot = work.snapshot;
  return m;
}

/** Committed entries belong to no term any more, so neither do these two. */
export function newStorageApply(raft: Raft, entries: readonly Entry[]): Message {
  const m = newMessage('MsgStorageApply', localApplyThread, raft.id);
  m.entries = entries;
  m.responses = [newStorageApplyResp(raft, entries)];
  return m;
}

export function newStorageApplyResp(raft: Raft, entries: readonly Entry[]): Message {
  const m = newMessage('MsgStorageApplyResp', raft.id, localApplyThread);
  m.entries = entries;
  return m;
}
