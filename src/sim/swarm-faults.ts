/** What each kind of fault of a swarm does to whom, and what ends it. */
import { hostName, peerUrlOf } from '../base/hosts.ts';
import { crashPoints } from './crash-points.ts';
import type { Prng } from '../base/prng.ts';
import type { DiskSettings, LinkSettings, RotZone } from './fault-types.ts';
import type { Action, LoadKind } from './types.ts';

/** The members of a run, and what may be done to which of them. */
export interface Scene {
  readonly members: number;
  /** Those whose files may be damaged. */
  readonly victims: readonly number[];
  /** What the run's loads ask for. */
  readonly load: LoadKind;
  /** Whether a voter may be added that does not run: not beside damage, for each vote counts then. */
  readonly sparesVote: boolean;
}

/** What begins a fault, and what ends it some time later. */
export interface Episode {
  readonly begin: readonly Action[];
  readonly end: readonly Action[];
}

type Draw = (draws: Prng, scene: Scene) => Episode;

const anyMember = (draws: Prng, { members }: Scene): number => draws.between(1, members);

/** One direction of a link; null in a cluster of one. */
function anyLink(draws: Prng, { members }: Scene): { from: number; to: number } | null {
  if (members === 1) return null;
  const from = draws.between(1, members);
  const to = 1 + ((from - 1 + draws.between(1, members - 1)) % members);
  return { from, to };
}

const nothing: Episode = { begin: [], end: [] };

/** Cuts the directions of which it is true. */
function ways(members: number, isCut: (from: number, to: number) => boolean): Episode {
  const all = Array.from({ length: members }, (_, i) => i + 1);
  const cut = all.flatMap((from) =>
    all.flatMap((to) => (from !== to && isCut(from, to) ? [{ from, to }] : [])),
  );
  return {
    begin: cut.map((way) => ({ type: 'cut', ...way })),
    end: cut.map((way) => ({ type: 'heal', ...way })),
  };
}

/** Cuts all links between two groups, in one direction or both. */
function partition(draws: Prng, { members }: Scene): Episode {
  const side = Array.from({ length: members }, () => draws.chance(1, 2));
  const isOneWay = draws.chance(1, 4);
  return ways(members, (from, to) => side[from - 1] !== side[to - 1] && (side[from - 1] || !isOneWay));
}

/** Of the newest messages under way one, by its rank: see `ScheduledAction`. */
function message(draws: Prng): Episode {
  const rank = draws.between(1, 12);
  const how = (['drop', 'hold', 'delay', 'duplicate'] as const)[draws.below(4)];
  const fault = { type: 'message', message: rank } as const;
  if (how === 'delay')
    return { begin: [{ ...fault, do: how, delayUs: draws.between(1000, 2_000_000) }], end: [] };
  const end = how === 'hold' ? [{ ...fault, message: 1, do: 'deliver' as const }] : [];
  return { begin: [{ ...fault, do: how }], end };
}

/** A load for a while: what it asks comes beside what the run's own clients ask. */
function loaded(draws: Prng, { load: kind }: Scene): Episode {
  const perSecond = kind === 'hugeValues' ? 1 : draws.between(2, 30);
  return {
    begin: [{ type: 'load', kind, perSecond }],
    end: [{ type: 'load', kind: 'none', perSecond: 0 }],
  };
}

/** One direction of a link, made worse. */
function link(draws: Prng, scene: Scene, settings: Partial<LinkSettings>): Episode {
  const way = anyLink(draws, scene);
  if (way === null) return nothing;
  const usual = { type: 'link', ...way, extraDelayUs: 0, lossPerMille: 0 } as const;
  return { begin: [{ ...usual, ...settings }], end: [usual] };
}

/** A member's disk, made worse. */
function disk(draws: Prng, scene: Scene, settings: Partial<DiskSettings>): Episode {
  const member = anyMember(draws, scene);
  const usual = Object.fromEntries(Object.keys(settings).map((name) => [name, 0]));
  return { begin: [{ type: 'disk', member, ...settings }], end: [{ type: 'disk', member, ...usual }] };
}

/** Bits of a victim's files rot while it is down. */
function rot(draws: Prng, { victims }: Scene, zone: RotZone, page?: number): Episode {
  if (victims.length === 0) return nothing;
  const member = victims[draws.below(victims.length)];
  const rotten = { type: 'bitRot', member, zone, bits: draws.between(1, 24) } as const;
  return {
    begin: [{ type: 'kill', member }, page === undefined ? rotten : { ...rotten, page }],
    end: [{ type: 'start', member }],
  };
}

