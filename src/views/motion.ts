/** Whether pictures may move smoothly. Without motion, marks stand half way and timers lose whole ticks. */
import { MediaQuery } from 'svelte/reactivity';

const reduced = new MediaQuery('prefers-reduced-motion: reduce');

export const motion = {
  /** True: show states, not movements. */
  get still(): boolean {
    return reduced.current;
  },
};
