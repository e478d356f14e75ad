/**
 * Requests of one log in the order of their times, though its lines are a little out of order.
 *
 * @module
 */

/** A request, with what limiters need of it. */
export class Entry {
  /** When it was logged, in microseconds. */
  readonly timeUs: number;
  /** Its line. */
  readonly line: number;
  /** Its key of each way to form keys, by number; -1 where it has none. */
  readonly keys: readonly number[];
  /** Its path, by number. */
  readonly path: number;
  /** What it costs. */
  readonly cost: number;
  /** The limiters that check it, by number. */
  readonly limiters: readonly number[];

  // A class, so that the entries of millions of lines have one shape.
  constructor(
    timeUs: number,
    line: number,
    keys: readonly number[],
    path: number,
    cost: number,
    limiters: readonly number[],
  ) {
    this.timeUs = timeUs;
    this.line = line;
    this.keys = keys;
    this.path = path;
    this.cost = cost;
    this.limiters = limiters;
  }
}

/** Gives entries in the order of their times; those of one time in the order in which they were added. */
export class EntryQueue {
  /** Entries whose times ascend. Most lines of a log only add here. */
  #run: Entry[] = [];
  /** Those of the run before it are gone. */
  #front = 0;
  /** Entries that came later than their time: a binary heap. */
  readonly #late: Entry[] = [];

  /** Adds an entry. */
  push(entry: Entry): void {
    const last = this.#run[this.#run.length - 1];
    if (last === undefined || this.#front === this.#run.length || entry.timeUs >= last.timeUs) this.#run.push(entry);
    else this.#addLate(entry);
  }

  /** The first entry. */
  get first(): Entry | undefined {
    const run = this.#run[this.#front];
    const late = this.#late[0];
    // The run has those of the same time that were added before.
    return late !== undefined && (run === undefined || late.timeUs < run.timeUs) ? late : run;
  }

  /** Takes the first entry out. */
  shift(): void {
    if (this.first === this.#run[this.#front]) {
      this.#front++;
      if (this.#front < 4_096 || this.#front * 2 < this.#run.length) return;
      this.#run = this.#run.slice(this.#front);
      this.#front = 0;
      return;
    }
    const heap = this.#late;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let place = 0;
    for (let below = 1; below < heap.length; below = 2 * place + 1) {
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as Entry)) below++;
      const other = heap[below] as Entry;
      if (!isBefore(other, last)) break;
      heap[place] = other;
      place = below;
    }
    heap[place] = last;
  }

  #addLate(entry: Entry): void {
    const heap = this.#late;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = heap[above] as Entry;
      if (!isBefore(entry, other)) break;
      heap[place] = other;
      place = above;
    }
    heap[place] = entry;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.timeUs < other.timeUs || (one.timeUs === other.timeUs && one.line < other.line);
}