const types = [
  'MsgApp',
  'MsgAppResp',
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgSnap',
];

/** Those that came later than the rest: each draws from a stream of its own, as all do. */
const younger = {
  /** A start bears it first. */
  slowReads: (draws, scene) => {
    const { begin, end } = disk(draws, scene, { readMeanUs: draws.between(1000, 400_000) });
    const member = anyMember(draws, scene);
    return { begin: [...begin, { type: 'restart', member }], end };
  },
  operations: (draws, scene) =>
    disk(draws, scene, { operationsPerSecond: [15, 40, 150, 600][draws.below(4)] }),
  restartDelay: (draws, scene) => {
    const member = anyMember(draws, scene);
    const supervised = { type: 'restartDelay', member } as const;
    return {
      begin: [
        { ...supervised, afterUs: draws.between(50_000, 4_000_000) },
        { type: draws.chance(1, 2) ? 'kill' : 'powerCut', member },
      ],
      end: [
        { ...supervised, afterUs: 0 },
        { type: 'start', member },
      ],
    };
  },
  failAllocation: (draws, scene) => {
    const member = anyMember(draws, scene);
    const fails = { type: 'failAllocation', member } as const;
    return {
      begin: [{ ...fails, nth: draws.between(1, 60) }],
      end: [
        { ...fails, nth: 0 },
        { type: 'start', member },
      ],
    };
  },
  clockStep: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'clockStep', member, aheadUs: draws.between(1000, 60_000_000) }], end: [] };
  },
  clockSwing: (draws, scene) => {
    const shape = draws.chance(1, 2) ? 'periodic' : 'random';
    const periodUs = draws.between(50_000, 5_000_000);
    const swing = { type: 'clockSwing', member: anyMember(draws, scene), periodUs, shape } as const;
    return {
      begin: [{ ...swing, perMille: draws.between(50, 900) }],
      end: [{ ...swing, perMille: 0 }],
    };
  },
  clog: (draws, scene) =>
    link(draws, scene, {
      clogPerMille: draws.between(5, 200),
      clogMeanUs: draws.between(10_000, 2_000_000),
    }),
  youngLoad: (draws) => {
    const kind = (['transactions', 'oldWatches'] as const)[draws.below(2)];
    return {
      begin: [{ type: 'load', kind, perSecond: draws.between(1, 10) }],
      end: [{ type: 'load', kind: 'none', perSecond: 0 }],
    };
  },
  /** All links go together and come back one by one, in an order that is drawn, again and again. */
  swizzle: (draws, { members }) => {
    const [upUs, stepUs] = [draws.between(200_000, 2_000_000), draws.between(20_000, 300_000)];
    const all = Array.from({ length: members }, (_, i) => i + 1);
    const ways = all.flatMap((from) => all.filter((to) => to !== from).map((to) => ({ from, to })));
    const begin = ways.map((way): Action => {
      const downUs = stepUs * draws.between(1, ways.length);
      return { type: 'flap', ...way, upUs, downUs };
    });
    return { begin, end: ways.map((way) => ({ type: 'flap', ...way, upUs: 0, downUs: 0 })) };
  },
  stopMajority: (draws, { members }) => {
    const first = draws.below(members);
    const stopped = Array.from(
      { length: Math.floor(members / 2) + 1 },
      (_, i) => 1 + ((first + i) % members),
    );
    return {
      begin: stopped.map((member) => ({ type: 'stopMember', member })),
      end: stopped.map((member) => ({ type: 'start', member })),
    };
  },
  /** In a cluster that has a vote to spare; it comes at last. */
  addUnstartedVoter: (_, { members, sparesVote }) => {
    const host = members + 1;
    if (members < 3 || host > 9 || !sparesVote) return nothing;
    return {
      begin: [{ type: 'memberAdd', name: hostName(host), peerUrls: [peerUrlOf(host)] }],
      end: [{ type: 'start', member: host }],
    };
  },
} as const satisfies Readonly<Record<string, Draw>>;

