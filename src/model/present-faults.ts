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
    const { cpuFactor, clockPerMille, memoryBytes, disk } = member.host;
    return {
      slowCpu: { factor: cpuFactor },
      clockRate: { perMille: clockPerMille },
      memoryLimit: { bytes: memoryBytes },
      slowDisk: { factor: member.diskFactor },
      disk: { ...disk },
    };
  }
  if (subject.kind !== 'link') return {};
  const bad = view.badLinks.find(({ from, to }) => from === subject.from && to === subject.to);
  return bad === undefined ? {} : { link: { ...bad } };
}
