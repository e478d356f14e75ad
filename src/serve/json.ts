/**
 * The body of a request as JSON.
 *
 * @module
 */

import { Problem } from "./problem.ts";

/** How deep objects and lists may be nested: a batch of decisions over several limiters has five levels. */
const MAX_DEPTH = 8;

/**
 * Reads JSON.
 *
 * @throws {Problem} If it is not UTF-8, not JSON, or nested too deeply.
 */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("BODY_INVALID", "Cannot read the body: it is not UTF-8");
  }
  if (depthOf(text) > MAX_DEPTH) {
    throw new Problem("BODY_INVALID", `Cannot read the body: it is nested more than ${MAX_DEPTH} levels deep`);
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message repeats a part of the body, which may hold a secret.
    throw new Problem("BODY_INVALID", `Cannot read the body: its ${bytes.byteLength} bytes are not JSON`);
  }
}

/** How deep a text is nested: a parser that follows it could run out of stack. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isString) {
      if (character === "\\") at++;
      else if (character === '"') isString = false;
    } else if (character === '"') isString = true;
    else if (character === "{" || character === "[") deepest = Math.max(deepest, ++depth);
    else if (character === "}" || character === "]") depth--;
  }
  return deepest;
}
