/**
 * Counts over time.
 *
 * @module
 */

/** What is counted of requests. */
export interface Counts {
  /** Requests. */
  requests: number;
  /** Requests that were denied. */
  denied: number;
  /** Denied by the new rules, and allowed by the old ones. */
  newlyDenied: number;
  /** Allowed by the new rules, and denied by the old ones. */
  newlyAllowed: number;
}

/** Counts of a part of the time. */
export interface Bucket extends Counts {
  /** When it begins, in microseconds. */
  readonly fromUs: number;
}

/** Counts in parts of the time that all have one length; parts without requests are left out. Time does not go back. */
export class Series {
  readonly #mostBuckets: number;
  readonly #widthsUs: readonly number[];
  #width = 0;
  #buckets: Bucket[] = [];
  #endUs = -Infinity;

  /**
   * @param widthsUs Lengths of the parts, ascending. The first is tried first.
   * @param mostBuckets When there would be more parts than this, the next length counts. The last length stays.
   */
  constructor(widthsUs: readonly number[], mostBuckets: number = Infinity) {
    this.#widthsUs = widthsUs;
    this.#mostBuckets = mostBuckets;
  }

  /** How long each part is, in microseconds. */
  get widthUs(): number {
    return this.#widthsUs[this.#width] as number;
  }

  /** The parts, in the order of time. */
  get buckets(): readonly Bucket[] {
    return this.#buckets;
  }

  /** The part of a time, which is not before the last one. */
  at(timeUs: number): Counts {
    if (timeUs < this.#endUs) return this.#buckets[this.#buckets.length - 1] as Counts;
    while (this.#isFull(timeUs)) this.#widen();
    const last = this.#buckets[this.#buckets.length - 1];
    if (last !== undefined && timeUs < this.#endUs) return last;
    const fromUs = Math.floor(timeUs / this.widthUs) * this.widthUs;
    const bucket: Bucket = { fromUs, requests: 0, denied: 0, newlyDenied: 0, newlyAllowed: 0 };
    this.#buckets.push(bucket);
    this.#endUs = fromUs + this.widthUs;
    return bucket;
  }

  #isFull(timeUs: number): boolean {
    const first = this.#buckets[0];
    if (first === undefined || this.#width === this.#widthsUs.length - 1) return false;
    return (timeUs - first.fromUs) / this.widthUs >= this.#mostBuckets;
  }

  #widen(): void {
    this.#width++;
    const { widthUs } = this;
    const wider: Bucket[] = [];
    for (const bucket of this.#buckets) {
      const fromUs = Math.floor(bucket.fromUs / widthUs) * widthUs;
      const last = wider[wider.length - 1];
      if (last?.fromUs !== fromUs) wider.push({ ...bucket, fromUs });
      else addCounts(last, bucket);
    }
    this.#buckets = wider;
    this.#endUs = (wider[wider.length - 1] as Bucket).fromUs + widthUs;
  }
}

/** Adds counts to others. */
export function addCounts(to: Counts, from: Counts): void {
  to.requests += from.requests;
  to.denied += from.denied;
  to.newlyDenied += from.newlyDenied;
  to.newlyAllowed += from.newlyAllowed;
}
