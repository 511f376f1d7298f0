/** A page's start: draws what its address asks for, and lets the screen's frames move it. */
import { mount, type Component } from 'svelte';
import type { LabPort } from '../host/port.ts';
import { Lab } from '../model/lab.svelte.ts';
import { m } from '../paraglide/messages.js';
import { baseLocale, overwriteGetLocale } from '../paraglide/runtime.js';
import { addressNotices } from './address-notices.ts';
import { scenarioNames } from './address.ts';
import { Desk } from './desk.svelte.ts';
import type { Early } from './early.ts';
import { runLab } from './run-lab.ts';

type Page = Component<{ desk: Desk }>;

// Else each message looks at the page's address to find out its language.
overwriteGetLocale(() => baseLocale);

/** @param page what stands around the lab's pictures */
export function startPage(page: Page, early: Early): void {
  const { address, faults, embedded, port } = early;
  const target = document.querySelector('#app');
  if (target === null) return;
  if (port !== null) showLab(target, page, early, port);
  else
    void import('./freelist.ts').then(({ showFreelist }) => showFreelist(target, address, faults, embedded));
}

function showLab(target: Element, page: Page, { address, faults }: Early, port: LabPort): void {
  const lab = new Lab(port);
  const desk = new Desk(lab, address);
  desk.notices = addressNotices(address, faults, scenarioNames(address));
  const names = {
    raft: m.view_raft,
    pages: m.view_pages,
    keys: m.view_keys,
    leases: m.view_leases,
    spacetime: m.view_spacetime,
    freelist: m.view_freelist,
  };
  if (address.view !== 'cluster') document.title = `${m.title()}: ${names[address.view]()}`;
  target.replaceChildren();
  mount(page, { target, props: { desk } });
  runLab(desk);
  void desk.open();
}
