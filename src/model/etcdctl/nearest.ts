/** The known word nearest to a mistyped one. */

/**
 * How many single changes (insert, remove, replace, swap of neighbours) lead from one word to the other.
 * @source the optimal string alignment distance
 */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, replace);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.length];
}

/**
 * The nearest of the known words: one that the word begins or that begins the word, else one at most two
 * changes and less than half the word away. Null when nothing is near; the first known of equals.
 */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length === 0 || word.length > 40) return null;
  const lower = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.min(2, Math.ceil(word.length / 2) - 1) + 1;
  for (const candidate of known) {
    const continues = lower.length > 1 && (candidate.startsWith(lower) || lower.startsWith(candidate));
    const changes = continues ? 0.5 : distance(lower, candidate);
    if (changes < bestDistance) {
      best = candidate;
      bestDistance = changes;
    }
  }
  return best;
}
