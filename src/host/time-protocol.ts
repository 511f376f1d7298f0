/** What a page and its time worker say to each other. */
import type { News } from './follower.ts';
import type { Genesis, Result } from './port.ts';
import type { TimelineInfo } from './time-port.ts';
import type { BranchAsked, TimeTravel } from './time-travel.ts';

/** The page's first message, with its port transferred. */
export interface TimeConnect {
  readonly calls: MessagePort;
  readonly genesis: Genesis;
  readonly embedded: boolean;
}

/** The worker's own words: it has begun, or an error in it was caught by nobody. */
export type FromTime = { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly message: string };

type CallName = 'seek' | 'window' | 'inspect' | 'rename' | 'end' | 'compare' | 'timelines' | 'memory';

/** What may be called, and with what it answers: none of these rejects. */
export type TimeCalls = {
  readonly [Name in CallName]: (
    ...args: Parameters<TimeTravel[Name]>
  ) => Promise<Awaited<ReturnType<TimeTravel[Name]>>>;
} & {
  readonly follow: (news: News) => Promise<void>;
};

/** What a branch is asked for with. */
export type BranchWish = Omit<BranchAsked, 'send'>;

/** A branch's lab has two ports of its own, as the root's has. */
export interface RemoteTimeCalls extends TimeCalls {
  branch(wish: BranchWish, ports: BranchPorts): Promise<Result<{ timeline: TimelineInfo }>>;
}

export interface BranchPorts {
  readonly calls: MessagePort;
  readonly trace: MessagePort;
}

/** The calls as the one object that Comlink exposes: frozen, without a prototype, nothing but these. */
export function timeCallsOf(travel: TimeTravel): TimeCalls {
  const calls: TimeCalls = {
    follow: async (news) => travel.follow(news),
    seek: (...args) => travel.seek(...args),
    window: (...args) => travel.window(...args),
    inspect: (...args) => travel.inspect(...args),
    rename: (...args) => travel.rename(...args),
    end: (...args) => travel.end(...args),
    compare: (...args) => travel.compare(...args),
    timelines: async () => travel.timelines(),
    memory: async () => travel.memory(),
  };
  return Object.freeze(Object.assign(Object.create(null) as TimeCalls, calls));
}
