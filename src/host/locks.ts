/** One tab at a time holds a stored lab: a Web Lock for each workspace. */

export interface WorkspaceLock {
  /** Resolves when the next one who asks gets it. */
  release(): Promise<void>;
}

/** 'held': another tab has it. 'unavailable': this context has no locks (a sandboxed frame, an old browser). */
export type LockAnswer = WorkspaceLock | 'held' | 'unavailable';

export interface LockOptions {
  /** Take it from whoever holds it. */
  readonly takeOver: boolean;
  /** Called when another tab took it. */
  readonly lost: () => void;
}

/** Asks for a workspace's lock. `locks` is the context's LockManager, where it has one. */
export function lockWorkspace(
  locks: LockManager | undefined, workspace: string, options: LockOptions,
): Promise<LockAnswer> {
  if (locks === undefined) return Promise.resolve('unavailable');
  return new Promise((answer) => {
    let granted = false;
    let released = false;
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      if (lock === null) {
        answer('held');
        return undefined;
      }
      granted = true;
      return new Promise((letGo) => {
        const release = (): Promise<void> => {
          released = true;
          letGo();
          return ended;
        };
        answer({ release });
      });
    };
    const mode = options.takeOver ? { steal: true } : { ifAvailable: true };
    const ended = locks.request(`quorum-lab/${workspace}`, mode, hold).then(() => {}, () => {
      // Refused before it was granted: no locks here. Afterwards: stolen.
      if (!granted) answer('unavailable');
      else if (!released) options.lost();
    });
  });
}
