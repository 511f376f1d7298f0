/** What a violation is about, for every picture of a page: each marks its own, in red, by sign and words. */
import { getContext, setContext } from 'svelte';
import { AccusedParts } from '../model/violation.ts';

const name = Symbol('accused');

/** To be called while the page is made; `read` is asked again whenever the violation changes. */
export const provideAccused = (read: () => AccusedParts): void => void setContext(name, read);

const nobody = new AccusedParts(null);

/** Nobody, where no page has provided it. */
export function accusedParts(): () => AccusedParts {
  return getContext<(() => AccusedParts) | undefined>(name) ?? (() => nobody);
}
