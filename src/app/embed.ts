/** The embedded page's start: one picture and its controls, without the page around them. */
import Embed from './Embed.svelte';
import { startPage } from './start.ts';

startPage(Embed, true);
