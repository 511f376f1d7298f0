/** Words for what the models name: roles, states, stations, times. */
import { m } from '../paraglide/messages.js';
import type { MemberView } from '../model/cluster-view.ts';
import type { LabOrigin, Replayed } from '../host/port.ts';
import type { Hint } from '../model/guide.ts';
import type { StationId } from '../model/journey.ts';
import type { EntryState } from '../model/log-view.ts';
import type { MapKind } from '../model/page-map.ts';
import type { MarkKind } from '../model/run-mark.ts';

type NameOf = (member: number) => string;

/** Which file a lab began from, and what it held. */
export function originWords(origin: LabOrigin): string {
  const { file, sizeBytes, revision, keyCount: keys, hashKv, compactRevision, status, hashed } = origin;
  const compacted = compactRevision > 0 ? [m.origin_compacted({ revision: compactRevision })] : [];
  const { totalKey, totalSize: size } = status;
  const told = { hash: status.hash.toString(16), revision: status.revision, keys: totalKey, size };
  return [
    m.origin_began({ file, size: sizeBytes, revision, keys, hash: hashKv }),
    ...compacted,
    hashed ? m.origin_hashed() : m.origin_plain(),
    m.origin_status(told),
    m.origin_memory(),
  ].join(' ');
}

/**
 * What came of doing a run again, and whether it was made elsewhere.
 * @param own the name of the engine that did it again
 */
export function replayedWords({ actions, moment, proven, engine }: Replayed, own: string): string {
  const isOther = engine !== own;
  const differs = isOther ? m.run_differs_engine : m.run_differs;
  const proof = proven === null ? m.run_unproven() : proven ? m.run_proven() : differs();
  const other = isOther ? [m.run_other_engine({ engine, own })] : [];
  return [m.run_done_again({ actions, moment }), proof, ...other].join(' ');
}

/** What a member is now: its role while it runs, else what became of its process. */
export function statusOf({ process, role, part, isWiped, host }: MemberView): string {
  if (part === 'removed') return m.part_removed();
  if (process !== 'up' && host.coming?.why === 'load') return m.process_loading();
  if (isWiped && process === 'down') return m.process_wiped();
  if (process !== 'up') return processWord(process);
  if (part === 'learner' && role === 'follower') return m.rf_learner();
  return {
    follower: m.role_follower,
    preCandidate: m.role_preCandidate,
    candidate: m.role_candidate,
    leader: m.role_leader,
  }[role]();
}

export function processWord(process: MemberView['process']): string {
  return {
    off: m.process_off,
    up: m.process_up,
    down: m.process_down,
    paused: m.process_paused,
    halted: m.process_halted,
  }[process]();
}

export function partWord(part: MemberView['part']): string {
  return { voter: m.rf_voter, learner: m.rf_learner, removed: m.part_removed }[part]();
}

export function entryWord(state: EntryState): string {
  return {
    unstable: m.entry_unstable,
    stable: m.entry_stable,
    committed: m.entry_committed,
    applied: m.entry_applied,
  }[state]();
}

export function kindWord(kind: MapKind): string {
  return {
    meta: m.kind_meta,
    freelist: m.kind_freelist,
    branch: m.kind_branch,
    leaf: m.kind_leaf,
    free: m.kind_free,
    pending: m.kind_pending,
    never: m.kind_never,
  }[kind]();
}

export function stationWord(id: StationId): string {
  return {
    asked: m.station_asked,
    appended: m.station_appended,
    sent: m.station_sent,
    synced: m.station_synced,
    acknowledged: m.station_acknowledged,
    committed: m.station_committed,
    applied: m.station_applied,
    answered: m.station_answered,
    batched: m.station_batched,
    paged: m.station_paged,
    stored: m.station_stored,
  }[id]();
}

function travelWords(station: StationId): string {
  const words = {
    asked: m.hint_at_asked,
    appended: m.hint_at_appended,
    sent: m.hint_at_sent,
    synced: m.hint_at_synced,
    acknowledged: m.hint_at_acknowledged,
    committed: m.hint_at_committed,
    applied: m.hint_at_applied,
    answered: m.hint_at_answered,
    batched: m.hint_at_batched,
    paged: m.hint_at_paged,
    stored: m.hint_at_paged,
  };
  return words[station]();
}

export function hintWords(hint: Hint, nameOf: NameOf): string {
  switch (hint.kind) {
    case 'starting':
      return m.hint_starting();
    case 'noLeader': {
      const { runningCount: running, neededCount: needed } = hint;
      return running < needed ? m.hint_no_quorum({ running, needed }) : m.hint_no_leader();
    }
    case 'put':
      return m.hint_put({ leader: nameOf(hint.leader) });
    case 'travelling':
      return travelWords(hint.station);
    case 'failed':
      return m.hint_failed({ message: hint.message });
    case 'kill':
      return m.hint_kill({ label: hint.label, count: hint.storedCount });
    case 'get':
      return m.hint_get({ leader: nameOf(hint.leader), lost: nameOf(hint.lost), label: hint.label });
    case 'repair':
      return hint.wasAnswered
        ? m.hint_repair({ lost: nameOf(hint.lost) })
        : m.hint_repair_unanswered({ lost: nameOf(hint.lost) });
    case 'free':
      return m.hint_free({ leader: nameOf(hint.leader) });
    case 'violated':
      return m.hint_violated({ property: hint.property });
    default:
      return hint satisfies never;
  }
}

/** A scrubber's mark as a word, or with how many there are. */
export function markWord(kind: MarkKind, count = 1): string {
  const word = {
    election: m.mark_election,
    commit: m.mark_commit,
    fault: m.mark_fault,
    expiry: m.mark_expiry,
  }[kind];
  return word({ count });
}

/** What to tell of a member that stopped itself, and what to do about it. */
export function haltWords(member: string, reason: string): string {
  const isFull = /ENOSPC|storage is full|no space/i.test(reason);
  return isFull ? m.halted_full({ member }) : m.halted_other({ member, reason });
}

/** Microseconds as seconds with all six places, in groups: `12.345 678 s`. */
export function clockText(timeUs: number): string {
  const seconds = Math.floor(timeUs / 1e6);
  const rest = String(Math.floor(timeUs) % 1e6).padStart(6, '0');
  return `${seconds}.${rest.slice(0, 3)} ${rest.slice(3)} s`;
}

/** Microseconds as a short length of time: `20 ms`, `1.5 s`, `300 µs`. */
export function spanText(spanUs: number): string {
  if (spanUs >= 1e6) return `${rounded(spanUs / 1e6)} s`;
  return spanUs >= 1000 ? `${rounded(spanUs / 1000)} ms` : `${Math.round(spanUs)} µs`;
}

const rounded = (value: number): string =>
  String(value >= 10 ? Math.round(value) : Math.round(value * 10) / 10);

const byteUnits = ['B', 'KiB', 'MiB', 'GiB'] as const;

/** A size in the largest unit of which there is one: `96 KiB`, `1.5 MiB`. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  const digits = Number.isInteger(amount) || amount >= 100 ? 0 : 1;
  return `${amount.toFixed(digits)} ${byteUnits[power]}`;
}