const episodes = {
  kill: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'kill', member }], end: [{ type: 'start', member }] };
  },
  /** It hands over what it leads, and closes its files. */
  stop: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'stopMember', member }], end: [{ type: 'start', member }] };
  },
  powerCut: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'powerCut', member }], end: [{ type: 'start', member }] };
  },
  /** The power of the whole room. */
  blackout: (_, { members }) => {
    const all = Array.from({ length: members }, (_unused, i) => i + 1);
    return {
      begin: all.map((member) => ({ type: 'powerCut', member })),
      end: all.map((member) => ({ type: 'start', member })),
    };
  },
  restart: (draws, scene) => ({ begin: [{ type: 'restart', member: anyMember(draws, scene) }], end: [] }),
  pause: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'pauseMember', member }], end: [{ type: 'resumeMember', member }] };
  },
  cut: (draws, scene) => {
    const link = anyLink(draws, scene);
    if (link === null) return nothing;
    return { begin: [{ type: 'cut', ...link }], end: [{ type: 'heal', ...link }] };
  },
  /** Each hears one other alone, and is heard by one. */
  ring: (_, { members }) => ways(members, (from, to) => to !== (from % members) + 1),
  /** Two groups that hear the same one, and not each other. */
  bridge: (draws, { members }) => {
    const middle = draws.between(1, members);
    const side = Array.from({ length: members }, () => draws.chance(1, 2));
    return ways(members, (from, to) => {
      return from !== middle && to !== middle && side[from - 1] !== side[to - 1];
    });
  },
  isolate: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'isolate', member }], end: [{ type: 'healAll' }] };
  },
  partition,
  slowDisk: (draws, scene) => {
    const member = anyMember(draws, scene);
    const factor = [3, 10, 50, 200][draws.below(4)];
    return {
      begin: [{ type: 'slowDisk', member, factor }],
      end: [{ type: 'slowDisk', member, factor: 1 }],
    };
  },
  badLink: (draws, scene) => link(draws, scene, { extraDelayUs: draws.below(300_000) }),
  loss: (draws, scene) => link(draws, scene, { lossPerMille: draws.between(1, 400) }),
  jitter: (draws, scene) => link(draws, scene, { jitterUs: draws.between(1000, 100_000) }),
  corrupt: (draws, scene) => link(draws, scene, { corruptPerMille: draws.between(5, 400) }),
  duplicate: (draws, scene) => link(draws, scene, { duplicatePerMille: draws.between(10, 500) }),
  reorder: (draws, scene) => link(draws, scene, { reorderPerMille: draws.between(10, 500) }),
  bandwidth: (draws, scene) => {
    // heartbeats alone are 500 bytes a second
    const bytesPerSecond = [300, 600, 2000, 20_000][draws.below(4)];
    return link(draws, scene, { bytesPerSecond, queueBytes: [60, 200, 2000, 20_000][draws.below(4)] });
  },
  filter: (draws, scene) => link(draws, scene, { dropTypes: [types[draws.below(types.length)]] }),
  flap: (draws, scene) => {
    const way = anyLink(draws, scene);
    if (way === null) return nothing;
    const [upUs, downUs] = [draws.between(20_000, 2_000_000), draws.between(20_000, 2_000_000)];
    return {
      begin: [{ type: 'flap', ...way, upUs, downUs }],
      end: [{ type: 'flap', ...way, upUs: 0, downUs: 0 }],
    };
  },
  crashPoint: (draws, scene) => {
    const member = anyMember(draws, scene);
    const point = crashPoints[draws.below(crashPoints.length)];
    const then = draws.chance(1, 2) ? 'kill' : 'powerCut';
    return {
      begin: [{ type: 'crashPoint', member, point, nth: draws.between(1, 30), then }],
      end: [{ type: 'start', member }],
    };
  },
  message,
  load: loaded,
  slowCpu: (draws, scene) => {
    const member = anyMember(draws, scene);
    const factor = [5, 30, 100, 300][draws.below(4)];
    return { begin: [{ type: 'slowCpu', member, factor }], end: [{ type: 'slowCpu', member, factor: 1 }] };
  },
  clockRate: (draws, scene) => {
    const member = anyMember(draws, scene);
    const perMille = [200, 700, 900, 1100, 1500, 5000, 30_000][draws.below(7)];
    return {
      begin: [{ type: 'clockRate', member, perMille }],
      end: [{ type: 'clockRate', member, perMille: 1000 }],
    };
  },
  memoryLimit: (draws, scene) => {
    const member = anyMember(draws, scene);
    const limit = { type: 'memoryLimit', member } as const;
    return {
      begin: [{ ...limit, bytes: draws.between(20_000, 400_000) }],
      end: [
        { ...limit, bytes: 0 },
        { type: 'start', member },
      ],
    };
  },
  diskTimes: (draws, scene) =>
    disk(draws, scene, {
      syncMeanUs: draws.between(1000, 60_000),
      writeMeanUs: draws.below(2000),
      bytesPerSecond: draws.between(100_000, 100_000_000),
    }),
  stall: (draws, scene) =>
    disk(draws, scene, {
      stallPerMille: draws.between(5, 300),
      stallUs: draws.between(50_000, 5_000_000),
    }),
  powerCutFates: (draws, scene) =>
    disk(draws, scene, {
      keptWeight: draws.below(4),
      lostWeight: draws.between(1, 4),
      tornWeight: draws.below(8),
    }),
  diskError: (draws, scene) => {
    const member = anyMember(draws, scene);
    const on = (['read', 'write', 'sync'] as const)[draws.below(3)];
    const lasts = draws.chance(1, 2) ? 'once' : 'always';
    return {
      begin: [{ type: 'diskError', member, on, code: 'EIO', lasts }],
      end: [
        { type: 'diskError', member, on, code: 'EIO', lasts: 'never' },
        { type: 'start', member },
      ],
    };
  },
  diskFull: (draws, scene) => {
    const member = anyMember(draws, scene);
    return {
      begin: [{ type: 'disk', member, quotaBytes: draws.between(30_000, 300_000) }],
      end: [
        { type: 'disk', member, quotaBytes: 0 },
        { type: 'start', member },
      ],
    };
  },
  /** Found at the next start, which a kill brings. The member stays away: it is one of a minority. */
  rotLog: (draws, scene) => rot(draws, scene, 'wal'),
  /** One of the two: the other serves, unless a commit that was cut short wrote over its pages. */
  rotMeta: (draws, scene) => rot(draws, scene, 'meta', draws.below(2)),
  rotSnapshot: (draws, scene) => rot(draws, scene, 'snapshot'),
  ...younger,
} as const satisfies Readonly<Record<string, Draw>>;

