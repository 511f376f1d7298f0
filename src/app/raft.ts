/** Raft's page, loaded only where the address asks for it. */
export const loadRaft = () => import('./RaftMain.svelte');
