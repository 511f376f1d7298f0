/** What a line of the console means once it is read. */
import type { Defect } from '../../host/port.ts';
import type { HostProfile } from '../../sim/host-profiles.ts';
import type { Mistake } from '../../sim/mistakes.ts';
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
      /** `--hex`: keys and values of simple output as `\x61`. */
      readonly hex?: boolean;
      /** `--cluster`: the endpoints are those of the member list. */
      readonly cluster?: boolean;
      /** `--detail`: what the user's roles permit is asked for, too. */
      readonly detail?: boolean;
      /** `snapshot save`: the file's name. */
      readonly file?: string;
    }
  /** Reads lines: a txn's, or watches and wishes for progress. */
  | {
      readonly kind: 'reads';
      readonly what: 'txn' | 'watch';
      /** It says what it asks for. */
      readonly interactive: boolean;
      readonly format: OutputFormat;
      /** `--hex`, as a command has it. */
      readonly hex: boolean;
      readonly asking: Asking;
      readonly input: GivenInput | null;
    }
  | { readonly kind: 'snapshotStatus'; readonly file: string; readonly format: OutputFormat }
  | { readonly kind: 'snapshotRestore'; readonly file: string }
  /** The lab's own words: what to break, mend or load, in this order. */
  | { readonly kind: 'lab'; readonly actions: readonly LabAction[] }
  /** From the shelf: hosts of a kind; a mistake, about a member or the first one; a new lab with a bug. */
  | { readonly kind: 'host'; readonly profile: HostProfile; readonly members: readonly number[] }
  | { readonly kind: 'mistake'; readonly mistake: Mistake; readonly member: number | null }
  | { readonly kind: 'plant'; readonly bug: Defect }
  /** `topic` is a command's name, or '' for all of them. */
  | { readonly kind: 'help'; readonly topic: string }
  | { readonly kind: 'version' }
  | LineError;

/** What a command reads comes with its line: as a text, or as the lines that follow, up to a word alone. */
export type GivenInput = { readonly text: string } | { readonly until: string };

/** Who is asked, and by whom. */
export interface Asking {
  readonly endpoints?: readonly string[];
  readonly user?: string;
}

/** What the grammar must know of the cluster to read a member's name. Members are numbered from 1. */
export interface ConsoleContext {
  readonly memberCount: number;
  /** The present leader's number, null while there is none. */
  readonly leader: number | null;
}

export function lineError(message: string, hint: string): LineError {
  return { kind: 'error', message, hint };
}
