/** The address of this page with another bug planted, or none. */
import type { Defect } from '../host/port.ts';
import { writeAddress } from './address.ts';
import type { Desk } from './desk.svelte.ts';

/** What begins there is a lab of its own: neither a scenario nor a run goes with it. */
export function bugQuery({ address, view }: Desk, bug: Defect | ''): string {
  return writeAddress({ ...address, view, scenario: '', bug }) || './';
}
