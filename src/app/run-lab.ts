/** Ties a lab to the page: frames move the shown time, a hidden page pauses it, scripts get their door. */
import { m } from '../paraglide/messages.js';
import type { Lab } from '../model/lab.svelte.ts';
import { clockText } from '../views/words.ts';
import type { Desk } from './desk.svelte.ts';
import { quorumLabOf } from './quorum-lab.ts';

/** Longer without a frame, wall milliseconds: nobody sees the page. */
const unseenMs = 1_000;

/** Keeps an opening or open lab running with the page. */
export function runLab(desk: Desk): void {
  const { lab } = desk;
  window.quorumLab = quorumLabOf(lab);
  // Who does not wait for `ready` need not hear of its failure: the page shows it.
  lab.ready.catch(() => {});
  const frame = (nowMs: number): void => {
    desk.frame(nowMs);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  standIn(lab);
  pauseWhileHidden(lab);
  tellOfSleep(desk);
}

/** A browser gives no frames to what is out of sight, in a frame of another page too: its words stay true. */
function standIn(lab: Lab): void {
  let frameAtMs = performance.now();
  const see = (nowMs: number): void => {
    frameAtMs = nowMs;
    requestAnimationFrame(see);
  };
  requestAnimationFrame(see);
  setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - frameAtMs > unseenMs) lab.frame(nowMs);
  }, unseenMs);
}

function pauseWhileHidden(lab: Lab): void {
  let wasPlaying = false;
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      wasPlaying = lab.playing;
      if (wasPlaying) void lab.pause();
    } else if (wasPlaying) {
      wasPlaying = false;
      void lab.play();
    }
  });
}

/** A browser may freeze a page, or keep it while another is shown: who wakes says how long it was. */
function tellOfSleep(desk: Desk): void {
  let sinceMs = performance.now();
  const sleep = (): void => void (sinceMs = performance.now());
  const wake = (words: typeof m.real_slept | typeof m.real_was_away): void => {
    const seconds = ((performance.now() - sinceMs) / 1000).toFixed(1);
    desk.slept = words({ seconds, time: clockText(desk.lab.shownUs) });
  };
  document.addEventListener('freeze', sleep);
  document.addEventListener('resume', () => wake(m.real_slept));
  addEventListener('pagehide', sleep);
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) wake(m.real_was_away);
  });
}
