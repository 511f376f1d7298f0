/** What a line of the console means once it is read. */
import type { ClientAction, LabAction } from '../../sim/types.ts';
import type { OutputFormat } from './grammar.ts';

export interface LineError {
  readonly kind: 'error';
  /** What is wrong; in etcdctl's words where etcdctl has words for it. Without the leading `Error: `. */
  readonly message: string;
  /** What to do about it; '' where the message says it. */
  readonly hint: string;
}

export type ParsedLine =
  | { readonly kind: 'empty' }
  | {
      readonly kind: 'command';
      readonly command: ClientAction;
      readonly format: OutputFormat;
      /** `--print-value-only`. */
      readonly valueOnly: boolean;
    }
  /** The lab's own words: what to break, mend or load, in this order. */
  | { readonly kind: 'lab'; readonly actions: readonly LabAction[] }
  /** `topic` is a command's name, or '' for all of them. */
  | { readonly kind: 'help'; readonly topic: string }
  | { readonly kind: 'version' }
  | LineError;

/** What the grammar must know of the cluster to read a member's name. Members are numbered from 1. */
export interface ConsoleContext {
  readonly memberCount: number;
  /** The present leader's number, null while there is none. */
  readonly leader: number | null;
}

export function lineError(message: string, hint: string): LineError {
  return { kind: 'error', message, hint };
}
