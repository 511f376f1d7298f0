/** What each kind of fault of a swarm does to whom, and what ends it. */
import type { Prng } from '../base/prng.ts';
import type { Action } from './types.ts';

/** The members of a run, and what may be done to which of them. */
export interface Scene {
  readonly members: number;
  /** Those whose files may be damaged. */
  readonly victims: readonly number[];
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

/** Cuts all links between two groups, in one direction or both. */
function partition(draws: Prng, { members }: Scene): Episode {
  const side = Array.from({ length: members }, () => draws.chance(1, 2));
  const isOneWay = draws.chance(1, 4);
  const ways = side.flatMap((isLeft, i) =>
    side.flatMap((isOther, j) => {
      const isCut = isLeft !== isOther && (isLeft || !isOneWay);
      return isCut ? [{ from: i + 1, to: j + 1 }] : [];
    }),
  );
  return {
    begin: ways.map((way) => ({ type: 'cut', ...way })),
    end: ways.map((way) => ({ type: 'heal', ...way })),
  };
}

const episodes = {
  kill: (draws, scene) => {
    const member = anyMember(draws, scene);
    return { begin: [{ type: 'kill', member }], end: [{ type: 'start', member }] };
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
  badLink: (draws, scene) => {
    const link = anyLink(draws, scene);
    if (link === null) return nothing;
    const fault = { extraDelayUs: draws.below(300_000), lossPerMille: draws.below(400) };
    return {
      begin: [{ type: 'link', ...link, ...fault }],
      end: [{ type: 'link', ...link, extraDelayUs: 0, lossPerMille: 0 }],
    };
  },
} as const satisfies Readonly<Record<string, Draw>>;

export type FaultKind = keyof typeof episodes;

export const faultKinds = Object.keys(episodes) as readonly FaultKind[];

export function drawEpisode(kind: FaultKind, draws: Prng, scene: Scene): Episode {
  return episodes[kind](draws, scene);
}
