/**
 * How many values fell into each of some buckets.
 *
 * @module
 */

/** Counts values in buckets with fixed bounds: its size does not grow with the values. */
export class Histogram {
  /** The upper bounds of the buckets, in order; a value on a bound belongs below it. The last bucket has none. */
  readonly bounds: readonly number[];
  /** How many values fell into each bucket: one more than there are bounds. */
  readonly counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** The sum of all values. */
  get sum(): number {
    return this.#sum;
  }

  /** How many values there were. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Counts a value. */
  add(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket++;
    (this.counts[bucket] as number)++;
    this.#sum += value;
  }

  /** Forgets all values. */
  reset(): void {
    this.counts.fill(0);
    this.#sum = 0;
  }

  /** Adds the values of another one with the same bounds. */
  merge(other: Histogram): void {
    other.counts.forEach((count, bucket) => (this.counts[bucket] as number) += count);
    this.#sum += other.sum;
  }

  /**
   * The value below which a part of all values lies, at a straight line within its bucket, as Prometheus estimates it; of the
   * last bucket, its lower bound. Undefined without values.
   *
   * @param part From 0 to 1: 0.99 for the 99th percentile.
   */
  quantile(part: number): number | undefined {
    const total = this.count;
    if (total === 0) return undefined;
    let below = 0;
    for (const [bucket, count] of this.counts.entries()) {
      const upper = this.bounds[bucket];
      const lower = this.bounds[bucket - 1] ?? 0;
      if (count > 0 && below + count >= part * total) {
        return upper === undefined ? lower : lower + (upper - lower) * Math.max((part * total - below) / count, 0);
      }
      below += count;
    }
    return undefined;
  }
}
