/** One tab at a time holds a stored lab: a Web Lock for each workspace. */
import type { WallClock } from './wall-clock.ts';

export interface WorkspaceLock {
  /** Resolves when the next one who asks gets it. */
  release(): Promise<void>;
}

/**
 * 'held': another tab has it. 'unavailable': this context has no locks (a sandboxed frame, an old browser).
 */
export type LockAnswer = WorkspaceLock | 'held' | 'unavailable';

/** A page that reloads may find the lock still with its own past: it is let go within this time. */
const patienceMs = 1000;

export interface LockAsk {
  /** Take it from whoever holds it. */
  readonly takeOver: boolean;
  readonly clock: WallClock;
  /** Called when another tab took it. */
  readonly lost: () => void;
}

/** Asks for a workspace's lock. `locks` is the context's LockManager, where it has one. */
export function lockWorkspace(
  locks: LockManager | undefined,
  workspace: string,
  { takeOver, clock, lost }: LockAsk,
): Promise<LockAnswer> {
  if (locks === undefined) return Promise.resolve('unavailable');
  return new Promise((answer) => {
    let state: 'asked' | 'late' | 'granted' | 'released' = 'asked';
    const patience = new AbortController();
    const cancel = clock.after(patienceMs, () => {
      if (state === 'asked') state = 'late';
      patience.abort();
    });
    const hold = (): Promise<void> => {
      cancel();
      state = 'granted';
      return new Promise((letGo) => {
        const release = (): Promise<void> => {
          state = 'released';
          letGo();
          return ended;
        };
        answer({ release });
      });
    };
    const how = takeOver ? { steal: true } : { signal: patience.signal };
    const ended = locks.request(`quorum-lab/${workspace}`, how, hold).then(
      () => {},
      () => {
        cancel();
        if (state === 'late') answer('held');
        else if (state === 'asked') answer('unavailable');
        else if (state === 'granted') lost();
      },
    );
  });
}
