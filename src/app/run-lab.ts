/** Ties a lab to the page: frames move the shown time, a hidden page pauses it, scripts get their door. */
import type { Lab } from '../model/lab.svelte.ts';
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
