/**
 * From the bytes of a text to its lines.
 *
 * @module
 */

/** The longest line that is read, in UTF-16 code units. */
export const MAX_LINE = 1_048_576;

/** How many characters of a longer line are kept, to show them. */
const KEPT = 200;

/** Takes lines. */
export interface LineSink {
  /**
   * Takes a line without its end.
   *
   * @param line The line; of one that is too long, the beginning.
   * @param isWhole Whether it is the whole line.
   */
  line(line: string, isWhole: boolean): void;
}

/** Cuts text into lines, also where a line is in several pieces. */
export class LineSplitter {
  readonly #sink: LineSink;
  readonly #decoder = new TextDecoder();
  #rest = "";
  #isTooLong = false;

  /**
   * @param sink Takes the lines.
   */
  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** Takes bytes. */
  push(bytes: Uint8Array): void {
    this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Takes the end. Returns the last line if it had no end, else undefined. */
  end(): { readonly line: string; readonly isWhole: boolean } | undefined {
    this.#take(this.#decoder.decode());
    if (this.#rest === "") return undefined;
    return { line: withoutReturn(this.#rest), isWhole: !this.#isTooLong };
  }

  #take(text: string): void {
    let from = 0;
    let end = text.indexOf("\n");
    if (end === -1) return this.#keep(text);
    if (this.#rest !== "") {
      const line = this.#isTooLong ? this.#rest : this.#rest + text.slice(0, end);
      this.#emit(line, !this.#isTooLong && line.length <= MAX_LINE);
      this.#rest = "";
      this.#isTooLong = false;
      from = end + 1;
      end = text.indexOf("\n", from);
    }
    for (; end !== -1; end = text.indexOf("\n", from)) {
      this.#emit(text.slice(from, end), end - from <= MAX_LINE);
      from = end + 1;
    }
    if (from < text.length) this.#keep(text.slice(from));
  }

  #keep(text: string): void {
    if (this.#isTooLong) return;
    this.#rest += text;
    if (this.#rest.length <= MAX_LINE) return;
    this.#isTooLong = true;
    this.#rest = this.#rest.slice(0, KEPT);
  }

  #emit(line: string, isWhole: boolean): void {
    this.#sink.line(withoutReturn(isWhole ? line : line.slice(0, KEPT)), isWhole);
  }
}

function withoutReturn(line: string): string {
  return line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line;
}
