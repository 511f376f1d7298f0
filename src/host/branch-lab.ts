/** A lab that goes on from a moment of another one's run: with a copy of its world, in memory, at rest. */
import { Member } from '../engine/server/member.ts';
import type { RunningWorld } from '../sim/keyframes.ts';
import { Lab } from './lab.ts';
import type { LabParts } from './lab-parts.ts';
import { LocalMembers } from './member-host.ts';
import { MemoryStore } from './memory-store.ts';
import { storeFormat } from './page-store.ts';
import type { Genesis, LabOptions } from './port.ts';
import type { OpenedStorage } from './storage.ts';
import { storedImages } from './store-change.ts';
import { noInputs } from './stored-inputs.ts';

/** Where a lab begins that goes on from a run. */
export interface Branch {
  /** A copy of its own, between two plans, with members of the engine's. Nobody else may move it. */
  readonly world: RunningWorld;
  /** What the run began with. */
  readonly genesis: Genesis;
  /** Whether checkers watch what it does from here on. */
  readonly checks: boolean;
  /** Called with the world after each plan. */
  readonly recorder: (world: RunningWorld) => void;
}

/**
 * A lab that is open at once and stands where the world stands: time, moment and chain hash are the run's,
 * and its run file holds the run from its beginning. Clients that waited there have nobody who hears them.
 * Its first message has all interventions of the run so far.
 */
export function labOfWorld(parts: Omit<LabParts, 'members'>, branch: Branch): Lab {
  const { world, genesis, checks, recorder } = branch;
  const { cluster } = world;
  // the disks' syncs under way are in the store's content already; what clients hear is no longer heard
  cluster.takeStoreCommits();
  cluster.takeOutcomes();
  const lab = new Lab({ ...parts, members: async () => new LocalMembers(Member.boot) });
  lab.enter({
    options: optionsOf(genesis, checks),
    storage: storageOf(branch),
    members: new LocalMembers(world.members),
    world,
    recorder: () => recorder(world),
  });
  return lab;
}

function optionsOf({ seed, memberCount, preVote, settings, planted }: Genesis, checks: boolean): LabOptions {
  return {
    ...{ seed, members: memberCount, preVote, settings, planted, checks },
    storage: 'memory',
    layout: 'one',
    workspace: 'branch',
    lookOnly: false,
    startPaused: true,
  };
}

/** The lab's facts are those of the run's beginning; the store holds what it holds now. */
function storageOf({ world, genesis }: Branch): OpenedStorage {
  const { seed, memberCount, preVote, settings, boot, startUs, images, inputs, origin } = genesis;
  const facts = { formatVersion: storeFormat, seed, members: memberCount, preVote, settings, boot };
  const begun = { record: { ...facts, timeUs: startUs }, images };
  const fresh = boot === 1 && images.every(({ size }) => size === 0);
  const now = { record: { ...facts, timeUs: world.cluster.nowUs }, images: storedImages(world.cluster) };
  return {
    store: new MemoryStore({ ...now, fresh: false, inputs: noInputs }),
    lab: { ...begun, fresh, inputs },
    lock: null,
    storageNotice: null,
    lossNotice: null,
    isWiped: false,
    origin,
  };
}
