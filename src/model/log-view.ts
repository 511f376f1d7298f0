/** Each member's raft log as a picture sees it. A fold of events. */
import { firstSeats, replaced, seated, type Told } from './told.ts';

export type EntryState = 'unstable' | 'stable' | 'committed' | 'applied';

export interface EntryView {
  readonly index: number;
  readonly term: number;
  /** What the entry says, in etcdctl's words; empty where it is not known or the entry says nothing. */
  readonly label: string;
}

/** Entries that another leader's replaced: they stood from `index` on. */
export interface Truncation {
  readonly atUs: number;
  readonly index: number;
  readonly count: number;
}

/** What the leader knows of a peer. */
export interface PeerProgress {
  readonly peer: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly match: number;
  readonly next: number;
}

export interface MemberLog {
  readonly id: number;
  /** The index of `entries[0]`; they follow without gaps. */
  readonly firstIndex: number;
  readonly entries: readonly EntryView[];
  /** Entries up to here are on this member's disk. */
  readonly stableIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly truncation: Truncation | null;
  /** Filled while this member leads. */
  readonly progress: readonly PeerProgress[];
}

export interface LogView {
  /** Index 0 is member 1. */
  readonly members: readonly MemberLog[];
}

const newLog = (id: number): MemberLog => ({
  id,
  firstIndex: 1,
  entries: [],
  stableIndex: 0,
  commitIndex: 0,
  appliedIndex: 0,
  truncation: null,
  progress: [],
});

export const emptyLogs = (memberCount: number): LogView => ({ members: firstSeats(memberCount, newLog) });

/** The logs after these events, told in order; the view before stays as it was. */
export function foldLogs(before: LogView, events: readonly Told[]): LogView {
  let members = seated(before.members, events, newLog);
  const fresh: Fresh = new Set();
  for (const told of events) {
    const at = told.at.member - 1;
    if (members[at] !== undefined) members = replaced(members, at, step(members[at], told, fresh));
  }
  return members === before.members ? before : { members };
}

/** Lists of entries made while one batch is folded: nobody else has them yet, so they may grow in place. */
type Fresh = Set<readonly EntryView[]>;

/** Entries to write into: a copy at a member's first change in a batch, the same list after that. */
function writable(entries: readonly EntryView[], fresh: Fresh): EntryView[] {
  if (fresh.has(entries)) return entries as EntryView[];
  const copy = [...entries];
  fresh.add(copy);
  return copy;
}

function step(log: MemberLog, { at, event }: Told, fresh: Fresh): MemberLog {
  switch (event.type) {
    case 'raft.initState':
      return restart(log, event);
    case 'raft.append':
      return append(log, event, at.timeUs, fresh);
    case 'server.entries':
      return label(log, event, fresh);
    case 'raft.stable':
      return { ...log, stableIndex: Math.max(log.stableIndex, event.index) };
    case 'raft.commit':
      return { ...log, commitIndex: Math.max(log.commitIndex, event.index) };
    case 'server.apply':
      return apply(log, event, fresh);
    case 'raft.compact':
      return compact(log, event.firstIndex);
    case 'snapshot.apply':
      return { ...log, appliedIndex: Math.max(log.appliedIndex, event.index) };
    case 'sim.wipe':
      return newLog(log.id);
    case 'raft.progress':
      return { ...log, progress: withPeer(log.progress, event) };
    case 'raft.applyConfChange': {
      const ids: readonly number[] = [...event.voters, ...event.votersOutgoing, ...event.learners];
      return { ...log, progress: log.progress.filter(({ peer }) => ids.includes(peer)) };
    }
    case 'raft.becomeFollower':
    case 'sim.kill':
    case 'sim.stop':
    case 'sim.powerCut':
      return { ...log, progress: [] };
    default:
      return log;
  }
}

interface Stored {
  readonly firstIndex: number;
  readonly entryTerms: readonly number[];
  readonly commit: number;
  readonly applied: number;
}

