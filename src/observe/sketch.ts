/**
 * The most frequent of many values in a fixed space: Space-Saving (Metwally, Agrawal, El Abbadi, 2005), where half of the
 * values make room at once, as in Frequent Items (Anderson, Bevan, Lang, Liberty, Rhodes, Thaler, 2017).
 *
 * @module
 */

/** A value, with bounds of how often it came: at most `count`, at least `count - error`. */
export interface Counted {
  /** The value. */
  readonly key: string | undefined;
  /** How often it came at most. */
  readonly count: number;
  /** By how much that may be too large. */
  readonly error: number;
}

interface Entry {
  readonly key: string | undefined;
  count: number;
  readonly error: number;
}

/**
 * Counts values. Counts are exact as long as there are not more values than it has room for. Then the half that came least
 * often is forgotten: a value that comes again may have come as often as the most frequent of these. So each value that came
 * more often than 2 / size of all is in it. With much room, most calls cost one look into a map.
 */
export class Sketch {
  readonly #size: number;
  readonly #entries = new Map<string | undefined, Entry>();
  /** The most that a value came that was forgotten. */
  #forgotten = 0;

  /** @param size How many values it has room for. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Counts a value once. */
  add(key: string | undefined): void {
    const known = this.#entries.get(key);
    if (known !== undefined) known.count++;
    else {
      if (this.#entries.size >= this.#size) this.#makeRoom();
      this.#entries.set(key, { key, count: this.#forgotten + 1, error: this.#forgotten });
    }
  }

  /** The most frequent values, in their order. */
  top(count: number): Counted[] {
    const sorted = [...this.#entries.values()].sort((a, b) => b.count - a.count || a.error - b.error);
    return sorted.slice(0, count).map((entry) => ({ ...entry }));
  }

  /** Forgets half of the values; of those that came equally often, the ones that are known the longest. */
  #makeRoom(): void {
    const counts = new Float64Array(this.#entries.size);
    let i = 0;
    for (const { count } of this.#entries.values()) counts[i++] = count;
    let left = Math.ceil(counts.length / 2);
    const most = this.#forgotten = nth(counts, left - 1);
    for (const count of counts) if (count < most) left--;
    for (const { key, count } of this.#entries.values()) {
      if (count < most || (count === most && left-- > 0)) this.#entries.delete(key);
    }
  }
}

/** The value at a place of the sorted values, by quickselect (Hoare, 1961). Moves them. */
function nth(values: Float64Array, place: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1] as number;
    let [i, j] = [low, high];
    while (i <= j) {
      while ((values[i] as number) < pivot) i++;
      while ((values[j] as number) > pivot) j--;
      if (i <= j) [values[i++], values[j--]] = [values[j] as number, values[i] as number];
    }
    if (place <= j) high = j;
    else if (place >= i) low = i;
    else break;
  }
  return values[place] as number;
}
