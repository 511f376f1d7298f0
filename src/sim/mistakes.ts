/** What operators do by mistake, as actions: each can be undone with more or less pain, or not at all. */
import { hostCount, hostName, peerUrlOf } from '../base/hosts.ts';
import { idToHex } from '../base/u64.ts';
import { memberIdOf } from '../engine/server/member-id.ts';
import { peersOf } from './endpoints.ts';
import { clusterToken } from './launch.ts';
import type { Action } from './types.ts';

/** What a mistake is made about. */
export interface MistakeScene {
  /** Ascending. */
  readonly members: readonly number[];
  /** Whom it hits, where it hits one. */
  readonly member: number;
  /** The revision that the operator has read last. */
  readonly revision: number;
}

const mistakesByName = {
  /** `del "" --from-key` */
  deleteEverything: () => [{ type: 'del', key: '', fromKey: true }],
  /** The newest revision instead of one that nobody reads any more: each older one is gone. */
  compactNow: ({ revision }) => [{ type: 'compaction', revision }],
  /** Without making room first: it comes back, or the corrupt member goes on. */
  disarmAlarm: () => [{ type: 'alarmDisarm' }],
  /** One that runs, instead of the one that has failed. */
  removeHealthyMember: ({ member }) => [{ type: 'memberRemove', id: memberIdText(member) }],
  /** A member forgets what it has acknowledged. The image must have been kept before. */
  oldBackupOnOneMember: ({ member }) => [
    { type: 'restoreImage', member },
    { type: 'start', member },
  ],
  /** Started again under its old id, as if it were the member that has promised so much. */
  wipeOneMember: ({ member }) => [
    { type: 'wipe', member },
    { type: 'start', member },
  ],
  /** `rm -r member/wal`, to make room. */
  deleteLog: ({ member }) => [
    { type: 'loseFiles', member, file: 'wal' },
    { type: 'start', member },
  ],
  /** Its data directory on a second host, and both started: two processes with one ID. */
  sameMemberTwice: ({ members, member }) => {
    const host = Math.min(hostCount, (members[members.length - 1] ?? 0) + 1);
    return [{ type: 'copyMember', member, host }];
  },
  /** For a member that is cut off: it goes on alone, and the others go on without it. */
  forceNewCluster: ({ member }) => [
    { type: 'isolate', member },
    { type: 'forceNewCluster', member },
  ],
  /** A member that nobody starts counts for the majority, as a learner would not. */
  addUnstartedVoter: ({ members }) => {
    const host = Math.min(hostCount, (members[members.length - 1] ?? 0) + 1);
    return [{ type: 'memberAdd', name: hostName(host), peerUrls: [peerUrlOf(host)] }];
  },
  /** What is left elects nobody, however well it is. */
  stopMajority: ({ members }) =>
    members.slice(0, Math.floor(members.length / 2) + 1).map((member) => ({ type: 'stopMember', member })),
  restartAllAtOnce: ({ members }) => members.map((member) => ({ type: 'restart', member })),
  /** Each member stands still while it does it. */
  defragAllAtOnce: ({ members }) => [{ type: 'defrag', endpoints: members.map((member) => `m${member}`) }],
} as const satisfies Readonly<Record<string, (scene: MistakeScene) => readonly Action[]>>;

export type Mistake = keyof typeof mistakesByName;

export const mistakes = Object.keys(mistakesByName) as readonly Mistake[];

export function mistakeActions(mistake: Mistake, scene: MistakeScene): readonly Action[] {
  return mistakesByName[mistake](scene);
}

/** The id of one of the first members, as `member list` prints it. */
export function memberIdText(member: number): string {
  const { peerUrl } = peersOf(member)[member - 1];
  return idToHex(memberIdOf([peerUrl], clusterToken));
}
