/** Faults that are done to this very tab: its workers and its store. None of them is simulated. */
import { m } from '../paraglide/messages.js';
import { dropStore } from '../host/real-faults.ts';
import { bucketUse, hasBuckets, type StorePlace } from '../host/storage-bucket.ts';
import { labOptions } from './address.ts';
import { rememberDeed, type RealDeed } from './last-deed.ts';
import type { Desk } from './desk.svelte.ts';

export const realFaults = ['endMember', 'endLab', 'reload', 'drop', 'fill'] as const;
export type RealFault = (typeof realFaults)[number];

/** The MiB of the bucket that is offered: big enough to begin in, full within seconds. */
export const offeredMiB = 4;
/** Of each value, noise that does not shrink: every member keeps it in its log and in its file. */
const fillBytes = 96 * 1024;
const mostFills = 400;
/** A write that is to be cut off is waited for no longer than this, wall milliseconds. */
const writeMs = 300;
/** Nobody has an answer so soon, virtual microseconds: leader and followers must sync first. */
const writeUs = 4_000;

/** Why a fault cannot be done now, in a sentence; empty where it can. */
export function whyNot(desk: Desk, fault: RealFault): string {
  const { lab, barred } = desk;
  if (barred !== '') return barred;
  if (lab.isPast || lab.timelines.list.length > 1) return m.real_no_branch();
  const { layout, storage, bucketMiB } = lab.state ?? { layout: 'one', storage: 'memory', bucketMiB: null };
  if (fault === 'endMember') return layout === 'workers' ? '' : m.real_no_workers();
  if (fault === 'fill') {
    if (!hasBuckets()) return m.real_no_buckets();
    return bucketMiB === null ? m.real_no_bucket() : '';
  }
  if (fault === 'drop' && isCopyOfFull(desk)) return '';
  return storage === 'memory' ? m.real_no_store() : '';
}

/** The lab's bucket is too full for it to be opened: the page shows a copy of what it holds. */
function isCopyOfFull({ lab, address }: Desk): boolean {
  const { storage = 'auto', storageNotice = null } = lab.state ?? {};
  const isStored = labOptions(address).storage !== 'memory' && address.bucket > 0;
  return isStored && storage === 'memory' && storageNotice !== null && hasBuckets();
}

function placeOf(desk: Desk): StorePlace {
  const { workspace, bucket } = desk.address;
  const isThere = isCopyOfFull(desk) || desk.lab.state?.bucketMiB;
  return { workspace, bucketMiB: isThere ? bucket : null };
}

/** The worker of a member's process is terminated: the run keeps it as a kill at that moment. */
export const endMember = (desk: Desk, member: number): Promise<void> =>
  desk.doAll([{ type: 'kill', member }]);

export async function endLab(desk: Desk): Promise<void> {
  await writeUnderWay(desk);
  remember(desk, 'worker');
  desk.lab.endWorker();
}

export async function reloadTab(desk: Desk): Promise<void> {
  await writeUnderWay(desk);
  remember(desk, 'reload');
  location.reload();
}

/** @returns why it was not done; empty: the store is gone */
export async function drop(desk: Desk): Promise<string> {
  const storage = desk.lab.state?.storage ?? 'memory';
  if (isCopyOfFull(desk)) {
    const problem = await dropStore(placeOf(desk), 'indexeddb');
    if (problem === null) location.reload();
    return problem ?? '';
  }
  if (storage === 'memory') return m.real_no_store();
  if (storage === 'opfs') desk.lab.endWorker();
  return (await dropStore(placeOf(desk), storage)) ?? '';
}

/** Puts values until a member is stopped by it, one after the other. */
export async function fill({ lab }: Desk): Promise<void> {
  await lab.play();
  for (let i = 0; i < mostFills; i++) {
    if (lab.cluster.members.some(({ haltReason }) => haltReason !== null)) return;
    const put = await lab.act({ type: 'put', key: `fill/${i}`, value: noise(fillBytes) });
    if (!put.ok) return;
  }
}

function noise(count: number): string {
  const bytes = new Uint8Array(count);
  // no more at once
  for (let at = 0; at < count; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return Array.from(bytes, (byte) => String.fromCharCode(33 + (byte % 90))).join('');
}

/** What the bucket holds and may hold, bytes; null where the lab is in none. */
export const bucketNow = (desk: Desk): ReturnType<typeof bucketUse> => bucketUse(placeOf(desk));

/** Lets a client ask for something, until a member's log has it in hand: what follows ends in its midst. */
async function writeUnderWay({ lab }: Desk): Promise<void> {
  let silence = (): void => {};
  const begun = new Promise<void>((resolve) => {
    silence = lab.listen(({ events }) => {
      if (events.some(({ event }) => event.type === 'wal.append')) resolve();
    });
    setTimeout(resolve, writeMs);
  });
  // nobody will hear its answer
  void lab.act({ type: 'put', key: 'under-way', value: m.real_under_way() }).catch(() => {});
  // a lab that stands has to go on a little for it
  if (!lab.playing) void lab.run(writeUs);
  await begun;
  silence();
}

function remember({ lab, address }: Desk, how: RealDeed['how']): void {
  const state = lab.newest;
  if (state === null) return;
  const { boot, moment, timeUs } = state;
  const revision = Math.max(1, ...lab.cluster.members.map((one) => one.revision));
  const { workspace } = address;
  rememberDeed({ how, workspace, bucketMiB: state.bucketMiB, boot, moment, timeUs, revision });
}
