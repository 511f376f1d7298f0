/** Linearizable reads without a log entry: what a leader does with ReadIndex. Raft thesis section 6.4. */
import { newMessage } from './message.ts';
import type { Raft } from './raft.ts';
import { broadcastHeartbeat } from './replicate.ts';
import type { LogIndex, Message } from './types.ts';
import { none } from './types.ts';

/**
 * A lone voter answers at once, as upstream. That is too early after a crash that lost its last commit
 * index, which is written without sync: until its first commit it may answer below what it had acknowledged
 * before.
 *
 * A new leader's commit index may lag behind what the last one had acknowledged, until an entry of its
 * own term is committed: reads wait for that (etcd#7331).
 */
export function readIndex(raft: Raft, m: Message): void {
  if (raft.tracker.isSingleton()) {
    respond(raft, m, raft.log.committed);
  } else if (!raft.settings.defects.readBeforeCommitInTerm && !raft.committedEntryInCurrentTerm()) {
    raft.pendingReads.push(m);
  } else {
    confirmLeadership(raft, m);
  }
}

/** The first commit of the term is there: the reads that waited for it go on. */
export function releasePendingReads(raft: Raft): void {
  if (raft.pendingReads.length === 0 || !raft.committedEntryInCurrentTerm()) return;
  const reads = raft.pendingReads;
  raft.pendingReads = [];
  for (const read of reads) confirmLeadership(raft, read);
}

function confirmLeadership(raft: Raft, m: Message): void {
  const { committed } = raft.log;
  if (raft.settings.readOnlyOption === 'ReadOnlyLeaseBased') {
    respond(raft, m, committed);
    return;
  }
  raft.readQueue.add(committed, m);
  if (raft.trace.on) raft.trace.emit({ type: 'raft.readIndex', index: committed, confirmed: false });
  const context = raft.readQueue.contextOf(m);
  if (context !== null) raft.readQueue.receiveAck(raft.id, context);
  broadcastHeartbeat(raft, context);
}

/** A heartbeat with a read's context was answered: the reads that a quorum confirms are answered in turn. */
export function receiveReadAck(raft: Raft, m: Message, context: Uint8Array): void {
  raft.readQueue.receiveAck(m.from, context);
  for (const read of raft.readQueue.maybeAdvance(raft.tracker.config, context))
    respond(raft, read.request, read.index);
}

/** Answers to the node that asked: itself through Ready, another by message. */
function respond(raft: Raft, request: Message, index: LogIndex): void {
  if (raft.trace.on) raft.trace.emit({ type: 'raft.readIndex', index, confirmed: true });
  if (request.from === none || request.from === raft.id) {
    raft.readStates.push({ index, requestContext: request.entries[0].data });
    return;
  }
  const m = newMessage('MsgReadIndexResp', request.from);
  m.index = index;
  m.entries = request.entries;
  raft.send(m);
}
