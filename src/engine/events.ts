/** The union of all that the engine tells. */
import type { AuthEvent } from './auth/events.ts';
import type { BackendEvent } from './backend/events.ts';
import type { BoltEvent } from './bolt/events.ts';
import type { LeaseEvent } from './lease/events.ts';
import type { MvccEvent } from './mvcc/events.ts';
import type { RaftEvent } from './raft/events.ts';
import type { ServerEvent } from './server/events.ts';
import type { WalEvent } from './wal/events.ts';

export type EngineEvent =
  RaftEvent | BoltEvent | WalEvent | BackendEvent | LeaseEvent | MvccEvent | AuthEvent | ServerEvent;

/**
 * Where and when an event happened. `moment` is the kernel's input number, `ordinal` the event's place among
 * those of that input: together they are its id. `timeUs` is virtual. `member` 0 is the world, not a member.
 */
export interface Envelope {
  readonly moment: number;
  readonly ordinal: number;
  readonly timeUs: number;
  readonly member: number;
}
