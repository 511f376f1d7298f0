/** How a package tells what it did: plain events, emitted after the change. */
import { sharedByForks } from './fork.ts';

/**
 * Where a package's events go. Callers guard: `if (trace.on) trace.emit({ ... })`, so that a silent
 * run builds no event. Whether a trace is on never changes what the engine does.
 */
export interface Trace<Event> {
  readonly on: boolean;
  emit(event: Event): void;
}

export const silent: Trace<never> = sharedByForks({ on: false, emit: () => {} });
