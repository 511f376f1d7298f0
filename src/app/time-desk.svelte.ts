/** What the page does with timelines: their menu, their dialogs, and the way back to where one parts. */
import type { Lab } from '../model/lab.svelte.ts';
import type { TimelineDeed } from '../views/time/TimelineMenu.svelte';

/** A timeline's menu, beside its button. */
interface OpenMenu {
  readonly id: number;
  readonly anchor: Element;
}

interface OpenDialog {
  readonly kind: 'compare' | 'end' | 'store';
  readonly id: number;
}

export class TimeDesk {
  menu = $state.raw<OpenMenu | null>(null);
  dialog = $state.raw<OpenDialog | null>(null);
  /** Whose name is being changed. */
  renaming = $state<number | null>(null);
  /** Up to this one, timelines that came are known to the visitor. */
  #known = $state(0);
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** The timeline that has just been opened and is shown; null: none, or it is known. */
  readonly made = $derived.by(() => {
    const { list, shown } = this.#lab.timelines;
    const info = list.find(({ id }) => id === shown);
    return info !== undefined && info.parent !== null && shown > this.#known ? info : null;
  });

  /** The one that is opened is no news any more. */
  note = (): void => {
    this.#known = Math.max(this.#known, ...this.#lab.timelines.list.map(({ id }) => id));
  };

  /** Takes note of what the page has said: it need not be shown any longer. */
  forget = (): void => {
    this.note();
    this.#lab.timelines.problem = '';
  };

  show = (id: number): Promise<void> => {
    this.note();
    return this.#lab.timelines.show(id);
  };

  rename = (id: number, name: string): Promise<unknown> => this.#lab.timelines.rename(id, name);

  /** Shows a timeline just behind one of its inputs. */
  go = async (id: number, moment: number): Promise<void> => {
    this.dialog = null;
    await this.show(id);
    await this.#lab.goToMoment(moment);
  };

  /** Back to where the shown timeline parts from the one before; both stay. */
  undo = async (): Promise<void> => {
    const { list, shown } = this.#lab.timelines;
    const info = list.find(({ id }) => id === shown);
    if (info !== undefined && info.parent !== null) await this.go(info.parent, info.fromMoment);
  };

  openMenu = (id: number, anchor: Element): void => {
    this.menu = { id, anchor };
  };

  pick = (deed: TimelineDeed): void => {
    const id = this.menu?.id;
    if (id === undefined) return;
    if (deed === 'show') void this.show(id);
    else if (deed === 'rename') this.renaming = id;
    else this.dialog = { kind: deed, id };
  };

  /** Lets the timeline go that the dialog asks about. */
  end = async (): Promise<void> => {
    const asked = this.dialog;
    this.dialog = null;
    if (asked !== null) await this.#lab.timelines.end(asked.id);
  };

  /** Stores the timeline that the dialog asks about, in place of the one that is. */
  makeStored = async (): Promise<void> => {
    const asked = this.dialog;
    this.dialog = null;
    if (asked === null) return;
    const { makeStored } = await import('../host/make-stored.ts');
    await this.#lab.timelines.makeStored(asked.id, makeStored);
  };

  /** With which one a timeline is compared first: its parent, else the shown one, or another. */
  otherOf(id: number): number {
    const { list, shown } = this.#lab.timelines;
    const parent = list.find((one) => one.id === id)?.parent ?? null;
    if (parent !== null) return parent;
    return id !== shown ? shown : (list.find((one) => one.id !== id)?.id ?? id);
  }
}
