/** Ties a lab to the page: frames move the shown time, a hidden page pauses it, scripts get their door. */
import type { Lab } from '../model/lab.svelte.ts';
import { quorumLabOf } from './quorum-lab.ts';

/** Keeps an opening or open lab running with the page. */
export function runLab(lab: Lab): void {
  window.quorumLab = quorumLabOf(lab);
  // Who does not wait for `ready` need not hear of its failure: the page shows it.
  lab.ready.catch(() => {});
  const frame = (nowMs: number): void => {
    lab.frame(nowMs);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  pauseWhileHidden(lab);
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
