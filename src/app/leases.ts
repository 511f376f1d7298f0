/** The leases' page, loaded only where the address asks for it. */
export const loadLeases = () => import('./LeasesMain.svelte');
