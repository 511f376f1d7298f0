import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** Runes everywhere: no component falls back to the older reactivity. */
const config = { preprocess: vitePreprocess(), compilerOptions: { runes: true } };
export { config as default };
