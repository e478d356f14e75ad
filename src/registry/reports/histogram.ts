/**
 * How long things took, in buckets that grow by a tenth: small enough for a report, exact enough for percentiles.
 *
 * @module
 */

/** Counts of durations: a bucket and how many there were, bucket and how many... Only buckets that have some. */
export type Histogram = readonly number[];

/** The upper bound of the first bucket, in milliseconds, and how many buckets double it. */
const FIRST_MS = 0.01;
const A_DOUBLING = 8;

/** The last bucket: more than a day. */
export const LAST_BUCKET = 280;

/** Counts durations. */
export class Durations {
  readonly #counts = new Map<number, number>();

  /** Counts one, in milliseconds. */
  add(ms: number): void {
    const bucket = bucketOf(ms);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
  }

  /** What was counted, the shortest first. */
  get histogram(): Histogram {
    return [...this.#counts].sort(([a], [b]) => a - b).flat();
  }
}

function bucketOf(ms: number): number {
  if (!(ms > FIRST_MS)) return 0;
  return Math.min(Math.ceil(A_DOUBLING * Math.log2(ms / FIRST_MS) - 1e-9), LAST_BUCKET);
}

/** The sum of histograms, less what was counted before. */
export function addHistograms(histograms: readonly Histogram[], before: readonly Histogram[] = []): Histogram {
  const counts = new Map<number, number>();
  const add = (histogram: Histogram, factor: number) => {
    for (let i = 0; i + 1 < histogram.length; i += 2) {
      const bucket = histogram[i] as number;
      counts.set(bucket, (counts.get(bucket) ?? 0) + factor * (histogram[i + 1] as number));
    }
  };
  for (const histogram of histograms) add(histogram, 1);
  for (const histogram of before) add(histogram, -1);
  return [...counts].filter(([, count]) => count > 0).sort(([a], [b]) => a - b).flat();
}

/**
 * A percentile, in milliseconds, at most a tenth too large; undefined where nothing was counted.
 *
 * @param histogram The durations.
 * @param share The share of them that took no longer, from 0 to 1.
 */
export function percentile(histogram: Histogram, share: number): number | undefined {
  let total = 0;
  for (let i = 1; i < histogram.length; i += 2) total += histogram[i] as number;
  if (total === 0) return undefined;
  let left = Math.max(share * total, 1);
  let bucket = 0;
  for (let i = 0; i + 1 < histogram.length && left > 0; i += 2) {
    bucket = histogram[i] as number;
    left -= histogram[i + 1] as number;
  }
  return FIRST_MS * 2 ** (bucket / A_DOUBLING);
}
