/** What the page does with the lab: what buttons, keys and menus mean, and which dialog is open. */
import { m } from '../paraglide/messages.js';
import { connectLab } from '../host/connect.ts';
import { mistakeOf, profileOf, type Mistake } from '../host/shelf.ts';
import type { LabImage, LabOptions, LabPort, Result, StepUnit } from '../host/port.ts';
import { Console } from '../model/console.svelte.ts';
import type { Lab } from '../model/lab.svelte.ts';
import { commandLine, type MenuAction } from '../model/command-line.ts';
import { onRing } from '../model/cluster-view.ts';
import { repairs, toggleLink } from '../model/member-menu.ts';
import type { FaultEntry, MenuSubject } from '../model/menu-subject.ts';
import type { Scenario } from '../model/scenarios.ts';
import type { LoadKind } from '../sim/types.ts';
import type { Deed } from '../views/controls/DeedNote.svelte';
import type { KeyAction } from '../views/controls/keys.ts';
import type { Theme } from '../views/controls/Header.svelte';
import { bugQuery } from './bug-query.ts';
import { download } from './download.ts';
import { takeDeed, type RealDeed } from './last-deed.ts';
import {
  defaultAddress,
  isRunLink,
  labOptions,
  scenarioOf,
  withView,
  writeAddress,
  type Address,
  type Setup,
} from './address.ts';
import type { Run } from '../host/run-schema.ts';
import type { shareRun as ShareRun } from './share.ts';
import { TimeDesk } from './time-desk.svelte.ts';
import type { View } from './views.ts';

/** Leases last seconds, messages milliseconds: who looks at leases begins at a faster pace. */
const leaseSpeed = 4;

/** The dialogs of a page. */
type Shown = 'help' | 'delete' | 'share' | 'plant' | 'shelf' | 'real' | 'links' | 'settings';

export class Desk {
  readonly lab: Lab;
  readonly console: Console;
  unit = $state<StepUnit>('message');
  theme = $state<Theme>('auto');
  menu = $state.raw<{ readonly subject: MenuSubject; readonly anchor: Element } | null>(null);
  dialog = $state<Shown | null>(null);
  /** What the dialog about sharing tells; null until it is open. */
  shared = $state.raw<Awaited<ReturnType<typeof ShareRun>> | null>(null);
  notices = $state.raw<readonly string[]>([]);
  /** The file that is being read; empty: none is. */
  reading = $state('');
  /** Why a file was not opened; empty: it was, or there was none. */
  fileProblem = $state('');
  /** The menu's command that waits for its answer, or was refused; null while there is none. */
  deed = $state.raw<Deed | null>(null);

  /** How this tab's lab ended before it was reloaded; null: not by a hand. */
  deedBefore = $state.raw<RealDeed | null>(null);
  /** How long the browser let the page sleep; empty: it did not. */
  slept = $state('');

  /** Which picture the page shows. */
  view = $state<View>(defaultAddress.view);

  readonly barred: string = $derived.by(() => {
    const { phase, state, isPast } = this.lab;
    const stopped = state?.stopped ?? null;
    // before the violation the run can be gone on from
    if (stopped?.kind === 'violation') return isPast ? '' : m.why_violation();
    return phase.kind === 'open' && stopped === null ? '' : m.why_not_open();
  });

  readonly time: TimeDesk;
  readonly #address: Address;
  readonly #connect: () => LabPort;
  #opening: Promise<unknown> = Promise.resolve();
  readonly #moving = new Set<(nowMs: number) => void>();

  constructor(lab: Lab, address: Address = defaultAddress, connect: () => LabPort = connectLab) {
    this.#connect = connect;
    this.lab = lab;
    this.time = new TimeDesk(lab);
    this.#address = address;
    this.view = address.view;
    this.setTheme(address.theme);
    this.deedBefore = takeDeed();
    this.console = new Console({
      act: (command) => lab.act(command),
      listen: (receive) => lab.listen(({ events }) => events.forEach(({ event }) => receive(event))),
      hurry: (virtualUs) => lab.run(virtualUs),
      download,
      restore: (name, data) => this.openImage({ name, data }),
      profileOf: (profile, members) => profileOf(profile, members, this.#memberIds),
      mistakeOf: (mistake, member) => this.#mistake(mistake, member),
      plant: (bug) => location.assign(bugQuery(this, bug)),
      context: () => ({ memberCount: lab.cluster.members.at(-1)?.id ?? 0, leader: lab.leader?.id ?? null }),
    });
  }

  get #memberIds(): readonly number[] {
    return onRing(this.lab.cluster).map(({ id }) => id);
  }

