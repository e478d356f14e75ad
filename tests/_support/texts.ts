/**
 * Texts of any characters, for properties.
 *
 * @module
 */

import fc from "fast-check";

/** The first code point of a half of a pair, which no text holds alone, and how many there are. */
const [FIRST_HALF, HALVES] = [0xd800, 0x800];

/** The characters that `unit: "binary"` of fast-check gives, which needs a second to list them all. */
const characters = fc.integer({ min: 0, max: 0x10ffff - HALVES }).map(
  (number) => String.fromCodePoint(number < FIRST_HALF ? number : number + HALVES),
  (text) => {
    const [character = "", ...more] = typeof text === "string" ? text : "";
    const code = character.codePointAt(0);
    if (code === undefined || more.length > 0) throw new TypeError("Cannot shrink what is not one character");
    return code < FIRST_HALF ? code : code - HALVES;
  },
);

/** Any text of whole characters, from every plane of Unicode, control characters too. */
export function anyText(
  length: { readonly minLength?: number; readonly maxLength?: number } = {},
): fc.Arbitrary<string> {
  return fc.string({ unit: characters, ...length });
}
