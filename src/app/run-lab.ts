/** Ties a lab to the page: frames move the shown time, a hidden page pauses it, scripts get their door. */
import type { LabState } from '../host/port.ts';
import type { Lab } from '../model/lab.svelte.ts';
import { quorumLabOf } from './quorum-lab.ts';

/** Opens the lab through `open` and keeps it running with the page. */
export function runLab(lab: Lab, open: () => Promise<void>): void {
  const ready = opened(lab, open);
  // Who does not wait for `ready` need not hear of its failure: the page shows it.
  ready.catch(() => {});
  window.quorumLab = quorumLabOf(lab, ready);
  const frame = (nowMs: number): void => {
    lab.frame(nowMs);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  pauseWhileHidden(lab);
}

async function opened(lab: Lab, open: () => Promise<void>): Promise<LabState> {
  await open();
  if (lab.phase.kind === 'closed') throw new Error(`${lab.phase.code}: ${lab.phase.message}`);
  if (lab.state === null) throw new Error('the lab gave no state');
  return lab.state;
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
