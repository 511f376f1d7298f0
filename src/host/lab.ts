/**
 * A lab: one cluster with its store, its show and its trace. In-process and in a worker it is this same
 * object.
 */
import { assert } from '../base/assert.ts';
import { Member } from '../engine/server/member.ts';
import type { Cluster } from '../sim/cluster.ts';
import type { Violation } from '../sim/checkers/checker.ts';
import type { ChecksReport } from './checks.ts';
import { parseCommand } from './commands.ts';
import { asError } from './crash.ts';
import { cutAnswer } from './cut-answer.ts';
import { meantOptions, optionProblem, whereProblem } from './lab-options.ts';
import type { Heard, LabParts, Opened, Opening } from './lab-parts.ts';
import { assemble } from './lab-parts.ts';
import { closedState } from './lab-state.ts';
import { LabTold } from './lab-told.ts';
import type { MemberHost } from './member-host.ts';
import { isSettled } from './notes.ts';
import type { ActResult, Answer, Genesis, LabOptions, LabState, Place, Query } from './port.ts';
import type { LabPort, Replayed, Result, RunFile, StepUnit, StoredWhere } from './port.ts';
import { begin, beginningOf } from './run-begin.ts';
import { differences, engineName } from './run-file.ts';
import type { Run } from './run-schema.ts';
import type { Stopped } from './scheduler.ts';
import { unitWords } from './step-units.ts';
import type { StorageHooks } from './storage.ts';
import { deleteStored, openStorage } from './storage.ts';
import { adopt, release } from './store-change.ts';
import { TwinnedMembers } from './twinned-members.ts';

/** A fresh lab is ready long before; a cluster that elects nobody is shown all the same. */
const settleLimitUs = 10_000_000;
/** A day: a run that has not come to its moment by then never will. */
const replayLimitUs = 86_400_000_000;

type Closed = { readonly ok: false; readonly code: string; readonly message: string };
const notOpen: Closed = { ok: false, code: 'not open', message: 'The lab is not open.' };

export class Lab {
  readonly #parts: LabParts;
  #opened: Opened | null = null;
  #asked: LabOptions | null = null;
  readonly #told = new LabTold();
  /** It was stored once; the store is another's now, or nobody's. */
  #isReleased = false;
  #hang: Stopped | null = null;
  #storageNotice: string | null = null;
  #replayed: Replayed | null = null;
  #violation: Violation | null = null;
  /** The run that is being done again ends there: a violation on the way was passed over then, too. */
  #replaysTo = -1;

  constructor(parts: LabParts) {
    this.#parts = parts;
  }