/** What storage held at a start; labels of entries that survived are kept. */
function restart(log: MemberLog, stored: Stored): MemberLog {
  const { firstIndex, entryTerms, commit, applied } = stored;
  const entries = entryTerms.map((term, i) => known(log, firstIndex + i, term));
  return {
    ...log,
    firstIndex,
    entries,
    stableIndex: firstIndex + entries.length - 1,
    commitIndex: commit,
    appliedIndex: applied,
    truncation: null,
    progress: [],
  };
}

/** The entry as it stands, label and all, where its term is this one; else a new one without a label. */
function known(log: MemberLog, index: number, term: number): EntryView {
  const old = log.entries[index - log.firstIndex];
  return old !== undefined && old.term === term ? old : { index, term, label: '' };
}

type Appended = Extract<Told['event'], { type: 'raft.append' }>;
type Labelled = Extract<Told['event'], { type: 'server.entries' }>;
type Applied = Extract<Told['event'], { type: 'server.apply' }>;

function append(log: MemberLog, event: Appended, atUs: number, fresh: Fresh): MemberLog {
  const { index, entryTerms, truncated } = event;
  const added = entryTerms.map((term, i) => known(log, index + i, term));
  const firstIndex = log.entries.length === 0 ? index : log.firstIndex;
  const entries = writable(log.entries, fresh);
  entries.length = index - firstIndex;
  for (const entry of added) entries.push(entry);
  const truncation = truncated > 0 ? { atUs, index, count: truncated } : log.truncation;
  const stableIndex = truncated > 0 ? Math.min(log.stableIndex, index - 1) : log.stableIndex;
  return { ...log, firstIndex, entries, truncation, stableIndex };
}

/** Labels entries by index and term; an entry that is not in the log yet joins it. */
function label(log: MemberLog, event: Labelled, fresh: Fresh): MemberLog {
  const start = log.entries.length === 0 ? event.firstIndex : log.firstIndex;
  const entries = writable(log.entries, fresh);
  event.entryTerms.forEach((term, i) => {
    const index = event.firstIndex + i;
    const at = index - start;
    const old = entries[at];
    if (at < 0 || at > entries.length) return;
    if (old !== undefined && old.term !== term) entries.length = at;
    entries[at] = { index, term, label: event.labels[i] ?? '' };
  });
  return { ...log, firstIndex: start, entries };
}

function apply(log: MemberLog, event: Applied, fresh: Fresh): MemberLog {
  const { index, term, label: text } = event;
  const at = index - log.firstIndex;
  const appliedIndex = Math.max(log.appliedIndex, index);
  if (log.entries[at]?.label !== '' || text === '') return { ...log, appliedIndex };
  const entries = writable(log.entries, fresh);
  entries[at] = { index, term, label: text };
  return { ...log, entries, appliedIndex };
}

function compact(log: MemberLog, firstIndex: number): MemberLog {
  const gone = Math.max(0, firstIndex - log.firstIndex);
  const stableIndex = Math.max(log.stableIndex, firstIndex - 1);
  return { ...log, firstIndex, entries: log.entries.slice(gone), stableIndex };
}

function withPeer(peers: readonly PeerProgress[], news: PeerProgress): readonly PeerProgress[] {
  const { peer, state, match, next } = news;
  const others = peers.filter((one) => one.peer !== peer);
  return [...others, { peer, state, match, next }].sort((a, b) => a.peer - b.peer);
}

export function stateOf(log: MemberLog, index: number): EntryState {
  if (index <= log.appliedIndex) return 'applied';
  if (index <= log.commitIndex) return 'committed';
  return index <= log.stableIndex ? 'stable' : 'unstable';
}

/** The last index of a log; firstIndex - 1 while it is empty. */
export const lastIndexOf = (log: MemberLog): number => log.firstIndex + log.entries.length - 1;
