/** The one table of keys: what the page listens to and what the help lists. */
import { m } from '../../paraglide/messages.js';

export type KeyAction =
  | 'togglePlay'
  | 'step'
  | 'back'
  | 'nextMark'
  | 'previousMark'
  | 'start'
  | 'now'
  | 'faster'
  | 'slower'
  | 'put'
  | 'kill'
  | 'get'
  | 'repair'
  | 'undo'
  | 'menu'
  | 'console'
  | 'help';

export interface KeyRow {
  /**
   * Values of KeyboardEvent.key, in lower case, with the action of each; `shift+` only before arrows, `ctrl+`
   * (on Macs the command key) only before z.
   */
  readonly keys: Readonly<Record<string, KeyAction>>;
  readonly shown: () => string;
  readonly does: () => string;
}

export const keyTable: readonly KeyRow[] = [
  { keys: { ' ': 'togglePlay', '.': 'togglePlay' }, shown: m.key_space, does: m.does_space },
  { keys: { arrowright: 'step', pagedown: 'step' }, shown: m.key_right, does: m.does_right },
  { keys: { arrowleft: 'back', pageup: 'back' }, shown: m.key_left, does: m.does_left },
  {
    keys: { 'shift+arrowleft': 'previousMark', 'shift+arrowright': 'nextMark' },
    shown: m.key_marks,
    does: m.does_marks,
  },
  { keys: { home: 'start', end: 'now' }, shown: m.key_ends, does: m.does_ends },
  { keys: { '+': 'faster', '=': 'faster', '-': 'slower' }, shown: m.key_plus, does: m.does_plus },
  { keys: { p: 'put' }, shown: m.key_p, does: m.does_p },
  { keys: { k: 'kill' }, shown: m.key_k, does: m.does_k },
  { keys: { g: 'get' }, shown: m.key_g, does: m.does_g },
  { keys: { r: 'repair' }, shown: m.key_r, does: m.does_r },
  { keys: { 'ctrl+z': 'undo' }, shown: m.key_undo, does: m.does_undo },
  { keys: { m: 'menu' }, shown: m.key_m, does: m.does_m },
  { keys: { c: 'console' }, shown: m.key_c, does: m.does_c },
  { keys: { '?': 'help' }, shown: m.key_help, does: m.does_help },
  { keys: {}, shown: m.key_esc, does: m.does_esc },
];

const actions = new Map(keyTable.flatMap(({ keys }) => Object.entries(keys)));

/** Fields in which keys are text or have a meaning of their own. */
const ownKeys = 'input, select, textarea, dialog, [contenteditable], [role="menu"], [role="log"]';
/** A slider moves by these; all other keys are as good as elsewhere. */
const sliderKeys = /^(arrow\w+|page\w+|home|end)$/;

/** What a key press asks for; null where it is none of ours or belongs to a field. */
export function actionOf(event: KeyboardEvent): KeyAction | null {
  if (event.altKey || event.defaultPrevented) return null;
  const { target } = event;
  const name = nameOf(event);
  const isSlider = target instanceof Element && target.matches('[data-scrubber]');
  if (isSlider && sliderKeys.test(name)) return null;
  if (!isSlider && target instanceof Element && target.closest(ownKeys) !== null) return null;
  const pressesButton =
    target instanceof Element && target.closest('button, summary, a, [role="button"]') !== null;
  if (pressesButton && event.key === ' ') return null;
  return actions.get(name) ?? null;
}

function nameOf({ key, shiftKey, ctrlKey, metaKey }: KeyboardEvent): string {
  const name = key.toLowerCase();
  if (ctrlKey || metaKey) return `ctrl+${name}`;
  return shiftKey && name.startsWith('arrow') ? `shift+${name}` : name;
}