  async open(given: LabOptions): Promise<Result<{ state: LabState }>> {
    const options = meantOptions(given);
    if (this.#opened !== null)
      return { ok: false, code: 'open already', message: 'The lab is open already.' };
    const problem = optionProblem(options);
    if (problem !== null) return { ok: false, code: 'bad options', message: problem };
    this.#asked = options;
    // The members' workers start while the storage opens; what is stored may have another number of them.
    const early = this.#members(options);
    const begun = options.run === undefined ? null : await begin(options.run, Member.boot);
    const storage = await openStorage(options, begun?.lab ?? null, this.#storageHooks());
    if (!storage.ok) {
      early.then(
        (members) => members.close(),
        () => {},
      );
      return storage;
    }
    const memberCount = storage.lab.record.members;
    const members = await this.#membersFor(early, options, memberCount);
    this.#opened = assemble({ options, storage, members }, this.#heard(), this.#parts.clock);
    this.#storageNotice = storage.storageNotice;
    const { scheduler, show } = this.#opened;
    if (storage.isWiped) wipeAll(this.#opened.cluster);
    if (options.run === undefined)
      await scheduler.runUntil(() => isSettled(this.#told.counts.notes), settleLimitUs);
    else await this.#replay(this.#opened, options.run, begun?.differs ?? null);
    if (options.startPaused !== true && scheduler.stopped === null) show.play();
    this.#progressed();
    if (scheduler.stopped === null || scheduler.stopped.kind === 'violation')
      return { ok: true, state: this.state() };
    return { ok: false, code: scheduler.stopped.kind, message: scheduler.stopped.message };
  }

  /** Opens the lab at once, on a world that runs already: it stands there. */
  enter(opening: Opening): void {
    assert(this.#opened === null, 'lab: entered while it is open');
    this.#asked = opening.options;
    this.#opened = assemble(opening, this.#heard(), this.#parts.clock);
    this.#progressed();
  }

  async act(command: unknown): Promise<Result<ActResult>> {
    const parsed = parseCommand(command);
    if (!parsed.ok) return parsed;
    if (this.#opened === null) return notOpen;
    const { scheduler, show } = this.#opened;
    show.attend();
    return scheduler.act(parsed.action, show.playing);
  }

  play(): void {
    if (this.#opened?.scheduler.stopped === null) this.#opened.show.play();
  }

  async pause(): Promise<void> {
    this.#opened?.show.pause();
    await this.#opened?.scheduler.beginHeld();
  }

  setSpeed(factor: number): void {
    this.#opened?.show.attend();
    if (Number.isFinite(factor)) this.#opened?.pace.setFactor(factor);
  }

  /** Someone is there: an attended run goes on. */
  attend(): void {
    this.#opened?.show.attend();
  }

  /** An error that nobody caught: the run cannot be trusted any more. */
  fail(error: unknown): void {
    const { name, message } = asError(error);
    this.#stop('internal', `${name}: ${message}`);
  }

  async step(unit: StepUnit, count: number): Promise<Result<{ moment: number }>> {
    const measure = this.#told.counts.measure(unit, () => this.#opened?.cluster.moment ?? 0);
    if (measure === null || !Number.isSafeInteger(count) || count < 1) {
      return { ok: false, code: 'bad command', message: `A step is 1 or more of ${unitWords}.` };
    }
    if (this.#opened === null) return notOpen;
    this.#opened.show.attend();
    const reached = await this.#opened.scheduler.step(measure, count);
    if (reached || this.#opened.scheduler.stopped !== null) return this.#ran();
    return {
      ok: false,
      code: 'nothing happened',
      message: `No ${unit} came within a minute of virtual time.`,
    };
  }

  async run(virtualUs: number): Promise<Result<{ moment: number }>> {
    if (!Number.isSafeInteger(virtualUs) || virtualUs < 0) {
      return { ok: false, code: 'bad command', message: 'A run takes a whole number of microseconds.' };
    }
    if (this.#opened === null) return notOpen;
    this.#opened.show.attend();
    await this.#opened.scheduler.run(virtualUs);
    return this.#ran();
  }

  state(): LabState {
    if (this.#opened === null) return closedState;
    const { options, storage, cluster, disk, pace, members, scheduler, show } = this.#opened;
    const { record } = storage.lab;
    const stopped = scheduler.stopped ?? this.#hang;
    const pausedBecause = show.pausedBecause;
    return {
      version: 1,
      seed: record.seed,
      boot: record.boot,
      members: record.members,
      preVote: record.preVote,
      settings: record.settings,
      layout: members.layout,
      storage: storage.store.kind,
      bucketMiB: storage.store.kind === 'memory' ? null : (options.bucketMiB ?? null),
      storageNotice: this.#storageNotice,
      lossNotice: storage.lossNotice,
      origin: storage.origin,
      replayed: this.#replayed,
      storedUs: storage.store.kind === 'memory' ? 0 : disk.storedUs,
      storedCommits: storage.store.kind === 'memory' ? 0 : disk.storedCommits,
      timeUs: scheduler.shownUs,
      moment: cluster.moment,
      playing: show.playing,
      pausedBecause,
      speed: pace.speed,
      chainHash: cluster.chainHash,
      stopped,
      violation: this.#violation,
      planted: options.planted ?? [],
    };
  }

  async inspect(query: Query): Promise<Result<{ answer: Answer }>> {
    if (this.#opened === null) return notOpen;
    const { members, scheduler, cluster } = this.#opened;
    if (query.kind === 'powerCut') return scheduler.between(async () => cutAnswer(cluster, query));
    const answer = await scheduler.between(() => members.inspect(query));
    if (answer !== null) return { ok: true, answer };
    return { ok: false, code: 'not there', message: `m${query.member} does not run, or has no such thing.` };
  }

  checks(): ChecksReport | null {
    return this.#opened?.checks?.report() ?? null;
  }

  /** After a violation. */
  goOn(): void {
    this.#opened?.scheduler.goOn();
    this.play();
  }

  /** What the run began with. */
  genesis(): Result<{ genesis: Genesis; place: Place | null }> {
    if (this.#opened === null) return notOpen;
    const { storage, options } = this.#opened;
    const { record, images, inputs } = storage.lab;
    const { seed, members: memberCount, preVote, settings, boot, timeUs: startUs } = record;
    const facts = { seed, memberCount, preVote, settings, planted: options.planted ?? [], boot, startUs };
    return { ok: true, genesis: { ...facts, images, inputs, origin: storage.origin }, place: this.#place() };
  }

  async runFile(): Promise<RunFile> {
    const lab = this.#opened?.storage.lab;
    const beginning = lab === undefined ? { startedFromStore: false } : await beginningOf(lab);
    const { chainHash, moment, seed, members, preVote, settings, boot, stopped, planted } = this.state();
    return {
      format: 'qlrun',
      version: 1,
      engine: engineName,
      seed,
      members,
      boot,
      moment,
      chainHash,
      preVote,
      settings,
      ...beginning,
      origin: this.#opened?.storage.origin ?? null,
      interventions: [...(this.#opened?.cluster.interventions ?? [])],
      ...(planted.length > 0 && { planted }),
      error: stopped?.message ?? null,
    };
  }

  async compareStore(): Promise<readonly string[]> {
    if (this.#opened === null) return [notOpen.message];
    const { cluster, disk, scheduler, storage } = this.#opened;
    return scheduler.between(async () => {
      await disk.flush();
      const stored = await storage.store.read();
      return stored.flatMap((image, i) => differences(i + 1, image, cluster.stored(i + 1)));
    });
  }

  /** Lets go of the store, and goes on in memory. */
  async release(): ReturnType<LabPort['release']> {
    const opened = this.#opened;
    if (opened === null) return notOpen;
    const released = await opened.scheduler.between(() => release(opened));
    if (released.ok) this.#storeChanged(opened, true);
    return released;
  }

  /** Takes a store, in place of all that it holds. */
  async adopt(where: StoredWhere): ReturnType<LabPort['adopt']> {
    const opened = this.#opened;
    if (opened === null) return notOpen;
    const problem = whereProblem(where);
    if (problem !== null) return { ok: false, code: 'bad options', message: problem };
    const adopted = await opened.scheduler.between(() => adopt(opened, where, this.#storageHooks()));
    if (adopted.ok) this.#storeChanged(opened, false);
    return adopted;
  }

  async deleteStored(): Promise<Result<object>> {
    const opened = this.#opened;
    if (this.#isReleased)
      return { ok: false, code: 'not stored', message: 'Another timeline is the stored one: delete that.' };
    if (opened?.options.lookOnly === true) {
      return {
        ok: false,
        code: 'look only',
        message: 'This tab only looks: delete the data in the tab that holds the lab.',
      };
    }
    try {
      if (opened !== null) await this.#end(opened, () => opened.storage.store.destroy());
      else if (this.#asked !== null) await deleteStored(this.#asked);
      return { ok: true };
    } catch (error) {
      return { ok: false, code: 'store blocked', message: asError(error).message };
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    if (opened === null) return;
    await this.#end(opened, async () => {
      if (opened.scheduler.stopped === null) await opened.disk.flush();
      await opened.storage.store.close();
    });
  }

  /** Does each action where it was done then, up to where the run ended. */
  async #replay({ cluster, scheduler }: Opened, run: Run, differs: string | null): Promise<void> {
    const { interventions, moment, chainHash, engine, earlier } = run;
    this.#replaysTo = moment;
    let done = 0;
    const hasEnded = (): boolean => {
      for (let next = interventions[done]; next !== undefined; next = interventions[done]) {
        if (next.moment > cluster.moment) break;
        cluster.act(next.action);
        done++;
      }
      return cluster.moment >= moment;
    };
    await scheduler.runUntil(hasEnded, replayLimitUs);
    this.#replaysTo = -1;
    const isSame = differs === null && (chainHash === null || cluster.chainHash === chainHash);
    const proven = isSame && chainHash === null ? null : isSame;
    const actions = earlier.reduce((sum, boot) => sum + boot.interventions.length, interventions.length);
    this.#replayed = { engine, actions, moment, proven };
  }

  /** Checkers look inside the members: where those live in workers, they have twins in this thread. */
  async #members(options: LabOptions): Promise<MemberHost> {
    const members = await this.#parts.members(options, (told) => this.#told.take(told));
    const isFar = options.checks === true && members.layout === 'workers';
    return isFar ? new TwinnedMembers(members, Member.boot) : members;
  }

  async #membersFor(early: Promise<MemberHost>, options: LabOptions, members: number): Promise<MemberHost> {
    const host = await early;
    if (members === options.members) return host;
    host.close();
    return this.#members({ ...options, members });
  }

  #storageHooks(): StorageHooks {
    return {
      clock: this.#parts.clock,
      locks: this.#parts.locks,
      taken: () => this.#stop('taken', 'This lab was taken over by another tab; here it has stopped.'),
      lost: (message) => this.#stop('store', this.#lost(message)),
    };
  }

  #storeChanged({ storage }: Opened, isReleased: boolean): void {
    this.#isReleased = isReleased;
    this.#storageNotice = storage.storageNotice;
    this.#progressed();
  }

  #heard(): Heard {
    return {
      told: this.#told,
      progressed: () => this.#progressed(),
      storeFailed: (message) => {
        this.#storageNotice = message;
      },
      hangs: (message) => this.#hangs(message),
      violated: (violation) => this.#violated(violation),
    };
  }

  /** A violation ends the run where it is found, unless it has gone on there before. */
  #violated(violation: Violation): Stopped | null {
    this.#violation = violation;
    const moment = this.#opened?.cluster.moment ?? 0;
    if (moment < this.#replaysTo) return null;
    this.#opened?.show.pause();
    const { property, sentence, evidence } = violation;
    return { kind: 'violation', message: `${property}: ${sentence} ${evidence}`, moment };
  }

  /** Everything so far belongs to plans that are merged: it may go out. */
  #progressed(): void {
    const told = this.#told.flush(this.#opened?.cluster.interventions ?? []);
    this.#parts.send({ ...told, state: this.state(), place: this.#place() });
  }

  #place(): Place | null {
    if (this.#opened === null) return null;
    const { cluster, scheduler } = this.#opened;
    return { ...cluster.whole, timeUs: scheduler.shownUs };
  }

  #ran(): Result<{ moment: number }> {
    const { stopped, moment } = this.state();
    return stopped === null ? { ok: true, moment } : { ok: false, code: 'stopped', message: stopped.message };
  }

  /** The store went away under the lab: what it had held. */
  #lost(message: string): string {
    const { storedCommits, boot } = this.state();
    return `${message} It had come to commit ${storedCommits} of boot ${boot}; reload to see what is left.`;
  }

  #hangs(message: string | null): void {
    this.#hang = message === null ? null : { kind: 'store', message, moment: this.state().moment };
    this.#progressed();
  }

  #stop(kind: Stopped['kind'], message: string): void {
    if (this.#opened === null) return;
    this.#opened.show.pause();
    this.#opened.scheduler.stop({ kind, message, moment: this.#opened.cluster.moment });
    this.#progressed();
  }

  async #end(opened: Opened, finish: () => Promise<void>): Promise<void> {
    opened.show.pause();
    try {
      await opened.scheduler.between(finish);
    } finally {
      opened.scheduler.stop({
        kind: 'store',
        message: 'The lab is closed.',
        moment: opened.cluster.moment,
      });
      opened.members.close();
      this.#opened = null;
      await opened.storage.lock?.release();
    }
  }
}

/** What the browser did to the disks is an input as any other: a run that is done again has it. */
function wipeAll(cluster: Cluster): void {
  for (const member of cluster.members) {
    cluster.act({ type: 'wipe', member });
    cluster.act({ type: 'start', member });
  }
}