/**
 * What Raft does not promise to survive, be it on one member alone: a disk that forgets what it said to have,
 * pages that change unseen. Operators' mistakes that take data or members away are of this kind too.
 */
const beyondRaft = {
  wipe: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'wipe', member }], end: [{ type: 'start', member }] };
  },
  rollback: (draws, scene) => {
    const member = anyMember(draws, scene);
    return {
      begin: [{ type: 'keepImage', member }],
      end: [
        { type: 'restoreImage', member },
        { type: 'start', member },
      ],
    };
  },
  lyingDisk: (draws, scene) => {
    const { begin, end } = disk(draws, scene, { lying: 1 });
    const member = anyMember(draws, scene);
    return {
      begin,
      end: [{ type: 'powerCut', member }, ...end, { type: 'start', member }],
    };
  },
  rotPages: (draws, scene) => rot(draws, scene, draws.chance(1, 2) ? 'leaf' : 'branch'),
  misdirect: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'misdirect', member }], end: [{ type: 'restart', member }] };
  },
  losePage: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'misdirect', member, how: 'lose' }], end: [{ type: 'restart', member }] };
  },
  misread: (draws, scene) => {
    const member = anyMember(draws, scene);
    return {
      begin: [
        { type: 'misdirect', member, how: 'read' },
        { type: 'restart', member },
      ],
      end: [],
    };
  },
  loseFiles: (draws, scene) => {
    const member = anyMember(draws, scene);
    const file = (['wal', 'db', 'snap'] as const)[draws.below(3)];
    return { begin: [{ type: 'loseFiles', member, file }], end: [{ type: 'start', member }] };
  },
} as const satisfies Readonly<Record<string, Draw>>;

const all = { ...episodes, ...beyondRaft } as const;

export type FaultKind = keyof typeof all;

export const faultKinds = Object.keys(all) as readonly FaultKind[];

/** Whether a run may lose data by it. */
export function isBeyondRaft(kind: FaultKind): boolean {
  return Object.hasOwn(beyondRaft, kind);
}

/** Whether it may leave a member whose files are of no use any more. */
export const damagesFiles = (kind: FaultKind): boolean => kind.startsWith('rot') || isBeyondRaft(kind);

/** Whether clocks are wrong by it, and so the time that leases live. */
export const changesClocks = (kind: FaultKind): boolean => kind.startsWith('clock');

export function drawEpisode(kind: FaultKind, draws: Prng, scene: Scene): Episode {
  return all[kind](draws, scene);
}
