/** What becomes of the writes at a power cut, as the console's lines say it: `keep*3,lose,0-3+6`. */

const mostFates = 10_000;

/** Read back by `readFates`, the text means these fates; neighbours that are equal are counted. */
export function fatesText(fates: readonly string[]): string {
  const runs: { readonly fate: string; count: number }[] = [];
  for (const fate of fates) {
    const last = runs.at(-1);
    if (last?.fate === fate) last.count++;
    else runs.push({ fate, count: 1 });
  }
  return runs.map(({ fate, count }) => (count === 1 ? fate : `${fate}*${count}`)).join(',');
}

/** @returns null where a count is none, or too large */
export function readFates(text: string): readonly string[] | null {
  if (text === '') return [];
  const fates: string[] = [];
  for (const part of text.split(',')) {
    const [, fate, digits = '1'] = /^([^*]+)(?:\*(\d{1,5}))?$/.exec(part) ?? [];
    const count = Number(digits);
    if (fate === undefined || count < 1 || fates.length + count > mostFates) return null;
    for (let i = 0; i < count; i++) fates.push(fate);
  }
  return fates;
}
