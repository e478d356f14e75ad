/**
 * The most frequent of many values in a fixed space: Space-Saving (Metwally, Agrawal, El Abbadi, 2005).
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
  key: string | undefined;
  count: number;
  error: number;
}

/**
 * Counts values. One that is not known takes the place of the one that came least often, and inherits its count as error.
 * So each value that came more often than 1 / size of all is in it.
 */
export class Sketch {
  readonly #size: number;
  readonly #entries = new Map<string | undefined, Entry>();
  /** Entries that had the least count when it was searched for. Those that came since have a higher one. */
  #least: Entry[] = [];
  #leastCount = 0;

  /** @param size How many values it knows. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Counts a value once. */
  add(key: string | undefined): void {
    const known = this.#entries.get(key);
    if (known !== undefined) known.count++;
    else if (this.#entries.size < this.#size) this.#entries.set(key, { key, count: 1, error: 0 });
    else {
      const entry = this.#takeLeast();
      this.#entries.delete(entry.key);
      entry.key = key;
      entry.error = entry.count++;
      this.#entries.set(key, entry);
    }
  }

  /** The most frequent values, in their order. */
  top(count: number): Counted[] {
    const sorted = [...this.#entries.values()].sort((a, b) => b.count - a.count || a.error - b.error);
    return sorted.slice(0, count).map((entry) => ({ ...entry }));
  }

  /** One of the entries with the least count. A search finds all of them, so it is rare where many come once. */
  #takeLeast(): Entry {
    for (;;) {
      const entry = this.#least.pop();
      if (entry !== undefined && entry.count === this.#leastCount) return entry;
      if (entry === undefined) this.#search();
    }
  }

  #search(): void {
    this.#leastCount = Infinity;
    for (const entry of this.#entries.values()) {
      if (entry.count > this.#leastCount) continue;
      if (entry.count < this.#leastCount) this.#least = [];
      this.#leastCount = entry.count;
      this.#least.push(entry);
    }
  }
}
