/**
 * Who is limited, by what the body of a request says.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { listWords, show } from "../base/text.ts";
import { checkOptions, hint } from "./check_options.ts";
import type { Identify } from "./identify.ts";
import { classed } from "./key_class.ts";

/** How a body is read. */
export interface ByBodyOptions {
  /**
   * How the guard parses the bytes of a body, if no parser has read it before; the `Content-Type` is ignored. Choose
   * the format that your handler uses: otherwise a client could make the guard see another account. @default {"json"}
   */
  readonly format?: "json" | "form";
  /** The most bytes that are read, from 1. A request with a larger body counts as unidentified. @default {16_384} */
  readonly maxBytes?: number;
}

const FORMATS = ["json", "form"] as const;

/**
 * By a field of the body: `byBody("email")` makes `email:ada@example.com`, for limits on attempts for one account.
 * White space at the ends, letter case and Unicode forms do not count. The handler still gets the whole body.
 *
 * A body that is no object, that is too large, that has the field twice, or not as a text or a number, makes the
 * request unidentified.
 *
 * @param field The name of the field.
 * @param options How the body is read.
 * @throws {ConfigError} If an option is wrong.
 */
export function byBody(field: string, options: ByBodyOptions = {}): Identify {
  if (typeof field !== "string" || field === "") {
    throw new ConfigError({ path: "byBody", expected: "the name of a field", received: show(field) });
  }
  checkOptions(options, ["format", "maxBytes"], "byBody");
  const { format = "json", maxBytes = 16_384 } = options;
  if (!FORMATS.includes(format)) {
    const expected = listWords(FORMATS) + hint(format, FORMATS);
    throw new ConfigError({ path: "byBody.format", expected, received: show(format) });
  }
  if (!(Number.isSafeInteger(maxBytes) && maxBytes >= 1)) {
    throw new ConfigError({
      path: "byBody.maxBytes",
      expected: "a whole number of bytes from 1",
      received: show(maxBytes),
    });
  }
  return classed<Identify>(async (request) => {
    const value = fieldOf(await request.readBody(maxBytes), field, format);
    const account = value?.trim().normalize("NFKC").toLowerCase();
    return account ? `${field}:${account}` : undefined;
  }, field);
}

function fieldOf(body: unknown, field: string, format: "json" | "form"): string | undefined {
  const parsed = body instanceof Uint8Array || typeof body === "string" ? parse(body, format) : body;
  if (typeof parsed !== "object" || parsed === null) return undefined;
  if (parsed instanceof URLSearchParams || parsed instanceof FormData) {
    const [value, ...more] = parsed.getAll(field);
    return typeof value === "string" && more.length === 0 ? value : undefined;
  }
  if (!Object.hasOwn(parsed, field)) return undefined;
  const value = (parsed as Readonly<Record<string, unknown>>)[field];
  return typeof value === "string" || typeof value === "number" ? `${value}` : undefined;
}

function parse(body: Uint8Array | string, format: "json" | "form"): unknown {
  try {
    const text = typeof body === "string" ? body : new TextDecoder().decode(body);
    return format === "form" ? new URLSearchParams(text) : JSON.parse(text);
  } catch {
    return undefined;
  }
}
