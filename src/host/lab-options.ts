/** What a lab may be opened with. */
import { settingsProblem } from '../sim/member-settings.ts';
import type { LabOptions, StoredWhere } from './port.ts';
import type { Run } from './run-schema.ts';
import { isBucketSize, mostBucketMiB } from './storage-bucket.ts';
import { readSettings } from './settings-schema.ts';

/** The options as they are meant: a run's own facts, and no store for what must not come into one. */
export function meantOptions(given: LabOptions): LabOptions {
  const asked = given.run === undefined ? given : optionsOf(given, given.run);
  // what is stored stays free of bugs
  return asked.planted?.length ? { ...asked, storage: 'memory' } : asked;
}

/** A run that is done again has its own lab, which leaves what is stored alone. */
function optionsOf(options: LabOptions, { seed, members, preVote, settings, planted }: Run): LabOptions {
  return {
    ...options,
    seed,
    members,
    preVote,
    settings,
    planted,
    image: undefined,
    storage: 'memory',
    lookOnly: false,
    startPaused: true,
  };
}

/** Why no lab can be opened with these, in a sentence; null where one can. */
export function optionProblem(options: LabOptions): string | null {
  const { seed, members, workspace, settings = {} } = options;
  if (!Number.isSafeInteger(seed) || seed < 0) return 'The seed is a whole number from 0.';
  if (!Number.isSafeInteger(members) || members < 1 || members > 9) return 'A lab has 1 to 9 members.';
  if (!isWorkspace(workspace)) return badWorkspace;
  if (!isBucketSize(options.bucketMiB)) return badBucket;
  if (readSettings(settings) === null)
    return settingsProblem(settings) ?? 'A setting is not among those that there are, or out of bounds.';
  return null;
}

const badWorkspace = 'A workspace is named by 1 to 64 letters, digits, dots, _ and -.';
const badBucket = `A bucket is of 1 to ${mostBucketMiB} MiB.`;
const isWorkspace = (name: unknown): boolean => typeof name === 'string' && /^[\w.-]{1,64}$/.test(name);

/** Why no lab can be stored there, in a sentence; null where one can. */
export function whereProblem({ workspace, bucketMiB, storage, seal = '' }: StoredWhere): string | null {
  if (!isWorkspace(workspace)) return badWorkspace;
  if (!isBucketSize(bucketMiB)) return badBucket;
  if (typeof seal !== 'string') return 'A seal is a text, as `release` gave it.';
  return storage === 'auto' || storage === 'opfs' ? null : 'A lab is stored as auto or as opfs.';
}
