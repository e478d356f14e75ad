/**
 * The word that was probably meant.
 *
 * @module
 */

/** Longer words are no typing mistakes, and would only cost time. */
const MAX_LENGTH = 64;

/**
 * Finds the known word nearest to one that is not known, by edit distance; case, `_` and `-` do not count, so that
 * `ratePerSecond` finds `rate_per_second`.
 *
 * @param word What was written.
 * @param known What could have been meant.
 * @returns The nearest known word, or `undefined` if none differs in less than about a third of its letters.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const written = fold(word);
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const meant = fold(candidate);
    const distance = editDistance(written, meant);
    const allowed = Math.max(1, Math.floor(Math.max(written.length, meant.length) / 3));
    if (distance <= allowed && distance < bestDistance && distance < meant.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function fold(word: string): string {
  return word.toLowerCase().replace(/[_\-\s]/g, "");
}

/**
 * Counts the insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
 *
 * @param a One word.
 * @param b The other word.
 * @returns The number of edits, 0 for equal words.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, beforeLast[j - 2]! + 1);
      }
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
