/** Raft's data as text, the way upstream's scripts print it. */
import { RaftError } from './errors.ts';
import { describeChanges } from './confchange-codec.ts';
import { describeJointVoters } from './quorum/joint.ts';
import { describeVoters } from './quorum/majority.ts';
import { isEmptyHardState } from './raft.ts';
import type { Progress } from './tracker/progress.ts';
import type { ConfState, Entry, HardState, Message, NodeId, Ready, Snapshot, SoftState } from './types.ts';
import { localAppendThread, localApplyThread, none } from './types.ts';

const shortEscapes: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

/** The code point at `at` and its length in UTF-8; null where the bytes are none. */
function codePointAt(
  bytes: Uint8Array,
  at: number,
): { readonly code: number; readonly length: number } | null {
  const first = bytes[at];
  if (first < 0x80) return { code: first, length: 1 };
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return null;
  let code = first & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    if ((bytes[at + i] & 0xc0) !== 0x80) return null;
    code = code * 64 + (bytes[at + i] & 63);
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  return code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? null : { code, length };
}

const hexOf = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Bytes in double quotes as Go's %q writes them: printable characters as they are, others escaped. */
export function quoteGo(bytes: Uint8Array): string {
  let text = '"';
  for (let at = 0; at < bytes.length;) {
    const point = codePointAt(bytes, at);
    if (point === null) {
      text += `\\x${hexOf(bytes[at++], 2)}`;
      continue;
    }
    const { code, length } = point;
    at += length;
    const character = String.fromCodePoint(code);
    if (shortEscapes[code] !== undefined) text += shortEscapes[code];
    else if (code === 32 || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character)) text += character;
    else if (code < 0x80) text += `\\x${hexOf(code, 2)}`;
    else text += code < 0x10000 ? `\\u${hexOf(code, 4)}` : `\\U${hexOf(code, 8)}`;
  }
  return `${text}"`;
}

export function describeEntry(entry: Entry): string {
  const text = entry.type === 'EntryNormal' ? quoteGo(entry.data) : changesOrError(entry);
  return `${entry.term}/${entry.index} ${entry.type}${text === '' ? '' : ` ${text}`}`;
}

function changesOrError(entry: Entry): string {
  try {
    return describeChanges(entry);
  } catch (error) {
    if (error instanceof RaftError) return error.code;
    throw error;
  }
}

/** One entry a line. */
export function describeEntries(entries: readonly Entry[]): string {
  return entries.map((entry) => `${describeEntry(entry)}\n`).join('');
}

export function describeHardState({ term, vote, commit }: HardState): string {
  return `Term:${term}${vote === none ? '' : ` Vote:${vote}`} Commit:${commit}`;
}

export function describeSoftState({ lead, state }: SoftState): string {
  return `Lead:${lead} State:${state}`;
}

const list = (ids: readonly NodeId[]): string => `[${ids.join(' ')}]`;

export function describeConfState(state: ConfState): string {
  return (
    `Voters:${list(state.voters)} VotersOutgoing:${list(state.votersOutgoing)} ` +
    `Learners:${list(state.learners)} LearnersNext:${list(state.learnersNext)} AutoLeave:${state.autoLeave}`
  );
}

export function describeSnapshot(snapshot: Snapshot): string {
  return `Index:${snapshot.index} Term:${snapshot.term} ConfState:${describeConfState(snapshot.confState)}`;
}

function describeTarget(id: NodeId): string {
  if (id === none) return 'None';
  if (id === localAppendThread) return 'AppendThread';
  return id === localApplyThread ? 'ApplyThread' : id.toString(16);
}

/** One line, more for several entries, a snapshot or responses; no line end. @source etcd-io/raft util.go */
export function describeMessage(m: Message, indent = ''): string {
  let text =
    `${indent}${describeTarget(m.from)}->${describeTarget(m.to)} ${m.type} ` +
    `Term:${m.term} Log:${m.logTerm}/${m.index}`;
  if (m.reject) text += ` Rejected (Hint: ${m.rejectHint})`;
  if (m.commit !== 0) text += ` Commit:${m.commit}`;
  if (m.vote !== none) text += ` Vote:${m.vote}`;
  if (m.entries.length === 1) {
    text += ` Entries:[${describeEntry(m.entries[0])}]`;
  } else if (m.entries.length > 1) {
    const entries = m.entries.map((entry) => `\n${indent}  ${describeEntry(entry)}`);
    text += ` Entries:[${entries.join('')}\n${indent}]`;
  }
  if (m.snapshot !== null && m.snapshot.index !== 0)
    text += `\n${indent}  Snapshot: ${describeSnapshot(m.snapshot)}`;
  if (m.responses.length > 0) {
    const responses = m.responses.map((response) => `\n${describeMessage(response, `${indent}  `)}`);
    text += ` Responses:[${responses.join('')}\n${indent}]`;
  }
  return text;
}

/** Several lines, or `<empty Ready>` without line end. @source etcd-io/raft util.go DescribeReady */
export function describeReady(ready: Ready): string {
  let text = '';
  if (ready.softState !== null) text += `${describeSoftState(ready.softState)}\n`;
  if (ready.hardState !== null && !isEmptyHardState(ready.hardState)) {
    text += `HardState ${describeHardState(ready.hardState)}\n`;
  }
  if (ready.readStates.length > 0) {
    const states = ready.readStates.map(
      ({ index, requestContext }) => `{${index} [${requestContext.join(' ')}]}`,
    );
    text += `ReadStates [${states.join(' ')}]\n`;
  }
  if (ready.entries.length > 0) text += `Entries:\n${describeEntries(ready.entries)}`;
  if (ready.snapshot !== null) text += `Snapshot ${describeSnapshot(ready.snapshot)}\n`;
  if (ready.committedEntries.length > 0)
    text += `CommittedEntries:\n${describeEntries(ready.committedEntries)}`;
  if (ready.messages.length > 0) {
    text += `Messages:\n${ready.messages.map((m) => `${describeMessage(m)}\n`).join('')}`;
  }
  return text === '' ? '<empty Ready>' : `Ready MustSync=${ready.mustSync}:\n${text}`;
}

const stateNames = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' } as const;

/**
 * `StateReplicate match=4 next=6 inflight=1`, and what else holds. @source etcd-io/raft
 * tracker/progress.go String
 */
export function describeProgress(progress: Progress): string {
  let text = `${stateNames[progress.state]} match=${progress.match} next=${progress.next}`;
  if (progress.isLearner) text += ' learner';
  if (progress.isPaused()) text += ' paused';
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentActive) text += ' inactive';
  const { inflights } = progress;
  if (inflights.count > 0) text += ` inflight=${inflights.count}${inflights.full() ? '[full]' : ''}`;
  return text;
}

/** One peer a line. */
export function describeProgressMap(peers: readonly Progress[]): string {
  return peers.map((progress) => `${progress.id}: ${describeProgress(progress)}\n`).join('');
}

/**
 * `voters=(1 2)&&(1 2 3) learners=(4) learners_next=(3) autoleave`. @source etcd-io/raft
 * tracker/tracker.go String
 */
export function describeConfig(config: ConfState): string {
  let text = `voters=${describeJointVoters(config)}`;
  if (config.learners.length > 0) text += ` learners=${describeVoters(config.learners)}`;
  if (config.learnersNext.length > 0) text += ` learners_next=${describeVoters(config.learnersNext)}`;
  return config.autoLeave ? `${text} autoleave` : text;
}
