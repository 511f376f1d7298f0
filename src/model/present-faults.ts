/** What is set now, of all that the forms of faults set: by form and field, in the commands' units. */
import { memberOf, type ClusterView } from './cluster-view.ts';
import type { FormValues } from '../host/fault-forms.ts';
import type { MenuSubject } from './menu-subject.ts';

export type PresentFaults = Readonly<Record<string, FormValues>>;

/** Forms that are not named, and fields that are not, are as usual. */
export function presentFaults(view: ClusterView, subject: MenuSubject): PresentFaults {
  if (subject.kind === 'member') {
    const member = memberOf(view, subject.member);
    if (member === null) return {};
    const { cpuFactor, clockPerMille, swing, memoryBytes, failedAllocation, restartDelayUs, disk } =
      member.host;
    return {
      slowCpu: { factor: cpuFactor },
      clockRate: { perMille: clockPerMille },
      ...(swing !== null && { clockSwing: swing }),
      memoryLimit: { bytes: memoryBytes },
      ...(failedAllocation > 0 && { failAllocation: { nth: failedAllocation } }),
      ...(restartDelayUs > 0 && { restartDelay: { afterUs: restartDelayUs } }),
      slowDisk: { factor: member.diskFactor },
      disk: { ...disk },
    };
  }
  if (subject.kind !== 'link') return {};
  const bad = view.badLinks.find(({ from, to }) => from === subject.from && to === subject.to);
  return bad === undefined ? {} : { link: { ...bad } };
}
