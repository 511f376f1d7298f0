/** What is wrong with one direction of a link, and what it does to each message. */
import { stream } from '../base/prng.ts';
import { drawDelay } from './delay.ts';
import type { Prng } from '../base/prng.ts';
import type { Send } from '../engine/server/types.ts';
import type { LinkSettings } from './fault-types.ts';

export const usualLink: LinkSettings = {
  extraDelayUs: 0,
  lossPerMille: 0,
  jitterUs: 0,
  duplicatePerMille: 0,
  reorderPerMille: 0,
  corruptPerMille: 0,
  bytesPerSecond: 0,
  queueBytes: 0,
  clogPerMille: 0,
  clogMeanUs: 0,
  dropTypes: [],
};

export const linkSettingNames = Object.keys(usualLink) as readonly (keyof LinkSettings)[];

/** A clog that began and lasts so long, 0: none; and how many messages wait for it or for one before. */
export interface ClogNote {
  readonly begunUs: number;
  readonly waitingCount: number;
}

const noClog: ClogNote = { begunUs: 0, waitingCount: 0 };

/** Why a message will not arrive: its link loses it, its queue is full, or its type is filtered. */
export type LinkLoss = 'link' | 'queue' | 'filter';

/**
 * Of a proposal that a follower hands on no link makes a copy: nothing tells the leader that it is one, for
 * etcd looks at no request's id before it applies it, and a connection gives its bytes once.
 */
export function mayBeDoubled({ messageType }: Pick<Send, 'messageType'>): boolean {
  return messageType !== 'MsgProp';
}

/**
 * Streams: `linkLoss`, `linkJitter`, `linkDuplicate`, `linkReorder`, `linkCorrupt` and `linkClog`, each with
 * the label `from>to`, so that no fault shifts another's draws.
 */
export class LinkFaults {
  settings: LinkSettings = usualLink;
  private readonly losses: Prng;
  private readonly jitters: Prng;
  private readonly duplicates: Prng;
  private readonly reorders: Prng;
  private readonly corruptions: Prng;
  private readonly clogs: Prng;
  /** When the bytes sent so far are all on the wire. */
  private freeAt = 0;
  /** When the link carries something again. */
  private clogEndsAt = 0;
  /** What clogs did since it was last asked for. */
  private clogNote: ClogNote = noClog;

  constructor(from: number, to: number, seed: number, boot: number) {
    const streamOf = (purpose: string): Prng => stream(seed, boot, purpose, `${from}>${to}`);
    this.losses = streamOf('linkLoss');
    this.jitters = streamOf('linkJitter');
    this.duplicates = streamOf('linkDuplicate');
    this.reorders = streamOf('linkReorder');
    this.corruptions = streamOf('linkCorrupt');
    this.clogs = streamOf('linkClog');
  }

  /** Whether anything is wrong. */
  get isBad(): boolean {
    return !isSameLink(this.settings, usualLink);
  }

  /** The bytes sent so far are on the wire, and nothing clogs it. */
  emptyQueue(): void {
    this.freeAt = 0;
    this.clogEndsAt = 0;
  }

  isClogged(nowUs: number): boolean {
    return nowUs < this.clogEndsAt;
  }

  /** How long a message that leaves now waits for a clog, be it one that begins with it; 0: for none. */
  clogUs(nowUs: number): number {
    const { clogPerMille, clogMeanUs } = this.settings;
    let { begunUs } = this.clogNote;
    if (!this.isClogged(nowUs)) {
      if (!this.clogs.chance(clogPerMille, 1000)) return 0;
      begunUs = Math.max(1, drawDelay(this.clogs, { minUs: 0, meanUs: clogMeanUs }));
      this.clogEndsAt = nowUs + begunUs;
    }
    this.clogNote = { begunUs, waitingCount: this.clogNote.waitingCount + 1 };
    return this.clogEndsAt - nowUs;
  }

  takeClogNote(): ClogNote {
    const note = this.clogNote;
    this.clogNote = noClog;
    return note;
  }

  /** Why a message that leaves now is lost; null where it is not. */
  loss(nowUs: number, { messageType, bytes }: Send): LinkLoss | null {
    const { lossPerMille, dropTypes, bytesPerSecond, queueBytes } = this.settings;
    const isLost = this.losses.chance(lossPerMille, 1000);
    if (dropTypes.includes(messageType)) return 'filter';
    if (isLost) return 'link';
    if (bytesPerSecond === 0 || queueBytes === 0) return null;
    const fromUs = Math.max(nowUs, this.clogEndsAt);
    const waitingBytes = Math.floor((Math.max(0, this.freeAt - fromUs) * bytesPerSecond) / 1_000_000);
    return waitingBytes + bytes.length > queueBytes ? 'queue' : null;
  }

  /** Whether a copy that leaves now is lost; it takes no place in a queue. */
  copyLoss(): LinkLoss | null {
    return this.losses.chance(this.settings.lossPerMille, 1000) ? 'link' : null;
  }

  /** How much later a message arrives: the bytes before it and its own, a delay, and jitter. */
  delayUs(nowUs: number, byteCount: number): number {
    const { extraDelayUs, jitterUs, bytesPerSecond } = this.settings;
    const jitter = jitterUs === 0 ? 0 : drawDelay(this.jitters, { minUs: 0, meanUs: jitterUs });
    if (bytesPerSecond === 0) return extraDelayUs + jitter;
    this.freeAt = Math.max(nowUs, this.freeAt) + Math.ceil((byteCount * 1_000_000) / bytesPerSecond);
    return this.freeAt - nowUs + extraDelayUs + jitter;
  }

  /** How much later a second copy arrives; null: there is none. */
  duplicateUs(send: Pick<Send, 'messageType'>): number | null {
    if (!this.duplicates.chance(this.settings.duplicatePerMille, 1000)) return null;
    if (!mayBeDoubled(send)) return null;
    return drawDelay(this.duplicates, { minUs: 1, meanUs: strayUs });
  }

  /** The bytes as they arrive, where a bit of them turns on the way; null: they are whole. */
  corrupt(bytes: Uint8Array): Uint8Array | null {
    if (!this.corruptions.chance(this.settings.corruptPerMille, 1000) || bytes.length === 0) return null;
    const changed = bytes.slice();
    const bit = this.corruptions.below(bytes.length * 8);
    changed[bit >>> 3] ^= 1 << (bit & 7);
    return changed;
  }

  /** How much later a message arrives that others overtake; null: it keeps its place. */
  reorderUs(): number | null {
    if (!this.reorders.chance(this.settings.reorderPerMille, 1000)) return null;
    return drawDelay(this.reorders, { minUs: 1, meanUs: strayUs });
  }
}

/** The mean time by which copies and overtaken messages come later: some messages of a busy link. */
const strayUs = 20_000;

export function isSameLink(a: LinkSettings, b: LinkSettings): boolean {
  return JSON.stringify({ ...usualLink, ...a }) === JSON.stringify({ ...usualLink, ...b });
}
