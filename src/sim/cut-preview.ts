/** What a power cut would do, found out on a copy of the disk: nothing happens to the disk itself. */
import { fork } from '../base/fork.ts';
import { Member } from '../engine/server/member.ts';
import { contentsOf } from './change-contents.ts';
import { imageFacts } from './image-facts.ts';
import { memberConfig } from './launch.ts';
import { fateProblem, sectorCount } from './power-cut.ts';
import type { DiskImage } from '../engine/server/types.ts';
import type { ChangeContent } from './change-contents.ts';
import type { Disk } from './disk.ts';
import type { AtRisk, NameOp } from './disk-files.ts';
import type { ImageFacts } from './image-facts.ts';
import type { ChosenFates, FileOp, PowerCutCounts } from './power-cut.ts';
import type { World } from './world.ts';

/** A change of a file that is asked for and not durable. */
export interface RiskyChange {
  /** The file as it is called now; where it has no name any more, as it was. */
  readonly file: string;
  readonly kind: FileOp['kind'];
  /** Where it writes; of a change of size, the new size. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Sectors of 512 bytes that a write touches: one of two or more can be torn. */
  readonly sectors: number;
  /**
   * `lied`: a lying disk has said that it is durable. `syncing`: a sync of it runs. `open`: nobody has asked
   * for a sync. `behind`: it waits behind a sync that runs, and is lost in any case.
   */
  readonly stage: 'lied' | 'syncing' | 'open' | 'behind';
  readonly contents: readonly ChangeContent[];
}

/** A change of the directory that is not durable. */
export interface RiskyName {
  readonly kind: NameOp['kind'];
  readonly name: string;
}

/** A start from what is on the disk: how it would go. */
export interface StartFacts {
  /** Why the process would end at once; null: it runs, and has applied what it knows to be committed. */
  readonly halted: string | null;
  /** Zeros where raft waits for other members, or has not come to run. */
  readonly term: number;
  readonly commit: number;
  readonly lastIndex: number;
  readonly revision: number;
}

export interface CutPreview {
  /** The changes that have a fate, in the order of `ChosenFates`. */
  readonly changes: readonly RiskyChange[];
  /** Those that are lost in any case. */
  readonly behind: readonly RiskyChange[];
  readonly names: readonly RiskyName[];
  /** What becomes of each change, and how many of the names arrive: as chosen, or as the dice would fall. */
  readonly fates: readonly string[];
  readonly keptNames: number;
  /** What a process reads now: what a killed one would leave. */
  readonly now: ImageFacts;
  /** After the power cut. */
  readonly counts: Readonly<PowerCutCounts>;
  readonly after: ImageFacts;
  readonly start: StartFacts;
}

/** Why the disk can not meet such fates now, as a sentence; null where it can, or where none were chosen. */
export function fatesProblem(disk: Disk, { fates, names }: Partial<ChosenFates>): string | null {
  if (fates === undefined) return names === undefined ? null : 'names are chosen together with fates';
  const ops = disk.atRisk.files.flatMap((file) => file.ops);
  if (fates.length !== ops.length) {
    const [there, given] = [`${ops.length} changes on their way`, `${fates.length} fates are given`];
    return `m${disk.member}'s disk has ${there}, and ${given}`;
  }
  if (names !== undefined && !(Number.isSafeInteger(names) && names >= 0)) {
    return `so many changes of names arrive: 0 or more, not ${names}`;
  }
  for (const [i, op] of ops.entries()) {
    const problem = fateProblem(op, fates[i]);
    if (problem !== null) return `change ${i + 1}: ${problem}`;
  }
  return null;
}

/** @returns a sentence where the disk can not meet such fates */
export function previewCut(world: World, member: number, chosen: Partial<ChosenFates>): CutPreview | string {
  const disk = world.disk(member);
  const problem = fatesProblem(disk, chosen);
  if (problem !== null) return problem;
  const { fates, ...rest } = chosen;
  const copy = fork(disk);
  const given = fates === undefined ? null : { fates, ...rest };
  const { fates: met, names, ...counts } = copy.powerCut(world.nowUs, given);
  const image = copy.files();
  return {
    ...changesOf(disk.atRisk),
    fates: met,
    keptNames: names,
    now: imageFacts(disk.files()),
    counts,
    after: imageFacts(image),
    start: startFacts(world, member, image),
  };
}

function changesOf({ files, names }: AtRisk): Pick<CutPreview, 'changes' | 'behind' | 'names'> {
  const changes: RiskyChange[] = [];
  const behind: RiskyChange[] = [];
  for (const { name, ops, liedCount, syncingCount, behind: later } of files) {
    ops.forEach((op, i) => {
      const stage = i < liedCount ? 'lied' : i < liedCount + syncingCount ? 'syncing' : 'open';
      changes.push(changeOf(name, op, stage));
    });
    for (const op of later) behind.push(changeOf(name, op, 'behind'));
  }
  const told = names.map(({ inode, kind, name }) => ({ kind, name: name ?? inode.durableName ?? '' }));
  return { changes, behind, names: told };
}

function changeOf(file: string, op: FileOp, stage: RiskyChange['stage']): RiskyChange {
  const place =
    op.kind === 'write'
      ? { offset: op.offset, sizeBytes: op.data.length }
      : { offset: op.sizeBytes, sizeBytes: 0 };
  const contents = op.kind === 'write' ? contentsOf(file, op.offset, op.data) : [];
  return { file, kind: op.kind, ...place, sectors: sectorCount(op), stage, contents };
}

/** More requests than any start makes. */
const mostRequests = 10_000;

/** Starts a process of its own from the files, as the world would, on a disk that is never late. */
function startFacts(world: World, member: number, files: DiskImage): StartFacts {
  const process = world.process(member);
  const launch = files.size === 0 && process.announced !== null ? process.announced : process.launch;
  const config = { ...memberConfig(world, { ...process, launch }), trace: false };
  const nowUs = process.clock.at(world.nowUs);
  const { member: started, output } = Member.boot(config, files, nowUs);
  let { halted } = output;
  const asked = [...output.disk];
  for (let i = 0; i < asked.length && i < mostRequests && halted === null; i++) {
    const request = asked[i];
    if (request.kind !== 'sync') continue;
    const next = started.step({ kind: 'diskDone', id: request.id, error: null }, nowUs);
    asked.push(...next.disk);
    ({ halted } = next);
  }
  const { term = 0, commit = 0, lastIndex = 0 } = started.raftStatus() ?? {};
  const revision = started.state()?.store.kv.revision ?? 0;
  return { halted, term, commit, lastIndex, revision };
}
