/** The pages' page, loaded only where the address asks for it. */
export const loadPages = () => import('./PagesMain.svelte');
