/** Does a stored run again, boot by boot: what a boot stored is what the next one begins with. */
import type { DiskImage } from '../engine/server/types.ts';
import type { ChunkedFile } from '../sim/chunked-file.ts';
import { Cluster } from '../sim/cluster.ts';
import type { MemberSettings } from '../sim/member-settings.ts';
import type { Boot } from '../sim/run.ts';
import { Members } from '../sim/run.ts';
import { applyStoreOps, toImage } from '../sim/store-ops.ts';
import type { StoreCommit } from '../sim/types.ts';
import { fromImage } from './memory-store.ts';
import { withoutUnused } from './page-store.ts';
import type { BootInputs } from './stored-inputs.ts';
import { filesChecksum } from './stored-inputs.ts';
import { Breath } from './wall-clock.ts';

/** What all boots of a lab have in common. */
export interface LabFacts {
  readonly seed: number;
  readonly members: number;
  readonly preVote: boolean;
  readonly settings: MemberSettings;
}

/** What a store holds after some boots. */
export interface Redone {
  readonly images: readonly DiskImage[];
  /** Virtual microseconds: where the next boot's clock begins. */
  readonly timeUs: number;
  /** What first came out otherwise than it was noted, as a sentence; null: nothing did. */
  readonly differs: string | null;
}

/** The files that a store holds, in memory. */
class StoredFiles {
  readonly #files: Map<string, ChunkedFile>[];
  readonly #members: number;
  timeUs: number;

  constructor({ images, timeUs }: Pick<Redone, 'images' | 'timeUs'>, members: number) {
    this.#files = images.map(fromImage);
    this.#members = members;
    this.timeUs = timeUs;
  }

  apply({ member, ops, timeUs }: StoreCommit): void {
    while (this.#files.length < member) this.#files.push(new Map());
    applyStoreOps(this.#files[member - 1], ops);
    this.timeUs = Math.max(this.timeUs, timeUs);
  }

  images(): DiskImage[] {
    return withoutUnused(this.#files.map(toImage), this.#members);
  }
}

const isIn = (spans: readonly number[], commit: number): boolean => {
  for (let i = 0; i < spans.length; i += 2) if (commit >= spans[i] && commit <= spans[i + 1]) return true;
  return false;
};

/** How many commits the spans name. */
const countIn = (stored: readonly (readonly number[])[]): number =>
  stored.flat().reduce((sum, at, i) => sum + (i % 2 === 0 ? 1 - at : at), 0);

/** One boot that is done again, plan by plan. */
class BootAgain {
  readonly #inputs: BootInputs;
  readonly #cluster: Cluster;
  readonly #members: Members;
  readonly #files: StoredFiles;
  #done = 0;
  #applied = 0;

  constructor(facts: LabFacts, inputs: BootInputs, before: Redone, boot: Boot) {
    const { seed, members: memberCount, preVote, settings } = facts;
    this.#inputs = inputs;
    this.#cluster = new Cluster({
      ...{ seed, memberCount, preVote, settings },
      images: before.images,
      boot: inputs.boot,
      startUs: before.timeUs,
      trace: { on: false, emit: () => {} },
    });
    this.#members = new Members(boot);
    this.#files = new StoredFiles(before, memberCount);
  }

  get timeUs(): number {
    return this.#files.timeUs;
  }

  images(): DiskImage[] {
    return this.#files.images();
  }

  /** Does the next plan; false at the boot's end. */
  step(): boolean {
    this.#act();
    const { moment } = this.#inputs.end;
    if (this.#cluster.moment >= moment) return false;
    const plan = this.#cluster.plan();
    if (plan === null) return false;
    this.#store();
    this.#cluster.merge(plan, this.#members.perform(plan));
    this.#store();
    return true;
  }

  /** After the last step. @returns what came out otherwise; null: nothing */
  finish(): string | null {
    const { boot, end } = this.#inputs;
    const { moment, chainHash } = this.#cluster;
    if (moment !== end.moment || chainHash !== end.chainHash)
      return `Boot ${boot} comes to the chain hash ${chainHash} at input ${moment}, not to ${end.chainHash}.`;
    const expected = countIn(end.stored);
    // the last commits may have been made by the plan that was out when they were stored
    if (this.#applied < expected && this.#cluster.plan() !== null) this.#store();
    if (this.#applied === expected) return null;
    return `Boot ${boot} makes ${this.#applied} of the ${expected} commits that were stored.`;
  }

  #act(): void {
    const { interventions } = this.#inputs;
    for (let next = interventions[this.#done]; next !== undefined; next = interventions[this.#done]) {
      if (next.moment > this.#cluster.moment) return;
      this.#cluster.act(next.action);
      this.#done++;
    }
  }

  #store(): void {
    for (const commit of this.#cluster.takeStoreCommits()) {
      if (!isIn(this.#inputs.end.stored[commit.member - 1] ?? [], commit.commit)) continue;
      this.#files.apply(commit);
      this.#applied++;
    }
  }
}

/** Empty disks, before the first boot. */
const nothingYet = ({ members }: LabFacts): Redone => ({
  images: Array.from({ length: members }, () => new Map()),
  timeUs: 0,
  differs: null,
});

/** Pauses after each plan. */
function* redoing(
  facts: LabFacts,
  boots: readonly BootInputs[],
  boot: Boot,
): Generator<undefined, Redone, void> {
  let so = nothingYet(facts);
  for (const inputs of boots) {
    const differs = so.differs ?? beginDiffers(inputs, so);
    const again = new BootAgain(facts, inputs, so, boot);
    while (again.step()) yield;
    const ended = again.finish();
    so = { images: again.images(), timeUs: again.timeUs, differs: differs ?? ended };
  }
  return so;
}

/** What a boot's beginning was noted as, and is not; null where it is. */
export function beginDiffers(
  { boot, files, startUs }: Pick<BootInputs, 'boot' | 'files' | 'startUs'>,
  { images, timeUs }: Pick<Redone, 'images' | 'timeUs'>,
): string | null {
  if (startUs !== timeUs) return `Boot ${boot} began at ${startUs} us; what is stored ends at ${timeUs} us.`;
  return filesChecksum(images) === files ? null : `Boot ${boot} began with other files.`;
}

/** Does boots again from empty disks. The first is the lab's first. */
export function redo(facts: LabFacts, boots: readonly BootInputs[], boot: Boot): Redone {
  const doing = redoing(facts, boots, boot);
  for (;;) {
    const next = doing.next();
    if (next.done === true) return next.value;
  }
}

/** As `redo`, a little at a time. */
export async function redoInPieces(
  facts: LabFacts,
  boots: readonly BootInputs[],
  boot: Boot,
): Promise<Redone> {
  const doing = redoing(facts, boots, boot);
  const breath = new Breath();
  for (;;) {
    const next = doing.next();
    if (next.done === true) return next.value;
    if (breath.isDue) await breath.take();
  }
}
