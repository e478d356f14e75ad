/**
 * The units that a process was allowed, in a file: in its heap they would look like a state that grows.
 *
 * @module
 */

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** Written by one process. */
export class UnitsFile {
  readonly #file: number;
  readonly #keys: string[] = [];
  readonly #places = new Map<string, number>();
  readonly #numbers: number[] = [];

  /** Begins an empty file. */
  constructor(path: string) {
    this.#file = openSync(path, "w");
  }

  /** Keeps a unit of a key, by the instant for which it was taken, in microseconds. */
  add(key: string, us: number): void {
    let place = this.#places.get(key);
    if (place === undefined) this.#places.set(key, place = this.#keys.push(key) - 1);
    this.#numbers.push(place, us);
  }

  /** Writes what was kept since the last time. */
  flush(): void {
    writeSync(this.#file, new Uint8Array(new Float64Array(this.#numbers.splice(0)).buffer));
  }

  /** Writes the rest. Returns the keys, by their places in the file. */
  close(): readonly string[] {
    this.flush();
    closeSync(this.#file);
    return this.#keys;
  }
}

/** The units in a file, by key. */
export function unitsIn(path: string, keys: readonly string[]): Record<string, number[]> {
  const bytes = readFileSync(path);
  const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const taken: Record<string, number[]> = {};
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    (taken[keys[numbers[i] as number] as string] ??= []).push(numbers[i + 1] as number);
  }
  return taken;
}
