/** What goes on with a member's host and disk, beside a slow disk: as its menu needs it. */
import type { LabEvent } from '../sim/types.ts';

export type Trouble =
  | 'crashPoint'
  | 'slowCpu'
  | 'clock'
  /** Its clock's rate changes by itself. */
  | 'swing'
  | 'memory'
  /** An allocation is to fail. */
  | 'allocation'
  /** Something starts it again when it ends. */
  | 'supervisor'
  | 'disk'
  | 'syncErrors'
  | 'readErrors'
  /** None: an image of the disk was kept. */
  | 'image';

function changed(troubles: readonly Trouble[], trouble: Trouble, isOn: boolean): readonly Trouble[] {
  if (troubles.includes(trouble) === isOn) return troubles;
  return isOn ? [...troubles, trouble] : troubles.filter((one) => one !== trouble);
}

/** The troubles of the member that an event is about, after it. */
export function troublesAfter(troubles: readonly Trouble[], event: LabEvent): readonly Trouble[] {
  switch (event.type) {
    case 'sim.crashPoint':
      return changed(troubles, 'crashPoint', event.nth > 0);
    case 'sim.crash':
      return changed(troubles, 'crashPoint', false);
    case 'sim.slowCpu':
      return changed(troubles, 'slowCpu', event.factor > 1);
    case 'sim.clockRate':
      return changed(troubles, 'clock', event.perMille !== 1000);
    case 'sim.clockSwing':
      return changed(troubles, 'swing', event.perMille > 0);
    case 'sim.memoryLimit':
      return changed(troubles, 'memory', event.limitBytes > 0);
    case 'sim.failAllocation':
      return changed(troubles, 'allocation', event.nth > 0);
    case 'sim.allocationFailed':
      return changed(troubles, 'allocation', false);
    case 'sim.restartDelay':
      return changed(troubles, 'supervisor', event.afterUs > 0);
    case 'sim.disk': {
      const { type: _, ...settings } = event;
      return changed(
        troubles,
        'disk',
        Object.values(settings).some((setting) => setting !== 0),
      );
    }
    case 'sim.diskFault': {
      const isOn = event.lasts === 'always';
      if (event.on === 'read') return changed(troubles, 'readErrors', isOn);
      return event.on === 'sync' ? changed(troubles, 'syncErrors', isOn) : troubles;
    }
    case 'sim.image':
      return changed(troubles, 'image', true);
    default:
      return troubles;
  }
}
