/** One page of a member's file, read at the moment that is shown, and read again when another one is. */
import { m } from '../paraglide/messages.js';
import type { Answer, PageView, Query, Result } from '../host/port.ts';

export type Inspect = (query: Query) => Promise<Result<{ answer: Answer }>>;

interface Wanted {
  readonly member: number;
  readonly pgid: number;
}

export class PageLook {
  opened = $state.raw<{ readonly member: number; readonly page: PageView } | null>(null);
  /** Why it cannot be read; empty: it can, or none was asked for. */
  problem = $state.raw('');
  readonly #inspect: Inspect;
  #wanted: Wanted | null = null;
  #at = '';
  #isAsking = false;

  constructor(inspect: Inspect) {
    this.#inspect = inspect;
  }

  open(member: number, pgid: number): Promise<void> {
    this.#wanted = { member, pgid };
    return this.#ask();
  }

  close(): void {
    this.#wanted = null;
    this.opened = null;
    this.problem = '';
  }

  /** @param at which moment of which timeline is shown */
  follow(at: string): void {
    if (at === this.#at) return;
    this.#at = at;
    if (this.#wanted !== null) void this.#ask();
  }

  /** One question at a time: of many moments, as a scrubber has them, only the last one is asked about. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    let asked: readonly [Wanted | null, string];
    do {
      asked = [this.#wanted, this.#at];
      if (asked[0] !== null) await this.#read(asked[0]);
    } while (asked[0] !== this.#wanted || asked[1] !== this.#at);
    this.#isAsking = false;
    if (this.#wanted === null) this.close();
  }

  async #read({ member, pgid }: Wanted): Promise<void> {
    const result = await this.#inspect({ kind: 'page', member, pgid });
    this.problem = result.ok ? '' : m.page_not_there({ message: result.message });
    this.opened = result.ok && result.answer.kind === 'page' ? { member, page: result.answer.page } : null;
  }
}
