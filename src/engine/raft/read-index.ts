/** Linearizable reads without a log entry: what a leader does with ReadIndex. Raft thesis section 6.4. */
import { fail } from '../../base/assert.ts';
import { tellsAll } from '../../base/trace.ts';
import { newMessage } from './message.ts';
import type { Raft } from './raft.ts';
import { broadcastHeartbeat } from './replicate.ts';
import type { PendingRead } from './read-only.ts';
import type { Message } from './types.ts';
import { none } from './types.ts';

/**
 * A new leader's commit index may lag behind what the last one had acknowledged, until an entry of its
 * own term is committed: reads wait for that (etcd#7331). A lone voter's, too, which upstream does not ask:
 * a crash may have lost its last commit index, which is written without sync, and what it had acknowledged
 * is committed again only with its first entry.
 * @source etcd-io/raft raft.go stepLeader, case MsgReadIndex
 */
export function readIndex(raft: Raft, m: Message): void {
  if (!raft.settings.defects.readBeforeCommitInTerm && !raft.committedEntryInCurrentTerm()) {
    raft.pendingReads.push(m);
  } else confirm(raft, m);
}

/** The first commit of the term is there: the reads that waited for it go on. */
export function releasePendingReads(raft: Raft): void {
  if (raft.pendingReads.length === 0 || !raft.committedEntryInCurrentTerm()) return;
  const reads = raft.pendingReads;
  raft.pendingReads = [];
  for (const read of reads) confirm(raft, read);
}

/**
 * Where there is one voter the leader answers at once, as upstream. A leader that was removed or demoted, and
 * was not told to step down, answers although another node is that voter: etcd's members do not get there.
 */
function confirm(raft: Raft, m: Message): void {
  if (raft.tracker.isSingleton()) respond(raft, { request: m, index: raft.log.committed, position: 0 });
  else confirmLeadership(raft, m);
}

function confirmLeadership(raft: Raft, m: Message): void {
  const { committed } = raft.log;
  if (raft.settings.readOnlyOption === 'ReadOnlyLeaseBased' || raft.settings.defects.readWithoutQuorum) {
    respond(raft, { request: m, index: committed, position: 0 });
    return;
  }
  const position = raft.readQueue.add(committed, m);
  if (tellsAll(raft.trace))
    raft.trace.emit({ type: 'raft.readIndex', index: committed, confirmed: false, position });
  const context = raft.readQueue.contextOf(m);
  if (context !== null) raft.readQueue.receiveAck(raft.id, context);
  broadcastHeartbeat(raft, context);
}

/** A heartbeat with a read's context was answered: the reads that a quorum confirms are answered in turn. */
export function receiveReadAck(raft: Raft, m: Message, context: Uint8Array): void {
  const position = raft.readQueue.receiveAck(m.from, context);
  if (tellsAll(raft.trace)) raft.trace.emit({ type: 'raft.readAck', from: m.from, position });
  for (const read of raft.readQueue.maybeAdvance(raft.tracker.config, context)) respond(raft, read);
}

/** Answers to the node that asked: itself through Ready, another by message. */
function respond(raft: Raft, { request, index, position }: PendingRead): void {
  if (tellsAll(raft.trace)) raft.trace.emit({ type: 'raft.readIndex', index, confirmed: true, position });
  if (request.from === none || request.from === raft.id) {
    const [entry] = request.entries;
    if (entry === undefined) fail(`${raft.id} stepped a MsgReadIndex without a context, at ${index}`);
    raft.readStates.push({ index, requestContext: entry.data });
    return;
  }
  const m = newMessage('MsgReadIndexResp', request.from);
  m.index = index;
  m.entries = request.entries;
  raft.send(m);
}
