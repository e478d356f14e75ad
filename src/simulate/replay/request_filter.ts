/**
 * Which requests a limiter checks.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";

/** Requests by method and path. */
export class RequestFilter {
  readonly #methods: ReadonlySet<string>;
  readonly #paths: readonly string[];

  /**
   * @param methods Methods, also several in one text with commas; none for any.
   * @param paths Patterns: `*` is any text. None for any path.
   * @throws {ConfigError} If a pattern cannot match.
   */
  constructor(methods: readonly string[], paths: readonly string[]) {
    this.#methods = new Set(methods.flatMap((text) => text.split(",")).map((text) => text.trim().toUpperCase()));
    this.#paths = paths;
    for (const path of paths) {
      if (path.startsWith("/") || path.startsWith("*")) continue;
      throw new ConfigError({ path: "path", expected: "a path such as /login or /api/*", received: show(path) });
    }
    for (const method of this.#methods) {
      if (/^[A-Z]+$/.test(method)) continue;
      throw new ConfigError({ path: "method", expected: "methods such as POST or GET,HEAD", received: show(method) });
    }
  }

  /** Whether it takes every request. */
  get isOpen(): boolean {
    return this.#methods.size === 0 && this.#paths.length === 0;
  }

  /** Whether it takes a request. */
  takes(method: string | undefined, path: string | undefined): boolean {
    if (this.#methods.size > 0 && !this.#methods.has(method ?? "")) return false;
    return this.#paths.length === 0 || (path !== undefined && this.#paths.some((pattern) => matches(path, pattern)));
  }
}

/** Whether a text is a pattern, in which `*` is any text. Takes as long as both are, also for many stars. */
export function matches(text: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
