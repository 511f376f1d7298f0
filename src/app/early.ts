/** The page's first words: reads its address and opens its lab, while the page itself still loads. */
import { connectLab } from '../host/connect.ts';
import type { LabPort } from '../host/port.ts';
import { defaultAddress, isRunLink, labOptions, readAddress } from './address.ts';
import type { Address, AddressFault } from './address.ts';

export interface Early {
  readonly address: Address;
  readonly faults: readonly AddressFault[];
  readonly embedded: boolean;
  /** The lab, on its way; null for a view that has none. */
  readonly port: LabPort | null;
}

export function beginEarly(embedded: boolean): Early {
  const { address, faults } = readAddress(
    location.search,
    embedded ? { ...defaultAddress, storage: 'memory' } : defaultAddress,
  );
  // a run from a link is read before its lab is opened
  const options = isRunLink(location.hash) ? null : labOptions(address);
  const port = address.view === 'freelist' ? null : connectLab(undefined, options);
  return { address, faults, embedded, port };
}
