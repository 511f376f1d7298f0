/** Words for the freelist race: what is asked, and what each list does now. */
import { m } from '../../paraglide/messages.js';
import type { RaceOperation, RacePreset } from '../../host/freelist-port.ts';
import type { Frame, PageState, RaceView, SideView } from '../../model/freelist-view.ts';

export function presetWord(preset: RacePreset): string {
  return {
    article: m.fl_preset_article,
    interleaved: m.fl_preset_interleaved,
    'random-deletes': m.fl_preset_random_deletes,
    'big-value-holes': m.fl_preset_big_value_holes,
  }[preset]();
}

export function stateWord(state: PageState): string {
  return {
    used: m.fl_state_used,
    free: m.fl_state_free,
    pending: m.fl_state_pending,
    taken: m.fl_state_taken,
  }[state]();
}

/** `page 44`, `pages 44–49`. */
export function pagesWord(start: number, count: number): string {
  return count === 1 ? m.fl_page({ page: start }) : m.fl_page_range({ start, end: start + count - 1 });
}

/** `44`, `44–49`. */
export function runWord(start: number, count: number): string {
  return count === 1 ? String(start) : m.fl_run({ start, end: start + count - 1 });
}

export function operationWords(operation: RaceOperation, releases: boolean): string {
  switch (operation.kind) {
    case 'init':
      return operation.ids.length > 12
        ? m.fl_op_init_many({ count: operation.ids.length })
        : m.fl_op_init({ ids: operation.ids.join(', ') });
    case 'begin':
      return releases ? m.fl_op_begin() : m.fl_op_begin_none();
    case 'allocate':
      return m.fl_op_allocate({ count: operation.count });
    case 'free':
      return m.fl_op_free({ pages: pagesWord(operation.pgid, operation.count) });
    case 'commit':
      return m.fl_op_commit();
    default:
      return operation satisfies never;
  }
}

/** What a list does at this step. */
export function sideWords(side: SideView, operation: RaceOperation): string {
  if (side.now !== null) return frameWords(side.now, side);
  if (operation.kind === 'init') return m.fl_say_ready();
  if (operation.kind === 'commit') return m.fl_say_idle();
  return side.isDone ? m.fl_say_done() : m.fl_say_wait();
}

function frameWords({ event }: Frame, side: SideView): string {
  switch (event.type) {
    case 'freelist.init':
      return m.fl_say_ready();
    case 'freelist.scan':
      return scanWords(event, side);
    case 'freelist.probe':
      return probeWords(event);
    case 'freelist.addSpan':
      return m.fl_say_add(event);
    case 'freelist.dropSpan':
      return m.fl_say_drop(event);
    case 'freelist.take': {
      const pages = pagesWord(event.pgid, event.count);
      const bytes = event.movedBytes;
      return bytes > 0 ? m.fl_say_take_moved({ pages, bytes }) : m.fl_say_take({ pages });
    }
    case 'freelist.put':
      return m.fl_say_put({ pages: pagesWord(event.pgid, event.count) });
    case 'freelist.grow':
      return m.fl_say_grow({ bytes: event.movedBytes });
    case 'freelist.merge': {
      const count = event.leftCount + event.count + event.rightCount;
      return m.fl_say_merge({ start: event.pgid - event.leftCount, count });
    }
    case 'bolt.allocate':
      return (event.path === 'grow' ? m.fl_say_allocate_grow : m.fl_say_allocate)({ page: event.pgid });
    case 'bolt.free':
      return m.fl_say_free({ pages: pagesWord(event.pgid, event.count) });
    case 'bolt.release':
      return m.fl_say_release();
    default:
      return event satisfies never;
  }
}

type Event<Type extends Frame['event']['type']> = Extract<Frame['event'], { type: Type }>;

function scanWords(event: Event<'freelist.scan'>, { looking }: SideView): string {
  const at = looking?.at ?? 0;
  const { wanted } = event;
  if (event.what === 'starts') return m.fl_say_start({ start: at });
  if (event.what === 'sizes')
    return at < wanted ? m.fl_say_size_short({ size: at }) : m.fl_say_size_fits({ size: at, wanted });
  if (event.descending)
    return at > wanted ? m.fl_say_place_above({ id: at, wanted }) : m.fl_say_place_here({ id: at, wanted });
  const run = endingRun(looking?.seen ?? []);
  return run < wanted ? m.fl_say_scan({ id: at, run, wanted }) : m.fl_say_scan_found({ id: at, run });
}

/** How many of the last ids follow one another. */
function endingRun(ids: readonly number[]): number {
  let length = Math.min(1, ids.length);
  while (length < ids.length && ids.at(-length - 1) === (ids.at(-length) ?? 0) - 1) length += 1;
  return length;
}

function probeWords({ map, key, found }: Event<'freelist.probe'>): string {
  if (map === 'freemaps')
    return found > 0 ? m.fl_say_freemaps({ size: key, count: found }) : m.fl_say_freemaps_none({ size: key });
  const words =
    map === 'forwardMap'
      ? ([m.fl_say_forward, m.fl_say_forward_none] as const)
      : ([m.fl_say_backward, m.fl_say_backward_none] as const);
  return found > 0 ? words[0]({ page: key, size: found }) : words[1]({ page: key });
}

/** The whole step in words, as the scrubber says it. */
export function stepWords(view: RaceView, last: number): string {
  return m.fl_sentence({
    step: view.step,
    last,
    operation: operationWords(view.operation, view.releases),
    array: sideWords(view.array, view.operation),
    hashmap: sideWords(view.hashmap, view.operation),
  });
}
