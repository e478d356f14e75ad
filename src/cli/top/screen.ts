/**
 * A terminal that shows one page of text, again and again.
 *
 * @module
 */

import { cutTo } from "../output/text.ts";
import type { Input, Output } from "../surroundings.ts";

/** Codes of terminals (ECMA-376, xterm): another page without a cursor, and back. */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const REST_OF_LINE = "\x1b[K";
const REST_OF_PAGE = "\x1b[J";

/** Keys: Ctrl-C, as a terminal in raw mode sends it. */
const CTRL_C = "\x03";

/** Makes the lines of a page for a terminal of so many columns and rows. */
export type Page = (columns: number, rows: number) => readonly string[];

/** A page in a terminal. What was there before comes back with `leave`. */
export class Screen {
  readonly #stdin: Input;
  readonly #stdout: Output;
  readonly #onKey: (data: unknown) => void;
  readonly #onResize: () => void = () => this.#draw();
  #page: Page = () => [];
  #isLeft = false;

  /**
   * Takes the terminal over.
   *
   * @param stdin Where keys come from.
   * @param stdout The terminal.
   * @param quit Called when q is pressed, or Ctrl-C.
   */
  constructor(stdin: Input, stdout: Output, quit: (isInterrupt: boolean) => void) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#onKey = (data) => {
      for (const key of String(data)) {
        if (key === "q" || key === "Q" || key === CTRL_C) return quit(key === CTRL_C);
      }
    };
    if (stdin.isTTY && stdin.setRawMode !== undefined) {
      stdin.setRawMode(true);
      stdin.on("data", this.#onKey);
      stdin.resume();
    }
    stdout.write(ENTER);
    stdout.on?.("resize", this.#onResize);
  }

  /** Shows a page, in place of what was shown; again when the size of the terminal changes. What does not fit is cut. */
  show(page: Page): void {
    this.#page = page;
    this.#draw();
  }

  #draw(): void {
    if (this.#isLeft) return;
    const { columns, rows } = this.#stdout;
    const [width, height] = [Math.max(columns || 80, 20), Math.max(rows || 24, 4)];
    const lines = this.#page(width, height).slice(0, height).map((line) => cutTo(line, width) + REST_OF_LINE);
    this.#stdout.write(`${HOME}${lines.join("\r\n")}${REST_OF_PAGE}`);
  }

  /** Gives the terminal back. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#stdout.off?.("resize", this.#onResize);
    this.#stdout.write(LEAVE);
    if (this.#stdin.isTTY && this.#stdin.setRawMode !== undefined) {
      this.#stdin.off("data", this.#onKey);
      this.#stdin.setRawMode(false);
      this.#stdin.pause();
    }
  }
}
