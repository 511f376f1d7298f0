/** The hosts that members may be on: how many, what they are called, and their addresses. */

/** A cluster of more members is none that etcd recommends. */
export const hostCount = 9;

export const hostName = (host: number): string => `m${host}`;

/** 2379, 22379, 32379 for hosts 1, 2, 3, as in etcd's own Procfile; past six the ports run on from 2385. */
export function clientUrlOf(host: number): string {
  const ownPort = host <= 6 ? host * 10000 + 2379 : 2379 + host;
  return `http://127.0.0.1:${host === 1 ? 2379 : ownPort}`;
}

export function peerUrlOf(host: number): string {
  return `http://127.0.0.1:${host <= 6 ? host * 10000 + 2380 : 12380 + host}`;
}
