/** Home's start: the whole lab. */
import App from './App.svelte';
import { startPage } from './start.ts';

startPage(App, false);