  #mistake(mistake: Mistake, member: number | null): readonly MenuAction[] {
    const members = this.#memberIds;
    const revision = Math.max(1, ...this.lab.cluster.members.map((one) => one.revision));
    const scene = { members, member: member ?? members[0] ?? 1, revision };
    return mistakeOf(mistake, scene) as readonly MenuAction[];
  }

  /** Opens the lab as the address asks. */
  async open(how: { readonly lookOnly?: boolean; readonly takeOver?: boolean } = {}): Promise<void> {
    const run = await this.#linkedRun();
    const script = scenarioOf(this.#address);
    const options: LabOptions = {
      ...labOptions(this.#address),
      lookOnly: how.lookOnly ?? false,
      takeOver: how.takeOver ?? false,
      ...(run !== null && { run }),
    };
    const begin = script === null || run !== null ? undefined : () => this.#begin(script);
    await this.lab.open(options, begin);
    await this.#goToShown(run);
    if (this.view === 'leases' && this.lab.phase.kind === 'open') void this.lab.setSpeed(leaseSpeed);
    await this.console.warm();
  }

  /** The run that the page's address holds; null where it holds none, or none that can be read. */
  async #linkedRun(): Promise<Run | null> {
    if (!isRunLink(location.hash)) return null;
    const { readLink } = await import('../host/run-link.ts');
    const read = await readLink(location.hash);
    if (read.ok) return read.run;
    this.notices = [...this.notices, m.run_link_bad({ why: read.message })];
    return null;
  }

  /** A run that was given away opens at the moment at which it was looked at. */
  async #goToShown(run: Run | null | undefined): Promise<void> {
    if (run?.shown === undefined || this.lab.phase.kind !== 'open') return;
    await this.lab.goToMoment(run.shown);
  }

  /** Makes links and files of the run, which open at the moment that is shown, and shows them. */
  share = async (): Promise<void> => {
    const { shareRun } = await import('./share.ts');
    const { isPast, shownMoment } = this.lab;
    const { origin, pathname, search } = location;
    const page = `${origin}${pathname}${withView(search, this.view)}`;
    this.shared = await shareRun(await this.lab.runFile(), isPast ? shownMoment : null, page);
    this.dialog = 'share';
  };

  /**
   * Makes a lab of a database file and shows it in place of this one; a file that is refused leaves this one
   * as it is, and `fileProblem` says why.
   */
  openImage = (image: LabImage): Promise<Result<object>> =>
    this.#openOther(image.name, () => Promise.resolve({ ok: true, options: { startPaused: false, image } }));

  /** A run's file, or a database file, which the console's snapshot commands know from then on. */
  openFile = async (file: File): Promise<Result<object>> => {
    if (!file.name.endsWith('.qlrun')) {
      const opened = await this.openImage({ name: file.name, data: file });
      const status = this.lab.newest?.origin?.status;
      if (opened.ok && status !== undefined) this.console.keep(file.name, { bytes: file, status });
      return opened;
    }
    return this.#openOther(file.name, async () => {
      const { readRunFile } = await import('./share.ts');
      const read = await readRunFile(file);
      return read.ok ? { ok: true, options: { run: read.run } } : read;
    });
  };

  /** One file after the other, in the order in which they were chosen. */
  async #openOther(
    name: string,
    read: () => Promise<Result<{ options: Partial<LabOptions> }>>,
  ): Promise<Result<object>> {
    const next = (): Promise<Result<object>> => this.#openNext(name, read);
    const opened = this.#opening.then(next, next);
    this.#opening = opened;
    return opened;
  }

  async #openNext(
    name: string,
    read: () => Promise<Result<{ options: Partial<LabOptions> }>>,
  ): Promise<Result<object>> {
    this.reading = name;
    this.fileProblem = '';
    try {
      const opened = await this.#moveTo(await read());
      if (!opened.ok) this.fileProblem = opened.message;
      return opened;
    } finally {
      this.reading = '';
    }
  }

  async #moveTo(read: Result<{ options: Partial<LabOptions> }>): Promise<Result<object>> {
    if (!read.ok) return read;
    const port = this.#connect();
    const opened = await port.open({ ...labOptions(this.#address), ...read.options });
    if (opened.ok) {
      await this.lab.moveTo(port, opened.state);
      this.console.forget();
      this.notices = [];
      await this.#goToShown(read.options.run);
    } else await port.close();
    return opened;
  }

  /** Does what a scenario begins with, while the lab stands; then it plays, if it is to. */
  async #begin(scenario: Scenario): Promise<void> {
    for (const { does, thenMs } of scenario(this.lab.leader?.id ?? 1)) {
      if (this.lab.newest?.stopped) return;
      // Not waited for: a client's answer comes in the time that then runs, or later.
      void this.lab.act(does);
      await this.lab.run(thenMs * 1000);
    }
    if (this.#address.autoplay) await this.lab.play();
  }

  /** What the page's address asks for. */
  get address(): Address {
    return this.#address;
  }

  /** One frame of the screen, at `nowMs` of wall time: the lab's picture first, then what moves beside it. */
  frame(nowMs: number): void {
    this.lab.frame(nowMs);
    for (const move of this.#moving) move(nowMs);
  }

  /** Calls back with each frame of the screen; the answer ends it. */
  eachFrame(move: (nowMs: number) => void): () => void {
    this.#moving.add(move);
    return () => this.#moving.delete(move);
  }

  setTheme = (theme: Theme): void => {
    this.theme = theme;
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };

  /** Does what a console line says, as if it had been typed. */
  type = (line: string): Promise<void> => this.#type(line);
  put = (): Promise<void> => this.#type('put greeting hello');
  get = (): Promise<void> => this.#type('get greeting');
  kill = (): Promise<void> => (this.lab.leader === null ? Promise.resolve() : this.#type('kill leader'));

  repair = (): Promise<void> => this.#do(repairs(this.lab.cluster));
  link = (a: number, b: number): Promise<void> => this.#do(toggleLink(this.lab.cluster, a, b));
  load = (kind: LoadKind, perSecond: number): Promise<void> => this.#do([{ type: 'load', kind, perSecond }]);

  /** Does what a menu offers, as the console lines that say the same; a refusal ends it. */
  pick = ({ commands }: FaultEntry): Promise<void> => this.doAll(commands);

  /** Does one command after the other, each as the console line that says it; a refusal ends it. */
  doAll = async (commands: readonly MenuAction[]): Promise<void> => {
    for (const command of commands) {
      const line = commandLine(command);
      this.deed = { line, refusal: null };
      const refusal = this.barred === '' ? await this.console.run(line) : this.barred;
      // a host of a kind has some of what it asks for already
      const isDone = refusal === null || refusal.endsWith(' already');
      this.deed = isDone ? null : { line, refusal };
      if (!isDone) return;
    }
  };

  closeDeed = (): void => {
    this.deed = null;
  };

  openMenu = (subject: MenuSubject, anchor: Element): void => {
    this.menu = { subject, anchor };
  };

  closeMenu = (): void => {
    this.menu = null;
  };

  togglePlay = (): Promise<void> => (this.lab.playing ? this.lab.pause() : this.lab.play());

  /** In the past: to the next unit that was; now: runs until the next one comes. */
  step = async (): Promise<void> => {
    if (this.lab.isPast) await this.lab.move(this.unit, 1);
    else await this.lab.step(this.unit, 1);
  };

  back = (): Promise<void> => this.lab.move(this.unit, -1);
  goTo = (step: number): Promise<void> => this.lab.goTo(step);
  now = (): Promise<void> => this.lab.goTo(Number.POSITIVE_INFINITY);

  speed = (factor: number): Promise<void> => this.lab.setSpeed(factor);

  /** What a new lab would be begun with: what this one was. */
  get setup(): Setup {
    const { seed, members, preVote, settings } = this.lab.state ?? labOptions(this.#address);
    return { seed, members, preVote, settings: settings ?? {} };
  }

  /** Leaves this lab for a new one in memory, whose address says what it was begun with. */
  beginAnew = (setup: Setup): void => {
    const { theme, layout, workspace, autoplay } = this.#address;
    const kept = { ...defaultAddress, theme, layout, workspace, autoplay, view: this.view };
    const query = writeAddress({ ...kept, ...setup, storage: 'memory' });
    location.assign(`${location.pathname}${query}`);
  };

  deleteStored = async (): Promise<void> => {
    this.dialog = null;
    const deleted = await this.lab.deleteStored();
    if (!deleted.ok) this.notices = [...this.notices, deleted.message];
  };

  /** Does what a key asks for; `focused` is what has the focus and a menu. */
  key(action: KeyAction, focused: Desk['menu']): void {
    const does: Readonly<Record<KeyAction, () => unknown>> = {
      togglePlay: this.togglePlay,
      step: this.step,
      back: this.back,
      nextMark: () => this.lab.moveToMark(1),
      previousMark: () => this.lab.moveToMark(-1),
      start: () => this.goTo(0),
      now: this.now,
      faster: () => this.speed(this.lab.speedFactor * 2),
      slower: () => this.speed(this.lab.speedFactor / 2),
      put: this.put,
      kill: this.kill,
      get: this.get,
      repair: this.repair,
      menu: () => (this.menu = focused),
      undo: this.time.undo,
      console: () => document.querySelector<HTMLElement>('[data-console]')?.focus(),
      help: () => (this.dialog = 'help'),
    };
    const needsLab = action !== 'menu' && action !== 'help' && action !== 'console';
    if (!needsLab || this.lab.phase.kind === 'open') void does[action]();
  }

  async #do(actions: readonly MenuAction[]): Promise<void> {
    for (const action of actions) await this.#type(commandLine(action));
  }

  async #type(line: string): Promise<void> {
    if (this.barred === '') await this.console.run(line);
  }
}
