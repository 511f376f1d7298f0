/** How a package tells what it did: plain events, emitted after the change. */
import { sharedByForks } from './fork.ts';

/**
 * Where a package's events go. Callers guard: `if (trace.on) trace.emit({ ... })`, so that a silent
 * run builds no event. Whether a trace is on never changes what the engine does.
 */
export interface Trace<Event> {
  readonly on: boolean;
  /** True: what only pictures show need not be told. */
  readonly brief?: boolean;
  emit(event: Event): void;
}

/** Whether also that is wanted which only pictures show, and no checker reads. */
export const tellsAll = (trace: { readonly on: boolean; readonly brief?: boolean }): boolean =>
  trace.on && trace.brief !== true;

export const silent: Trace<never> = sharedByForks({ on: false, emit: () => {} });
