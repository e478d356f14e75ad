/**
 * Colours, where they are wanted.
 *
 * @module
 */

import type { Output } from "../surroundings.ts";

/** Codes that begin and end a style. */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  underline: [4, 24],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

/** A style of text. */
export type Style = keyof typeof STYLES;

/** Gives text a style, or returns it as it is where no colours are wanted. */
export type Paint = (style: Style, text: string) => string;

/** Leaves text as it is. */
export const plain: Paint = (_style, text) => text;

/** Gives text a style. */
export const coloured: Paint = (style, text) => {
  const [begin, end] = STYLES[style];
  return text === "" ? "" : `\x1b[${begin}m${text}\x1b[${end}m`;
};

/**
 * Whether colours are wanted: not after `--no-color`; else as `FORCE_COLOR` says, if it is set (`0` and `false` mean no);
 * not with `NO_COLOR`; else on a terminal that can show them.
 */
export function wantsColour(
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
  noColour: boolean,
): boolean {
  if (noColour) return false;
  const force = env["FORCE_COLOR"];
  if (force !== undefined && force !== "") return force !== "0" && force !== "false";
  if (env["NO_COLOR"]) return false;
  return output.isTTY === true && env["TERM"] !== "dumb";
}
