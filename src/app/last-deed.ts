/** What was done to this tab, kept over its reload, so that the lab that comes back can say what it has. */

export interface RealDeed {
  readonly how: 'worker' | 'reload';
  readonly workspace: string;
  readonly bucketMiB: number | null;
  readonly boot: number;
  readonly moment: number;
  readonly timeUs: number;
  /** The newest that any member had applied: a majority has it on disk. */
  readonly revision: number;
}

const key = 'quorum-lab/real-fault';

export function rememberDeed(deed: RealDeed): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(deed));
  } catch {
    // Where the page may not remember, the lab comes back all the same.
  }
}

/** The deed that ended this tab's lab, once; null: there was none. */
export function takeDeed(): RealDeed | null {
  try {
    const text = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    return text === null ? null : readDeed(JSON.parse(text));
  } catch {
    return null;
  }
}

/** What is stored may be anybody's: null where it has another form. */
function readDeed(value: unknown): RealDeed | null {
  if (typeof value !== 'object' || value === null) return null;
  const { how, workspace, bucketMiB, ...counts } = value as Partial<RealDeed>;
  if (how !== 'worker' && how !== 'reload') return null;
  if (typeof workspace !== 'string' || (bucketMiB !== null && typeof bucketMiB !== 'number')) return null;
  const { boot, moment, timeUs, revision } = counts;
  const isWhole = [boot, moment, timeUs, revision].every((count) => Number.isSafeInteger(count));
  return isWhole ? (value as RealDeed) : null;
}
