/**
 * Texts of a log, numbered: each is kept once, and counted in columns by its number.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Texts by number, from 0, in the order in which they were first seen. */
export class Names {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];

  /** How many there are. */
  get size(): number {
    return this.#texts.length;
  }

  /** The number of a text; a new one if it was not seen before. */
  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    // A part of a string keeps the whole string alive: in a log, that is a piece of the file.
    const copy = decoder.decode(encoder.encode(text));
    const number = this.#texts.length;
    this.#texts.push(copy);
    this.#numbers.set(copy, number);
    return number;
  }

  /** The number of a text that was seen before. */
  find(text: string): number | undefined {
    return this.#numbers.get(text);
  }

  /** The text of a number. */
  textOf(number: number): string {
    return this.#texts[number] as string;
  }
}

/** A whole number for each text. */
export class Column {
  #counts = new Float64Array(64);

  /** Adds to the number of a text. */
  add(number: number, amount = 1): void {
    if (number >= this.#counts.length) {
      const grown = new Float64Array(Math.max(number + 1, this.#counts.length * 2));
      grown.set(this.#counts);
      this.#counts = grown;
    }
    this.#counts[number] = (this.#counts[number] as number) + amount;
  }

  /** The number of a text. */
  of(number: number): number {
    return this.#counts[number] ?? 0;
  }

  /** How many texts have a number above 0. */
  get used(): number {
    let used = 0;
    for (const count of this.#counts) if (count > 0) used++;
    return used;
  }
}
