/** The embedded page's start: one picture and its controls, without the page around them. */
import { mount } from 'svelte';
import { connectLab } from '../host/connect.ts';
import { Lab } from '../model/lab.svelte.ts';
import Embed from './Embed.svelte';
import { readAddress } from './address.ts';
import { Desk } from './desk.svelte.ts';
import { runLab } from './run-lab.ts';

const lab = new Lab(connectLab());
const desk = new Desk(lab, readAddress(location.search).address);

const target = document.querySelector('#app');
if (target !== null) {
  target.replaceChildren();
  mount(Embed, { target, props: { desk } });
}
runLab(lab);
void desk.open();
