/** The page's start: connects the lab, draws Home, and lets the screen's frames move the shown time. */
import { mount } from 'svelte';
import { connectLab } from '../host/connect.ts';
import { Lab } from '../model/lab.svelte.ts';
import { m } from '../paraglide/messages.js';
import App from './App.svelte';
import { readAddress } from './address.ts';
import { Desk } from './desk.svelte.ts';
import { runLab } from './run-lab.ts';

const { address, faults } = readAddress(location.search);
const target = document.querySelector('#app');

function showLab(): void {
  const lab = new Lab(connectLab());
  const desk = new Desk(lab, address);
  desk.notices = faults.map((fault) => m.bad_address({ ...fault }));
  target?.replaceChildren();
  if (target !== null) mount(App, { target, props: { desk } });
  runLab(lab);
  void desk.open();
}

if (address.view === 'freelist' && target !== null) {
  void import('./freelist.ts').then(({ showFreelist }) => showFreelist(target, address, faults, false));
} else showLab();
