/** What the lab's worker and a member's worker say to each other. */
import type { MemberConfig, MemberOutput } from '../engine/server/types.ts';
import type { NumberedInput } from '../sim/types.ts';
import type { Answer, MemberQuery } from './port.ts';
import type { MemberNotes } from './notes.ts';
import type { TraceChunk } from './trace-codec.ts';

export type ToMember =
  | {
      readonly kind: 'start';
      readonly call: number;
      readonly timeUs: number;
      /** What the member's own clock shows. */
      readonly clockUs: number;
      readonly moment: number;
      readonly config: MemberConfig;
      readonly files: readonly (readonly [path: string, bytes: Uint8Array])[];
    }
  | {
      readonly kind: 'step';
      readonly call: number;
      readonly timeUs: number;
      /** What the member's own clock shows. */
      readonly clockUs: number;
      readonly inputs: readonly NumberedInput[];
    }
  | { readonly kind: 'inspect'; readonly call: number; readonly query: MemberQuery };

/** `outputs` carry no events: those are in the chunk, already packed. */
export interface Stepped {
  readonly outputs: readonly MemberOutput[];
  readonly chunk: TraceChunk | null;
  readonly notes: MemberNotes;
}

export type FromMember =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stepped'; readonly call: number; readonly stepped: Stepped }
  | { readonly kind: 'answer'; readonly call: number; readonly answer: Answer | null }
  | { readonly kind: 'failed'; readonly call: number; readonly message: string };

/** The part of a worker's global scope that the host uses. */
export interface WorkerScope {
  /** What the worker was started as: `lab`, or a member's name. */
  readonly name: string;
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  /** Names who hears of errors that nobody caught. */
  onfailure(report: (error: unknown) => void): void;
}
