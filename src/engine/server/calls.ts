/** A client's call as the parts of a server hand it on. */
import type { RpcError } from './errors.ts';

export interface Call {
  /** The world's number for it. */
  readonly request: number;
  /** Who calls. */
  readonly token: string | undefined;
  /** When it came. */
  readonly nowUs: number;
}

/** What is done with a write's outcome. */
export type Finish = (outcome: Uint8Array | RpcError) => void;
