/** A recorded conversation with a real etcd: one JSON object a line, the first of them `meta`. */
import { readFileSync } from 'node:fs';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** How the recorded server was set up; what is absent is etcd's default. */
export interface ServerSettings {
  readonly max_txn_ops?: number;
  readonly max_request_bytes?: number;
  readonly quota_backend_bytes?: number;
  readonly progress_ms?: number;
}

export interface Meta {
  readonly type: 'meta';
  readonly name: string;
  readonly seed: number;
  readonly server: ServerSettings;
}

export type Step =
  | {
      readonly type: 'call';
      readonly n: number;
      readonly path: string;
      readonly req: JsonObject;
      readonly token?: string;
      readonly http: number;
      readonly res?: JsonObject;
      readonly err?: JsonObject;
      /** Several orders of the answer are right: see `sameTie`. */
      readonly tie?: boolean;
    }
  | {
      readonly type: 'hashkv';
      readonly n: number;
      readonly req: { readonly revision: string };
      readonly res?: JsonObject;
      readonly err?: string;
      /** The store holds ids that the server chose: the hash is another each time. */
      readonly volatile?: boolean;
    }
  | {
      readonly type: 'watch_open';
      readonly n: number;
      readonly id: string;
      readonly req: readonly JsonObject[];
      readonly token?: string;
    }
  | { readonly type: 'watch_collect'; readonly n: number; readonly id: string; readonly got: JsonObject }
  | { readonly type: 'watch_close'; readonly n: number; readonly id: string }
  | { readonly type: 'sleep'; readonly n: number; readonly ms: number }
  | { readonly type: 'restart'; readonly n: number; readonly how: 'graceful' | 'kill' };

export interface Transcript {
  readonly meta: Meta;
  readonly steps: readonly Step[];
}

/** @throws Error where the file is no transcript */
export function parseTranscript(text: string): Transcript {
  const [meta, ...steps] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Meta | Step);
  if (meta?.type !== 'meta') throw new Error('the first line of a transcript is its meta');
  return { meta, steps: steps as Step[] };
}

export function readTranscript(file: string): Transcript {
  return parseTranscript(readFileSync(file, 'utf8'));
}
