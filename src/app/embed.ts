/** The embedded page's start: one picture and its controls, without the page around them. */
import { mount } from 'svelte';
import { connectLab } from '../host/connect.ts';
import { Lab } from '../model/lab.svelte.ts';
import Embed from './Embed.svelte';
import { readAddress } from './address.ts';
import { Desk } from './desk.svelte.ts';
import { runLab } from './run-lab.ts';

const { address, faults } = readAddress(location.search);
const target = document.querySelector('#app');

function showLab(): void {
  const lab = new Lab(connectLab());
  const desk = new Desk(lab, address);
  target?.replaceChildren();
  if (target !== null) mount(Embed, { target, props: { desk } });
  runLab(lab);
  void desk.open();
}

if (address.view === 'freelist' && target !== null) {
  void import('./freelist.ts').then(({ showFreelist }) => showFreelist(target, address, faults, true));
} else showLab();
