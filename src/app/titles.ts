/** What each view's page is called. */
import { m } from '../paraglide/messages.js';
import type { View } from './views.ts';

const names: Readonly<Record<Exclude<View, 'cluster'>, () => string>> = {
  raft: m.view_raft,
  pages: m.view_pages,
  keys: m.view_keys,
  leases: m.view_leases,
  spacetime: m.view_spacetime,
  checks: m.view_checks,
  freelist: m.view_freelist,
};

export const titleOf = (view: View): string =>
  view === 'cluster' ? m.title() : `${m.title()}: ${names[view]()}`;
