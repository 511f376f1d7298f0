/** Assertions: what must hold in our own code. A broken one is a bug of ours, never a fault of the input. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * Throws InvariantError with constant text; build texts with values only on the failing path, through
 * `fail`.
 */
export function assert(condition: boolean, text: string): asserts condition {
  if (!condition) throw new InvariantError(text);
}

/** Throws InvariantError: for broken invariants whose text carries values. */
export function fail(text: string): never {
  throw new InvariantError(text);
}

/** O(n) checks run only while `verify.on`: in tests and the simulator, never in a timed run. */
export const verify = { on: false };
