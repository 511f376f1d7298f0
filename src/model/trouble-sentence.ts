/** What faults of hosts and disks did, as sentences. */
import { m } from '../paraglide/messages.js';
import type { NameOf } from './sentence.ts';
import type { Told } from './told.ts';
import type { LabEvent } from '../sim/types.ts';

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
    case 'sim.clockStep':
      return m.say_clock_step({ member, seconds: event.aheadUs / 1_000_000 });
    case 'sim.clockSwing':
      return event.perMille === 0
        ? m.say_clock_swing_ends({ member })
        : m.say_clock_swing({ member, percent: event.perMille / 10 });
    case 'sim.outOfMemory':
      return m.say_out_of_memory({ member, used: event.usedBytes, limit: event.limitBytes });
    case 'sim.allocationFailed':
      return shortageWords(member, event);
    case 'sim.restartDelay':
      return event.afterUs === 0
        ? m.say_unsupervised({ member })
        : m.say_supervised({ member, seconds: event.afterUs / 1_000_000 });
    case 'sim.coming':
      return comingWords(member, event);
    case 'sim.loseFiles':
      return m.say_lose_files({ member, file: event.file, count: event.fileCount });
    case 'sim.copyMember':
      return m.say_copy_member({ member, from: nameOf(event.from) });
    case 'sim.forceNewCluster':
      return m.say_force_new_cluster({ member });
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
      return astrayWords(member, event);
    case 'sim.flap':
      return (event.upUs > 0 ? m.say_flap : m.say_flap_ends)({
        from: nameOf(event.from),
        to: nameOf(event.to),
      });
    case 'sim.clog':
      return m.say_clog({
        from: nameOf(event.from),
        to: nameOf(event.to),
        ms: Math.ceil(event.clogUs / 1000),
      });
    case 'sim.healEverything':
      return m.say_heal_everything();
    default:
      return null;
  }
}

function shortageWords(member: string, event: Extract<LabEvent, { type: 'sim.allocationFailed' }>): string {
  const say = { request: m.say_no_memory_request, message: m.say_no_memory_message }[event.of];
  return (say ?? m.say_no_memory_store)({ member, bytes: event.sizeBytes });
}

function comingWords(member: string, event: Extract<LabEvent, { type: 'sim.coming' }>): string | null {
  if (event.why === '') return null;
  const say = event.why === 'load' ? m.say_loads : m.say_comes_again;
  return say({ member, time: event.atUs / 1_000_000 });
}

/** Where a page of the store went instead, or came from. */
function astrayWords(member: string, event: Extract<LabEvent, { type: 'sim.misdirect' }>): string | null {
  const { how, offset, to } = event;
  if (how === 'armed') return null;
  if (how === 'lose') return m.say_page_lost({ member, offset });
  return (how === 'read' ? m.say_misread : m.say_misdirect)({ member, offset, to });
}
