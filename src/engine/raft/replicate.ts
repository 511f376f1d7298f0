/** How a leader sends: entries, snapshots, heartbeats. Raft thesis section 3.5. */
import { fail } from '../../base/assert.ts';
import { payloadsSize } from './entry-size.ts';
import { RaftError } from './errors.ts';
import { newMessage } from './message.ts';
import type { Raft } from './raft.ts';
import type { Progress } from './tracker/progress.ts';
import type { Entry, Snapshot } from './types.ts';
import { logIndex } from './types.ts';

const noEntries: readonly Entry[] = [];

/**
 * Sends one append to a follower unless its flow is paused, or a snapshot where the entries are compacted.
 * @param sendIfEmpty whether an append without entries is worth sending, to tell the commit index
 * @returns whether anything was sent
 * @source etcd-io/raft raft.go maybeSendAppend
 */
export function maybeSendAppend(raft: Raft, progress: Progress, sendIfEmpty: boolean): boolean {
  if (progress.isPaused()) return false;
  const { log } = raft;
  const previous = logIndex(progress.next - 1);
  const previousTerm = log.term(previous);
  if (previousTerm === null) return maybeSendSnapshot(raft, progress);
  // With a full window only empty appends go out: if all in flight was lost, one of them will tell.
  const throttled = progress.state === 'replicate' && progress.inflights.full();
  const entries = throttled ? noEntries : log.entries(progress.next, raft.settings.maxSizePerMsg);
  if ((entries === null || entries.length === 0) && !sendIfEmpty) return false;
  if (entries === null) return maybeSendSnapshot(raft, progress);
  const m = newMessage('MsgApp', progress.id);
  m.index = previous;
  m.logTerm = previousTerm;
  m.entries = entries;
  m.commit = log.committed;
  raft.send(m);
  progress.sentEntries(entries.length, payloadsSize(entries));
  progress.sentCommit(log.committed);
  return true;
}

/** A silent follower gets no snapshot; neither does anyone while storage is still making it. */
function maybeSendSnapshot(raft: Raft, progress: Progress): boolean {
  if (!progress.recentActive) return false;
  const snapshot = newestSnapshot(raft);
  if (snapshot === null) return false;
  if (snapshot.index === 0) fail('need non-empty snapshot');
  progress.becomeSnapshot(snapshot.index);
  const m = newMessage('MsgSnap', progress.id);
  m.snapshot = snapshot;
  raft.send(m);
  return true;
}

function newestSnapshot(raft: Raft): Snapshot | null {
  try {
    return raft.log.snapshot();
  } catch (error) {
    if (error instanceof RaftError && error.code === 'snapshot is temporarily unavailable') return null;
    throw error;
  }
}

/** Sends an append to every follower whose flow allows it. */
export function broadcastAppend(raft: Raft): void {
  for (const progress of raft.tracker.progress) {
    if (progress.id !== raft.id) maybeSendAppend(raft, progress, true);
  }
}

/**
 * Sends a heartbeat to every follower. Its commit index stays within what the follower has acknowledged:
 * its log may differ beyond.
 * @param context what the answers are to bring back, to confirm reads
 */
export function broadcastHeartbeat(raft: Raft, context: Uint8Array | null): void {
  const { committed } = raft.log;
  for (const progress of raft.tracker.progress) {
    if (progress.id === raft.id) continue;
    const m = newMessage('MsgHeartbeat', progress.id);
    const isKnown = progress.match >= committed || raft.settings.defects.commitUnseen;
    m.commit = isKnown ? committed : progress.match;
    m.context = context;
    raft.send(m);
    progress.sentCommit(m.commit);
  }
}
