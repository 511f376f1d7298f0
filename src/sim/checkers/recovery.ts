/** What C8 watches in a lab: once all is healed, all members catch up with what was applied by then. */
import { liveness } from './liveness.ts';
import type { Counts, Inspected } from './checker.ts';
import type { Envelope } from '../../engine/events.ts';
import type { LabEvent } from '../types.ts';

/** A fault after the healing: then nobody has promised anything. */
const faults: ReadonlySet<LabEvent['type']> = new Set([
  'sim.kill',
  'sim.stop',
  'sim.powerCut',
  'sim.pause',
  'sim.cut',
  'sim.flap',
  'sim.link',
  'sim.hold',
  'sim.drop',
  'sim.crash',
  'sim.crashPoint',
  'sim.slowCpu',
  'sim.slowDisk',
  'sim.clockRate',
  'sim.clockStep',
  'sim.clockSwing',
  'sim.memoryLimit',
  'sim.disk',
  'sim.diskFault',
  'sim.diskError',
  'sim.outOfMemory',
  'sim.failAllocation',
  'sim.allocationFailed',
  'sim.restartDelay',
]);

/** The time goes from one `healEverything` to the next fault. */
export class Recovery {
  private healedUs: number | null = null;
  /** What each member must come to; null until the healing has taken effect. */
  private target: number | null = null;
  private heals = 0;
  private recovered = 0;
  private hasCeased = false;

  counts(): Counts {
    return { heals: this.heals, recovered: this.recovered };
  }

  /** Who was removed need not catch up, and does not always know: nothing is expected any more. */
  cease(): void {
    this.hasCeased = true;
  }

  observe({ timeUs }: Envelope, event: LabEvent): void {
    if (event.type === 'sim.healEverything') {
      this.healedUs = timeUs;
      this.target = null;
      this.heals++;
    } else if (this.healedUs !== null && timeUs > this.healedUs && faults.has(event.type)) {
      if (event.type !== 'sim.drop' || event.because === 'command') this.healedUs = null;
    }
  }

  /** @returns what is not as it should be so long after the healing; null where it is, or time is left */
  behind(world: Inspected): string | null {
    if (this.healedUs === null || this.hasCeased) return null;
    const applied = world.members.map((member) => world.state(member)?.applied ?? 0);
    this.target ??= Math.max(0, ...applied);
    const place = applied.findIndex((index) => index < (this.target ?? 0));
    if (place < 0) {
      this.healedUs = null;
      this.recovered++;
      return null;
    }
    if (world.nowUs <= this.healedUs + liveness.levelUs) return null;
    this.healedUs = null;
    return (
      `m${world.members[place]} has applied ${applied[place]} entries ${liveness.levelUs} us after ` +
      `everything was healed, when others had applied ${this.target}`
    );
  }
}
