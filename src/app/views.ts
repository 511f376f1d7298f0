/** The views: their names in the address, and the pages of the lab, loaded where they are asked for. */
import type { Component } from 'svelte';
import type { Desk } from './desk.svelte.ts';

export const views = [
  'cluster',
  'raft',
  'pages',
  'keys',
  'leases',
  'spacetime',
  'checks',
  'freelist',
] as const;
export type View = (typeof views)[number];

/** @property embedded alone in another page: the picture without what stands beside it */
type LabPage = Component<{ desk: Desk; embedded: boolean }>;
type Load = () => Promise<{ readonly default: LabPage }>;

const loads: Readonly<Record<Exclude<View, 'cluster' | 'freelist'>, Load>> = {
  raft: () => import('./RaftMain.svelte'),
  pages: () => import('./PagesMain.svelte'),
  keys: () => import('./KeysMain.svelte'),
  leases: () => import('./LeasesMain.svelte'),
  spacetime: () => import('./SpacetimeMain.svelte'),
  checks: () => import('./ChecksMain.svelte'),
};

/** How a view's own page is loaded; null for the cluster, which is Home, and for what shows no lab. */
export const pageOf = (view: View): Load | null => (view in loads ? loads[view as keyof typeof loads] : null);

/** The view that a door of the page leads to; null for a link that leads elsewhere. */
export function viewBehind(href: string | null): View | null {
  if (href === './') return 'cluster';
  return views.find((view) => href === `?view=${view}`) ?? null;
}
