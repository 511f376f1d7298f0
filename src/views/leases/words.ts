/** Words for leases: short ids, what is left, how far an end has come. */
import { m } from '../../paraglide/messages.js';
import type { LeaseEnd } from '../../model/lease-end.ts';
import { leftUs, type LeaseView } from '../../model/lease-view.ts';
import { clockText } from '../words.ts';

/** Ids are random: the first and last four digits tell them apart on a screen. */
export function shortId(id: string): string {
  return id.length <= 10 ? id : `${id.slice(0, 4)}…${id.slice(-4)}`;
}

/** Seconds to one place, rounded down: a lease with 0.0 left is over. */
export const secondsText = (us: number): string => (Math.floor(us / 1e5) / 10).toFixed(1);

/** What a dial's middle says. */
export function leftWords(lease: LeaseView, timeUs: number): string {
  const left = leftUs(lease, timeUs);
  if (lease.goneAtUs !== null) return m.ls_gone();
  if (left === null) return m.ls_no_clock();
  return left === 0 ? m.ls_over() : `${secondsText(left)} s`;
}

/** The dial in one sentence. */
export function dialWords(lease: LeaseView, timeUs: number): string {
  const { ttlSeconds: ttl, keyCount: count } = lease;
  const [id, left] = [shortId(lease.id), leftUs(lease, timeUs)];
  if (lease.goneAtUs !== null) return m.ls_dial_gone({ id });
  if (left === null) return m.ls_dial_waiting({ id, ttl, count });
  return left === 0 ? m.ls_dial_over({ id }) : m.ls_dial({ id, ttl, count, left: secondsText(left) });
}

export function endWords(end: LeaseEnd, nameOf: (member: number) => string): string {
  const about = { id: shortId(end.id), member: nameOf(end.member), time: clockText(end.startedAtUs) };
  const began = end.because === 'expired' ? m.ls_end_expired(about) : m.ls_end_revoked(about);
  return `${began} ${progressWords(end, nameOf)} ${keyWords(end)}`.trim();
}

function progressWords({ entry, committedAtUs, applied }: LeaseEnd, nameOf: (id: number) => string): string {
  if (entry === null) return m.ls_end_no_entry();
  const { index } = entry;
  if (applied.length > 0)
    return m.ls_end_applied({ index, members: applied.map(({ member }) => nameOf(member)).join(', ') });
  return committedAtUs === null ? m.ls_end_entry({ index }) : m.ls_end_committed({ index });
}

function keyWords({ keys, keyCount, applied }: LeaseEnd): string {
  if (applied.length === 0) return '';
  return keyCount === 0 ? m.ls_end_no_keys() : m.ls_end_keys({ keys: keysText(keys, keyCount) });
}

/** Some names, and how many more there are. */
export function keysText(keys: readonly string[], keyCount: number): string {
  const shown = keys.slice(0, 6);
  const more = keyCount - shown.length;
  const names = shown.join(', ');
  return more > 0 ? `${names}, ${m.ls_more_keys({ count: more })}`.replace(/^, /, '') : names;
}
