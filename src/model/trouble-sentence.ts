/** What faults of hosts and disks did, as sentences. */
import { m } from '../paraglide/messages.js';
import type { NameOf } from './sentence.ts';
import type { Told } from './told.ts';

/** Null for what is no such event, and for what only ends. */
export function troubleWords({ at, event }: Told, nameOf: NameOf): string | null {
  const member = nameOf(at.member);
  switch (event.type) {
    case 'sim.crash':
      return m.say_crash({ member, point: event.point, file: event.file });
    case 'sim.slowCpu':
      return event.factor === 1
        ? m.say_cpu_well({ member })
        : m.say_slow_cpu({ member, factor: event.factor });
    case 'sim.clockRate':
      return m.say_clock({ member, rate: event.perMille / 1000 });
    case 'sim.outOfMemory':
      return m.say_out_of_memory({ member, used: event.usedBytes, limit: event.limitBytes });
    case 'sim.image':
      return event.restored ? m.say_image_restored({ member }) : m.say_image_kept({ member });
    case 'sim.disk':
      return m.say_disk_set({ member });
    case 'sim.diskError':
      return m.say_disk_error({ member, file: event.file, code: event.code });
    case 'sim.stall':
      return m.say_stall({ member, time: event.stalledUs / 1_000_000 });
    case 'sim.bitRot':
      return m.say_bit_rot({ member, file: event.file, count: event.offsets.length });
    case 'sim.misdirect':
      return event.to < 0 ? null : m.say_misdirect({ member, offset: event.offset, to: event.to });
    case 'sim.flap':
      return (event.upUs > 0 ? m.say_flap : m.say_flap_ends)({
        from: nameOf(event.from),
        to: nameOf(event.to),
      });
    case 'sim.healEverything':
      return m.say_heal_everything();
    default:
      return null;
  }
}
