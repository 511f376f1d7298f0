/**
 * Starting workers. In the build a worker is one classic script, fetched as text and started from a blob:
 * that is the one form that runs in a sandboxed frame, and a policy in the page's meta element binds it.
 * Under the development server it is a module by its address.
 */

/** A worker's code: text that any worker can start again, or the address of a module. */
export type WorkerScript =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'module'; readonly url: string };

/** The names of the workers that are the lab, and the past of its run; any other is a member's. */
export const labWorkerName = 'lab';
export const timeWorkerName = 'time';

interface UrlPolicy {
  createScriptURL(url: string): unknown;
}

interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): UrlPolicy;
}

let policy: UrlPolicy | null = null;

/**
 * Where the context wants trusted addresses, ours come from one policy, which lets nothing pass but what we
 * start.
 */
function trusted(url: string): string {
  const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
  if (factory === undefined) return url;
  policy ??= factory.createPolicy('quorum-worker', { createScriptURL: sameOrigin });
  // Worker takes the trusted object where its type says string.
  return policy.createScriptURL(url) as string;
}

function sameOrigin(url: string): string {
  if (!url.startsWith('blob:') && new URL(url).origin !== location.origin) {
    throw new TypeError(`a worker does not come from ${url}`);
  }
  return url;
}

/** Fetches a worker's built script; `url` as `?worker&url` gives it. @throws Error with a sentence */
export async function loadScript(url: string): Promise<WorkerScript> {
  const address = new URL(url, location.href).href;
  if (import.meta.env.DEV) return { kind: 'module', url: address };
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`a part of the lab did not load (${answer.status}): reload the page`);
  return { kind: 'text', text: await answer.text() };
}

/** Starts a worker. The blob's address lives no longer than the worker needs to start. */
export function startWorker(script: WorkerScript, name: string): Worker {
  if (script.kind === 'module') return new Worker(trusted(script.url), { name, type: 'module' });
  const url = URL.createObjectURL(new Blob([script.text], { type: 'text/javascript' }));
  const worker = new Worker(trusted(url), { name });
  const revoke = (): void => URL.revokeObjectURL(url);
  worker.addEventListener('message', revoke, { once: true });
  worker.addEventListener('error', revoke, { once: true });
  return worker;
}
