/** What a command of the console may use while it runs, and what it may leave behind. */
import type { ActResult, Defect, Result } from '../host/port.ts';
import type { HostProfile } from '../sim/host-profiles.ts';
import type { Mistake } from '../sim/mistakes.ts';
import type { MenuAction } from './command-line.ts';
import type { SnapshotStatus } from '../engine/server/snapshot-status.ts';
import type { LabEvent } from '../sim/types.ts';
import type { OutputLine } from './etcdctl/answer.ts';
import type { Heard, Renewed } from './etcdctl/watch-format.ts';

export type Act = (command: unknown) => Promise<Result<ActResult>>;

/** A file that `snapshot save` has brought, or that was opened on the page. */
export interface SavedFile {
  readonly bytes: Blob | Uint8Array;
  readonly status: SnapshotStatus;
}

/** What became of a line that was read: more may come, or what reads is over, or it is for a fault in it. */
export type Taken = 'more' | 'over' | 'refused';

/** Reads the lines that follow its command, until it is over. */
export interface Dialogue {
  /** What the next line is for. */
  readonly prompt: string;
  /** What such a line may begin with. */
  readonly words: readonly string[];
  take(line: string): Promise<Taken>;
  /** There are no more lines. */
  end(): void;
  /** Ctrl+C. */
  interrupt(): void;
}

/** What goes on by itself until it is stopped. */
export interface Standing {
  /** The number of its command; below zero for what is stopped in another way. */
  readonly request: number;
  /** What stops it, where that is not its number. */
  readonly stoppedBy?: object;
  /** Its line. */
  readonly title: string;
  hear(event: Heard | Renewed): { readonly lines: readonly OutputLine[]; readonly isOver: boolean };
}

/** What the console needs of the page. */
export interface ConsoleLab {
  readonly act: Act;
  /** How many members there are and who leads. */
  context(): { readonly memberCount: number; readonly leader: number | null };
  /** Calls back with each event of the lab from now on; the answer ends it. */
  listen(receive: (event: LabEvent) => void): () => void;
  /** Runs so much virtual time as fast as may be. */
  hurry(virtualUs: number): Promise<unknown>;
  /** Gives the reader a file to keep. */
  download(name: string, bytes: Uint8Array): void;
  /** What makes hosts be of a kind, and what a mistake does; absent where the page has no shelf. */
  readonly profileOf?: (profile: HostProfile, members: readonly number[]) => readonly MenuAction[];
  readonly mistakeOf?: (mistake: Mistake, member: number | null) => readonly MenuAction[];
  /** Leaves the page's lab for a new one with a bug; absent where the page cannot. */
  readonly plant?: (bug: Defect) => void;
  /** Begins a new lab from a database file; absent where the page cannot. */
  readonly restore?: (name: string, bytes: SavedFile['bytes']) => Promise<Result<object>>;
}

/** What a command may do with the console, beside what it prints. */
export interface Terminal {
  readonly lab: ConsoleLab;
  /** The line as it was typed. */
  readonly title: string;
  /** By name; the newest comes last. */
  readonly files: ReadonlyMap<string, SavedFile>;
  keep(name: string, file: SavedFile): void;
  print(lines: readonly OutputLine[]): void;
  /** The lines that follow are for it. */
  read(dialogue: Dialogue): void;
  stand(standing: Standing): void;
  stop(request: number): void;
  /** It has ended by itself. */
  ended(request: number): void;
}
