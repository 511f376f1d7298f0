/** What to tell of an address that asks for what is not there. */
import { m } from '../paraglide/messages.js';
import type { Address, AddressFault } from './address.ts';

/** @param scenarios the names that the view knows */
export function addressNotices(
  { view, scenario }: Address,
  faults: readonly AddressFault[],
  scenarios: readonly string[],
): readonly string[] {
  const notices = faults.map((fault) =>
    fault.fallback === '' ? m.bad_address_none({ ...fault }) : m.bad_address({ ...fault }),
  );
  if (scenario === '' || scenarios.includes(scenario)) return notices;
  return [...notices, m.bad_scenario({ value: scenario, view, known: scenarios.join(', ') })];
}
