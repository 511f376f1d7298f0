/** Partitions by name: which directions of links are cut, and the commands that make it so. */
import type { FaultAction } from '../sim/types.ts';
import { isCut, onRing, type ClusterView } from './cluster-view.ts';

export const partitions = [
  'alone',
  'deaf',
  'mute',
  'minority',
  'majority',
  'bridge',
  'ring',
  'apart',
  'flapping',
  'swizzle',
  'whole',
] as const;
export type Partition = (typeof partitions)[number];

const flapUs = 500_000;
/** Each direction is away a little longer than the one before: they go together and come back one by one. */
const swizzleUs = 150_000;

/**
 * The commands that bring the links into this state; what is already so is not asked for again.
 * @param one whom it is about: who is alone, or on the smaller side; of a bridge, who is on the first side
 */
export function partitionActions(
  view: ClusterView,
  partition: Partition,
  one: number,
): readonly FaultAction[] {
  if (partition === 'whole') return [{ type: 'healAll' }];
  const ids = onRing(view).map(({ id }) => id);
  const first = Math.max(0, ids.indexOf(one));
  const around = [...ids.slice(first), ...ids.slice(0, first)];
  const ways = ids.flatMap((from) => ids.filter((to) => to !== from).map((to) => ({ from, to })));
  if (partition === 'flapping')
    return ways.map((way) => ({ type: 'flap', ...way, upUs: flapUs, downUs: flapUs }));
  if (partition === 'swizzle')
    return ways.map((way, place) => ({
      type: 'flap',
      ...way,
      upUs: flapUs,
      downUs: swizzleUs * (1 + place),
    }));
  const isApart = apartIn(partition, around);
  return ways.flatMap(({ from, to }): FaultAction[] => {
    const wanted = isApart(around.indexOf(from), around.indexOf(to));
    if (wanted === isCut(view, from, to)) return [];
    return [{ type: wanted ? 'cut' : 'heal', from, to }];
  });
}

/** Whether one place's messages do not come to another; places are counted around from the one. */
function apartIn(
  partition: Exclude<Partition, 'whole' | 'flapping' | 'swizzle'>,
  { length: count }: readonly number[],
): (from: number, to: number) => boolean {
  const fewer = Math.floor((count - 1) / 2);
  const across = (border: number) => (from: number, to: number) => from < border !== to < border;
  switch (partition) {
    case 'alone':
      return across(1);
    case 'deaf':
      return (_, to) => to === 0;
    case 'mute':
      return (from) => from === 0;
    case 'minority':
      return across(fewer);
    case 'majority':
      return across(count - fewer);
    case 'bridge': {
      const bridge = count - 1;
      return (from, to) => from !== bridge && to !== bridge && across(Math.ceil(bridge / 2))(from, to);
    }
    case 'ring':
      return (from, to) => Math.min((from - to + count) % count, (to - from + count) % count) > 1;
    case 'apart':
      return () => true;
    default:
      return partition satisfies never;
  }
}
