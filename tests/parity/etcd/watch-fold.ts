/** What came on a watch stream, folded as the transcripts have it: per watch id, neighbouring events joined. */
import type { NormalForm } from './normal-form.ts';
import type { Json, JsonObject } from './transcript.ts';

type Entry = { [key: string]: Json };

/** @param frames the WatchResponses in JSON, in the order in which they came */
export function foldFrames(frames: readonly JsonObject[], norm: NormalForm): JsonObject {
  const byId = new Map<string, Entry[]>();
  for (const frame of frames) {
    const id = String(frame['watch_id'] ?? '0');
    const entries = byId.get(id) ?? [];
    byId.set(id, entries);
    add(entries, frame, norm);
  }
  return Object.fromEntries([...byId].map(([id, entries]) => [id, newestProgressLast(entries)]));
}

function add(entries: Entry[], frame: JsonObject, norm: NormalForm): void {
  const revision = (frame['header'] as JsonObject | undefined)?.['revision'];
  const events = (frame['events'] ?? []) as readonly JsonObject[];
  if (frame['created'] === true) {
    const created: Entry = { t: 'created' };
    if (revision !== undefined) created['revision'] = revision;
    if (frame['canceled'] === true) created['canceled'] = true;
    copy(frame, created, 'cancel_reason');
    entries.push(created);
  } else if (frame['canceled'] === true) {
    const canceled: Entry = { t: 'canceled' };
    copy(frame, canceled, 'compact_revision');
    copy(frame, canceled, 'cancel_reason');
    entries.push(canceled);
  } else if (events.length > 0) {
    const normal = (norm.answer({ events }, '/v3/watch', false)['events'] ?? []) as Json[];
    join(entries, { t: 'events', events: normal });
  } else entries.push(revision === undefined ? { t: 'progress' } : { t: 'progress', revision });
}

function copy(from: JsonObject, to: Entry, field: string): void {
  if (from[field] !== undefined) to[field] = from[field];
}

function join(entries: Entry[], entry: Entry): void {
  const last = entries.at(-1);
  if (entry['t'] === 'events' && last?.['t'] === 'events')
    last['events'] = [...(last['events'] as Json[]), ...(entry['events'] as Json[])];
  else entries.push({ ...entry });
}

/** When a notification falls is a matter of timing: only the newest counts, and it stands last. */
function newestProgressLast(entries: readonly Entry[]): Entry[] {
  const progress = entries.filter((entry) => entry['t'] === 'progress').at(-1);
  if (progress === undefined) return [...entries];
  const rest: Entry[] = [];
  for (const entry of entries) if (entry['t'] !== 'progress') join(rest, entry);
  return [...rest, progress];
}
