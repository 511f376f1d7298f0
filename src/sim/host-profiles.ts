/** Hosts as etcd's hardware guide has them, and worse ones: what each sets, many things at once. */
import { defaultWorld } from './world-config.ts';
import type { DiskSettings, LinkSettings } from './fault-types.ts';
import type { LabAction } from './types.ts';
import type { NetworkConfig, WorldConfig } from './world-config.ts';

/** What a member's host is like; what is not named is as the world has it. */
export interface HostFacts {
  readonly disk: Partial<DiskSettings>;
  readonly link: Partial<LinkSettings>;
  readonly cpuFactor: number;
  /** 0: no limit. */
  readonly memoryBytes: number;
}

const gib = 1_073_741_824;

/** A disk of so many sequential writes a second, of which each sync is one. */
const disk = (writesPerSecond: number, megabytesPerSecond: number): Partial<DiskSettings> => {
  const syncUs = Math.floor(1_000_000 / writesPerSecond);
  return {
    syncMinUs: Math.floor(syncUs / 2),
    syncMeanUs: syncUs - Math.floor(syncUs / 2),
    bytesPerSecond: megabytesPerSecond * 1_000_000,
  };
};
const megabits = (count: number): Partial<LinkSettings> => ({ bytesPerSecond: count * 125_000 });

/**
 * Writes and megabytes a second of the disk and memory are the guide's. A processor counts by how long an
 * input keeps it busy: small machines share theirs. `sharedHost`, `crossRegion` and `laptop` are our own.
 * @source etcd v3.4 Documentation/op-guide/hardware.md: a 7200 RPM disk's 50 sequential writes a second, a
 * gigabit and ten between members, the examples small to xLarge
 */
export const hostProfiles = {
  small: { disk: disk(3600, 56), link: megabits(1000), cpuFactor: 3, memoryBytes: 8 * gib },
  medium: { disk: disk(6000, 94), link: megabits(1000), cpuFactor: 2, memoryBytes: 16 * gib },
  large: { disk: disk(8000, 125), link: megabits(10_000), cpuFactor: 1, memoryBytes: 32 * gib },
  xLarge: { disk: disk(16_000, 250), link: megabits(10_000), cpuFactor: 1, memoryBytes: 64 * gib },
  spinningDisk: { disk: disk(50, 100), link: megabits(1000), cpuFactor: 2, memoryBytes: 8 * gib },
  sharedHost: {
    disk: { ...disk(300, 50), stallPerMille: 20, stallUs: 1_500_000 },
    link: { ...megabits(500), jitterUs: 3000 },
    cpuFactor: 12,
    memoryBytes: 2 * gib,
  },
  crossRegion: {
    disk: disk(3600, 56),
    link: { ...megabits(500), extraDelayUs: 40_000, jitterUs: 4000, lossPerMille: 1 },
    cpuFactor: 3,
    memoryBytes: 8 * gib,
  },
  laptop: { disk: disk(1500, 500), link: {}, cpuFactor: 2, memoryBytes: 4 * gib },
} as const satisfies Readonly<Record<string, HostFacts>>;

export type HostProfile = keyof typeof hostProfiles;

export const hostProfileNames = Object.keys(hostProfiles) as readonly HostProfile[];

/** What makes a member's host itself like that, without its links. */
function hostActions(profile: HostProfile, member: number): LabAction[] {
  const { disk: settings, cpuFactor, memoryBytes } = hostProfiles[profile];
  return [
    { type: 'disk', member, ...settings },
    { type: 'memoryLimit', member, bytes: memoryBytes },
    ...(cpuFactor > 1 ? [{ type: 'slowCpu', member, factor: cpuFactor } as const] : []),
  ];
}

/**
 * What makes a member's host like that: its disk, its processor, its memory, and its links, both ways.
 * @param members all that there are
 */
export function profileActions(
  profile: HostProfile,
  member: number,
  members: readonly number[],
): readonly LabAction[] {
  const { link } = hostProfiles[profile];
  const others = Object.keys(link).length === 0 ? [] : members.filter((other) => other !== member);
  const usual = { type: 'link', extraDelayUs: 0, lossPerMille: 0 } as const;
  const links = others.flatMap((other): LabAction[] => [
    { ...usual, from: member, to: other, ...link },
    { ...usual, from: other, to: member, ...link },
  ]);
  return [...hostActions(profile, member), ...links];
}

/** A world whose hosts are all like that, from the first moment on. */
export function profileWorld(profile: HostProfile, memberCount: number): WorldConfig {
  const members = Array.from({ length: memberCount }, (_, i) => i + 1);
  const faults = members.flatMap((member) => hostActions(profile, member));
  return { ...defaultWorld, network: networkOf(hostProfiles[profile].link), faults };
}

/** A network between all that is like such a link. */
function networkOf(link: Partial<LinkSettings>): NetworkConfig {
  const { network } = defaultWorld;
  const { extraDelayUs = 0, jitterUs = 0, lossPerMille = 0, bytesPerSecond } = link;
  const { minUs, meanUs } = network.memberDelay;
  return {
    ...network,
    memberDelay: { minUs: minUs + extraDelayUs, meanUs: meanUs + jitterUs },
    loss: { of: lossPerMille, outOf: 1000 },
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
  };
}
