/** The shelf in the console's words: hosts of a kind, mistakes of operators, bugs that can be planted. */
import type { Defect } from '../../host/port.ts';
import type { HostProfile } from '../../sim/host-profiles.ts';
import type { Mistake } from '../../sim/mistakes.ts';
import { plantableBugs } from '../planted-bugs.ts';

const hosts: Readonly<Record<HostProfile, string>> = {
  small: 'small',
  medium: 'medium',
  large: 'large',
  xLarge: 'x-large',
  spinningDisk: 'spinning-disk',
  sharedHost: 'shared-host',
  crossRegion: 'cross-region',
  laptop: 'laptop',
};

const mistakes: Readonly<Record<Mistake, string>> = {
  deleteEverything: 'delete-everything',
  compactNow: 'compact-now',
  disarmAlarm: 'disarm-alarm',
  removeHealthyMember: 'remove-healthy-member',
  oldBackupOnOneMember: 'old-backup',
  wipeOneMember: 'wipe-one-member',
  deleteLog: 'delete-log',
  sameMemberTwice: 'same-member-twice',
  forceNewCluster: 'force-new-cluster',
  addUnstartedVoter: 'add-unstarted-voter',
  stopMajority: 'stop-majority',
  restartAllAtOnce: 'restart-all-at-once',
  defragAllAtOnce: 'defrag-all-at-once',
};

export const hostWords: readonly string[] = Object.values(hosts);
export const mistakeWords: readonly string[] = Object.values(mistakes);
export const bugWords: readonly string[] = plantableBugs;

const named = <Name extends string>(words: Readonly<Record<Name, string>>, word: string): Name | null =>
  (Object.keys(words) as Name[]).find((name) => words[name] === word) ?? null;

/** The host, mistake or bug that a word names; null for another word. */
export const hostNamed = (word: string): HostProfile | null => named(hosts, word);
export const mistakeNamed = (word: string): Mistake | null => named(mistakes, word);
export const bugNamed = (word: string): Defect | null => plantableBugs.find((bug) => bug === word) ?? null;
