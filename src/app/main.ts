/** Home's start: the lab first, then the page around it. */
import { beginEarly } from './early.ts';

const early = beginEarly(false);
void Promise.all([import('./start.ts'), import('./App.svelte')]).then(([{ startPage }, { default: Page }]) =>
  startPage(Page, early),
);
