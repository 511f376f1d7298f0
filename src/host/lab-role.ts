/** A worker as the lab: it owns time, network and disks, and starts the members' workers. */
import { expose } from 'comlink';
import { Member } from '../engine/server/member.ts';
import type { MemberTold } from './lab-told.ts';
import { Lab } from './lab.ts';
import type { LabMessage } from './lab-message.ts';
import type { Connect } from './lab-protocol.ts';
import { callsOf } from './lab-protocol.ts';
import type { MemberHost } from './member-host.ts';
import { LocalMembers } from './member-host.ts';
import type { WorkerScope } from './member-protocol.ts';
import type { LabOptions } from './port.ts';
import { wallClock } from './wall-clock.ts';
import { WorkerMembers } from './worker-members.ts';
import type { WorkerScript } from './worker-script.ts';

/** Makes a worker's scope a lab's, once the page has sent its ports. */
export function runLab(scope: WorkerScope): void {
  scope.onmessage = ({ data }: MessageEvent<Connect>) => {
    scope.onmessage = null;
    const { calls, trace, script } = data;
    const lab = new Lab({
      clock: wallClock,
      locks: navigatorLocks(),
      members: (options, told) => startMembers(script, options, told),
      send: (message) => post(trace, message),
    });
    scope.onfailure((error) => lab.fail(error));
    expose(callsOf(lab), calls);
    // a first word: the script's address is no longer needed
    scope.postMessage({ kind: 'ready' });
  };
}

/** Where workers inside a worker do not run, all members live in this one: the run is the same. */
async function startMembers(
  script: WorkerScript,
  options: LabOptions,
  told: (told: MemberTold) => void,
): Promise<MemberHost> {
  if (options.layout === 'workers') {
    try {
      return await WorkerMembers.start(script, options.members, wallClock, told);
    } catch {
      // The state tells the layout that came of it.
    }
  }
  return new LocalMembers(Member.boot);
}

/** Sends what a lab tells; its packed events are handed over. */
export function post(trace: MessagePort, message: LabMessage): void {
  trace.postMessage(
    message,
    message.chunks.map(({ words }) => words.buffer as ArrayBuffer),
  );
}

/** In frames with an opaque origin even asking for the locks fails. */
export function navigatorLocks(): LockManager | undefined {
  try {
    return (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  } catch {
    return undefined;
  }
}
