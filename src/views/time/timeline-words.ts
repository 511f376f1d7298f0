/** Words for timelines. */
import { m } from '../../paraglide/messages.js';
import type { TimelineInfo } from '../../host/time-port.ts';
import { clockText } from '../words.ts';

/** The root is called what it is, unless it was given a name. */
export const timelineName = ({ parent, name }: Pick<TimelineInfo, 'parent' | 'name'>): string =>
  parent === null && name === '' ? m.tl_root() : name;

export function nameOfTimeline(list: readonly TimelineInfo[], id: number): string {
  const found = list.find((one) => one.id === id);
  return found === undefined ? '' : timelineName(found);
}

/** All that a lane shows, in one sentence for each thing. */
export function laneWords(
  list: readonly TimelineInfo[],
  one: TimelineInfo,
  isShown: boolean,
  isStored: boolean,
): string {
  const { parent, fromMoment, fromUs, moment, timeUs } = one;
  const origin =
    parent === null
      ? m.tl_origin_root()
      : m.tl_origin({
          parent: nameOfTimeline(list, parent),
          moment: fromMoment,
          time: clockText(fromUs),
        });
  return [
    m.tl_lane({ name: timelineName(one), origin, moment, time: clockText(timeUs) }),
    ...(isShown ? [m.tl_is_shown()] : []),
    ...(isStored ? [m.tl_is_stored()] : []),
  ].join(' ');
}
