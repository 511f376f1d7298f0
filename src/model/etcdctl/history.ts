/** The console's past lines: bounded, walked by what is typed already. */

export class CommandHistory {
  readonly #limit: number;
  /** Oldest first. */
  #lines: string[] = [];
  /** Where the walk stands: an index into the lines; their count while the typed text itself is shown. */
  #at = 0;
  /** What was typed when the walk began: only lines that begin with it are shown. */
  #typed = '';

  /** @param limit how many lines are kept; the oldest go first. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Remembers an entered line and ends the walk. Blank lines and a repeat of the last are not kept. */
  add(line: string): void {
    if (line.trim() !== '' && line !== this.#lines.at(-1)) {
      this.#lines = [...this.#lines, line].slice(-this.#limit);
    }
    this.#at = this.#lines.length;
    this.#typed = '';
  }

  /** The next older line that begins with what was typed when the walk began; null when there is none. */
  older(shown: string): string | null {
    if (this.#at === this.#lines.length) this.#typed = shown;
    for (let at = this.#at - 1; at >= 0; at--) {
      if (!this.#fits(at, shown)) continue;
      this.#at = at;
      return this.#lines[at];
    }
    return null;
  }

  /** The next newer line of the walk, at its end what was typed; null when no walk is under way. */
  newer(shown: string): string | null {
    if (this.#at >= this.#lines.length) return null;
    for (let at = this.#at + 1; at < this.#lines.length; at++) {
      if (!this.#fits(at, shown)) continue;
      this.#at = at;
      return this.#lines[at];
    }
    this.#at = this.#lines.length;
    return this.#typed;
  }

  /** Ends the walk: the line was changed by hand. */
  edited(): void {
    this.#at = this.#lines.length;
  }

  #fits(at: number, shown: string): boolean {
    return this.#lines[at].startsWith(this.#typed) && this.#lines[at] !== shown;
  }
}
