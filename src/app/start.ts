/** A page's start: connects what its address asks for, draws it, and lets the screen's frames move it. */
import { mount, type Component } from 'svelte';
import { connectLab } from '../host/connect.ts';
import { Lab } from '../model/lab.svelte.ts';
import { m } from '../paraglide/messages.js';
import { addressNotices } from './address-notices.ts';
import { defaultAddress, readAddress, scenarioNames, type Address, type AddressFault } from './address.ts';
import { Desk } from './desk.svelte.ts';
import { runLab } from './run-lab.ts';

/** @param Page what stands around the lab's pictures */
export function startPage(Page: Component<{ desk: Desk }>, embedded: boolean): void {
  const { address, faults } = readAddress(
    location.search,
    embedded ? { ...defaultAddress, storage: 'memory' } : defaultAddress,
  );
  const target = document.querySelector('#app');
  if (target === null) return;
  if (address.view === 'freelist') {
    void import('./freelist.ts').then(({ showFreelist }) => showFreelist(target, address, faults, embedded));
  } else showLab(target, Page, address, faults);
}

function showLab(
  target: Element,
  Page: Component<{ desk: Desk }>,
  address: Address,
  faults: readonly AddressFault[],
): void {
  const lab = new Lab(connectLab());
  const desk = new Desk(lab, address);
  desk.notices = addressNotices(address, faults, scenarioNames(address));
  if (address.view !== 'cluster') document.title = `${m.title()}: ${m.view_leases()}`;
  target.replaceChildren();
  mount(Page, { target, props: { desk } });
  runLab(lab);
  void desk.open();
}
