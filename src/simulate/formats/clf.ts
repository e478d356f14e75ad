/**
 * The formats of Apache and nginx: common, combined, and both with more behind.
 *
 * @module
 */

import type { Field } from "../fields.ts";
import type { LineReader, LineValues, LogFormat, ReaderOptions } from "./format.ts";
import { readClfTime } from "./times.ts";

/** Headers whose values stand in quotes at the end of a line, in this order. nginx' own format has the third. */
const HEADERS: readonly string[] = ["referer", "user-agent", "x-forwarded-for"];

/** How far the time begins before the request: ` [10/Oct/2000:13:55:36 -0700] `. */
const TIME_LENGTH = 30;

/** `ADDRESS - USER [TIME] "METHOD TARGET PROTOCOL" STATUS BYTES "REFERER" "USER AGENT"`, and more quoted fields. */
export const combined: LogFormat = clf("combined", "nginx and Apache combined", true);

/** The same without what stands in quotes at the end. */
export const common: LogFormat = clf("common", "Apache common", false);

function clf(name: string, title: string, isCombined: boolean): LogFormat {
  return { name, title, reader: (_head, options) => new ClfReader(options, isCombined) };
}

/** Finds the parts of a line by their places, without a regular expression. */
class ClfReader implements LineReader {
  readonly headerLines = 0;
  readonly fields: string;
  readonly #isCombined: boolean;
  readonly #headers: readonly string[];
  readonly #wanted: readonly Field[];
  /** How many quoted fields behind the size are wanted. */
  readonly #quotes: number;

  constructor({ wanted }: ReaderOptions, isCombined: boolean) {
    this.#isCombined = isCombined;
    this.#headers = isCombined ? HEADERS : [];
    this.#wanted = wanted;
    const headers = this.#headers.map((header) => `header:${header}`);
    this.fields = ["address, user, path, method, status, query:NAME", ...headers, "field:bytes, field:host"].join(", ");
    const places = wanted.map((field) => field.kind === "header" ? HEADERS.indexOf(field.name) + 1 : 0);
    this.#quotes = Math.max(isCombined ? 2 : 0, ...places);
  }

  has(field: Field): boolean {
    if (field.kind === "header") return this.#headers.includes(field.name);
    return field.kind !== "field" || field.name === "bytes" || field.name === "host";
  }

  read(line: string, into: LineValues): string | undefined {
    // Servers escape quotes, and nothing else that a user name may hold: the first quote is certain, a bracket is not.
    const quote = line.indexOf('"');
    if (quote === -1) return "no request in quotes";
    const bracket = quote - TIME_LENGTH;
    if (bracket <= 0 || !line.startsWith(" [", bracket)) return "no time in brackets";
    const timeUs = readClfTime(line, bracket + 2);
    if (Number.isNaN(timeUs)) return "a time that cannot be read";
    const requestEnd = closingQuote(line, quote + 1);
    if (requestEnd === -1) return "a request without a closing quote";
    const status = line.slice(requestEnd + 2, requestEnd + 5);
    const afterStatus = line.charCodeAt(requestEnd + 5);
    if (!/^\d{3}$/.test(status) || !(afterStatus === 32 || Number.isNaN(afterStatus))) return "no status";
    const sizeAt = requestEnd + 6;
    let quoted: string[] | undefined;
    if (this.#quotes > 0) {
      quoted = quotedFrom(line, sizeAt, this.#quotes);
      if (this.#isCombined && quoted.length < 2) return "no referer and user agent in quotes";
    }
    into.timeUs = timeUs;
    for (let i = 0; i < this.#wanted.length; i++) {
      const field = this.#wanted[i] as Field;
      into.values[i] = this.#valueOf(field, line, bracket, quote + 1, requestEnd, status, sizeAt, quoted);
    }
    return undefined;
  }

  #valueOf(
    field: Field,
    line: string,
    bracket: number,
    requestAt: number,
    requestEnd: number,
    status: string,
    sizeAt: number,
    quoted: readonly string[] | undefined,
  ): string | undefined {
    switch (field.kind) {
      case "address":
        return known(hostAndAddress(line, bracket)[1]);
      case "user":
        return known(userOf(line, bracket));
      case "method": {
        const end = line.indexOf(" ", requestAt);
        return end > requestAt && end < requestEnd ? line.slice(requestAt, end) : undefined;
      }
      case "path":
      case "query":
        return targetOf(line, requestAt, requestEnd);
      case "status":
        return status;
      case "header":
        return known(quoted?.[HEADERS.indexOf(field.name)]);
      case "field": {
        if (field.name === "host") return hostAndAddress(line, bracket)[0];
        const end = line.indexOf(" ", sizeAt);
        return known(line.slice(sizeAt, end === -1 ? line.length : end));
      }
    }
  }
}

/** What stands for a value that is not there. */
function known(value: string | undefined): string | undefined {
  return value === "-" || value === "" ? undefined : value;
}

/** The first field; in front of it may be a host, as in Apache's `vhost_combined`. */
function hostAndAddress(line: string, bracket: number): [host: string | undefined, address: string] {
  const end = line.indexOf(" ");
  const first = line.slice(0, end);
  // Four fields or more, of which the third is the identity, which is "-" nearly everywhere.
  const second = line.indexOf(" ", end + 1);
  if (second === -1 || second >= bracket || line.charCodeAt(end + 1) === 45) return [undefined, first];
  return line.startsWith("- ", second + 1) ? [first, line.slice(end + 1, second)] : [undefined, first];
}

/** What stands between the identity and the time: names may hold spaces. */
function userOf(line: string, bracket: number): string | undefined {
  const [host] = hostAndAddress(line, bracket);
  let at = line.indexOf(" ");
  for (let skipped = host === undefined ? 1 : 2; skipped > 0 && at !== -1; skipped--) at = line.indexOf(" ", at + 1);
  return at === -1 || at >= bracket ? undefined : line.slice(at + 1, bracket);
}

/** The target of a request line; undefined where the client has sent something else. */
function targetOf(line: string, from: number, end: number): string | undefined {
  const method = line.indexOf(" ", from);
  if (method === -1 || method >= end) return undefined;
  const protocol = line.lastIndexOf(" ", end - 1);
  return protocol > method && line.startsWith("HTTP/", protocol + 1)
    ? line.slice(method + 1, protocol)
    : line.slice(method + 1, end);
}

/** Where a quoted text ends that begins at a place; -1 if it does not. Apache writes a quote in it as `\"`. */
function closingQuote(line: string, from: number): number {
  let at = line.indexOf('"', from);
  while (at !== -1 && isEscaped(line, at, from)) at = line.indexOf('"', at + 1);
  return at;
}

function isEscaped(line: string, at: number, from: number): boolean {
  let slashes = 0;
  while (at - slashes > from && line.charCodeAt(at - slashes - 1) === 92) slashes++;
  return slashes % 2 === 1;
}

/** Quoted texts from a place on, as many as there are, up to a number. */
function quotedFrom(line: string, from: number, most: number): string[] {
  const texts: string[] = [];
  for (let at = line.indexOf('"', from); at !== -1 && texts.length < most; at = line.indexOf('"', at + 1)) {
    const end = closingQuote(line, at + 1);
    if (end === -1) break;
    texts.push(line.slice(at + 1, end));
    at = end;
  }
  return texts;
}
