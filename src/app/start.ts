/** A page's start: draws what its address asks for, and lets the screen's frames move it. */
import { mount, type Component } from 'svelte';
import { connectTime } from '../host/connect-time.ts';
import type { LabPort } from '../host/port.ts';
import { Lab } from '../model/lab.svelte.ts';
import { baseLocale, overwriteGetLocale } from '../paraglide/runtime.js';
import { addressNotices } from './address-notices.ts';
import { scenarioNames } from './address.ts';
import { Desk } from './desk.svelte.ts';
import type { Early } from './early.ts';
import { runLab } from './run-lab.ts';
import { titleOf } from './titles.ts';

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

function showLab(target: Element, page: Page, early: Early, port: LabPort): void {
  const { address, faults, embedded } = early;
  const lab = new Lab(port, (root) => connectTime(root, { embedded }));
  const desk = new Desk(lab, address);
  desk.notices = addressNotices(address, faults, scenarioNames(address));
  if (address.view !== 'cluster') document.title = titleOf(address.view);
  target.replaceChildren();
  mount(page, { target, props: { desk } });
  runLab(desk);
  void desk.open();
}
