/** The embedded page's start: the lab first, then one picture of it and its controls. */
import { beginEarly } from './early.ts';

const early = beginEarly(true);
void Promise.all([import('./start.ts'), import('./Embed.svelte')]).then(
  ([{ startPage }, { default: Page }]) => startPage(Page, early),
);
