/** Words for what a checker accuses. */
import { m } from '../paraglide/messages.js';
import type { Accused } from '../sim/checkers/checker.ts';

/** `m1`, `entry 5`, `entry 5 of m1`, `key a`, `page 7 of m2`, `lease 1f`, `watcher 3 of m1`, `message 41`. */
export function accusedWord(one: Accused, nameOf: (member: number) => string): string {
  switch (one.kind) {
    case 'member':
      return nameOf(one.member);
    case 'entry':
      return of(m.ck_entry({ index: one.index }), one.member, nameOf);
    case 'key':
      return of(m.ck_key({ key: one.key }), one.member, nameOf);
    case 'page':
      return of(m.ck_page({ page: one.page }), one.member, nameOf);
    case 'lease':
      return m.ck_lease({ lease: one.lease });
    case 'watcher':
      return of(m.ck_watcher({ watcher: one.watcher }), one.member, nameOf);
    case 'message':
      return m.ck_message({ message: one.message, from: nameOf(one.from), to: nameOf(one.to) });
    default:
      return one satisfies never;
  }
}

const of = (what: string, member: number | undefined, nameOf: (member: number) => string): string =>
  member === undefined ? what : m.ck_of({ what, member: nameOf(member) });

/** A cell of a table that a checker accuses says so. */
export const accusedCell = (text: string, isAccused: boolean): string =>
  isAccused ? `⚠ ${text}, ${m.ck_accused()}` : text;
