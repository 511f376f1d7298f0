/** Shows the freelist race in place of the cluster; loaded only where the address asks for it. */
import { mount } from 'svelte';
import { connectFreelist } from '../host/freelist-connect.ts';
import { FreelistShow } from '../model/freelist.svelte.ts';
import { racePresets } from '../model/freelist-view.ts';
import { m } from '../paraglide/messages.js';
import type { Address, AddressFault } from './address.ts';
import { addressNotices } from './address-notices.ts';
import FreelistPage from './FreelistPage.svelte';

/** Mounts the race into the page and opens the address's preset; plays where motion is welcome. */
export function showFreelist(
  target: Element,
  address: Address,
  faults: readonly AddressFault[],
  embedded: boolean,
): void {
  const { scenario, seed, theme, autoplay } = address;
  const preset = racePresets.find((one) => one === scenario) ?? 'article';
  const notices = addressNotices(address, faults, racePresets);
  if (theme !== 'auto') document.documentElement.dataset.theme = theme;
  document.title = `${m.title()}: ${m.view_freelist()}`;

  const show = new FreelistShow(connectFreelist(), seed);
  target.replaceChildren();
  mount(FreelistPage, { target, props: { show, notices, embedded } });
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  void show.open(preset, autoplay && !isStill);
  runFrames(show);
}

/** The screen's frames move the race; a hidden page stops it. */
function runFrames(show: FreelistShow): void {
  const frame = (nowMs: number): void => {
    show.frame(nowMs);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) show.playing = false;
  });
}
