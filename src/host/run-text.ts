/** Whether a text is soon parsed as JSON: a parser cannot be stopped, and some texts hold it for seconds. */
import { Breath } from './wall-clock.ts';

/** A run of as many actions as it may have stays below: its objects nest a few deep. */
const deepest = 32;
const mostKeys = 80_000;
const mostMarks = 160_000;
/** Looked at between two looks at the clock. */
const sliceLength = 65_536;

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;

const opens = (code: number): boolean => code === 0x5b || code === 0x7b;
const closes = (code: number): boolean => code === 0x5d || code === 0x7d;

/** Counts what stands outside of a text's strings; the text may be anything. */
class Marks {
  depth = 0;
  deepest = 0;
  keys = 0;
  marks = 0;
  #isInString = false;

  /** @returns where to go on: a backslash takes the letter after it along */
  count(text: string, from: number, to: number): number {
    let at = from;
    for (; at < to; at++) {
      const code = text.charCodeAt(at);
      if (this.#isInString) {
        if (code === backslash) at++;
        else if (code === quote) this.#isInString = false;
      } else if (code === quote) this.#isInString = true;
      else this.#mark(code);
    }
    return at;
  }

  #mark(code: number): void {
    if (code === colon) this.keys++;
    else if (code === comma) this.marks++;
    else if (opens(code)) {
      this.marks++;
      this.depth++;
      this.deepest = Math.max(this.deepest, this.depth);
    } else if (closes(code)) this.depth--;
  }
}

/** Looks at the text a little at a time. False: it nests too deep, or holds too many values. */
export async function isSoonParsed(text: string): Promise<boolean> {
  const marks = new Marks();
  const breath = new Breath();
  for (let at = 0; at < text.length;) {
    at = marks.count(text, at, Math.min(text.length, at + sliceLength));
    if (marks.deepest > deepest || marks.keys > mostKeys || marks.marks > mostMarks) return false;
    if (breath.isDue) await breath.take();
  }
  return true;
}
