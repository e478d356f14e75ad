/**
 * Access logs of an AWS Application Load Balancer: fields between spaces, some in quotes, in a fixed order.
 *
 * @module
 */

import type { Field } from "../fields.ts";
import type { LineReader, LineValues, LogFormat, ReaderOptions } from "./format.ts";
import { readIsoTime } from "./times.ts";

/** The fields by their places, as AWS names them. Later ones are added at the end. */
const FIELDS: readonly string[] = [
  "type",
  "time",
  "elb",
  "client:port",
  "target:port",
  "request_processing_time",
  "target_processing_time",
  "response_processing_time",
  "elb_status_code",
  "target_status_code",
  "received_bytes",
  "sent_bytes",
  "request",
  "user_agent",
  "ssl_cipher",
  "ssl_protocol",
  "target_group_arn",
  "trace_id",
  "domain_name",
  "chosen_cert_arn",
  "matched_rule_priority",
  "request_creation_time",
  "actions_executed",
  "redirect_url",
  "error_reason",
  "target:port_list",
  "target_status_code_list",
  "classification",
  "classification_reason",
  "conn_trace_id",
];

const TYPES = /^(?:https?|h2|grpcs?|wss?)$/;
const TIME = 1;
const CLIENT = 3;
const STATUS = 8;
const REQUEST = 12;
const USER_AGENT = 13;
/** A line has at least these: the oldest version of the format ends there. */
const LEAST = 13;

/** The format. */
export const alb: LogFormat = {
  name: "alb",
  title: "AWS Application Load Balancer",
  reader: (_head, options) => new AlbReader(options),
};

class AlbReader implements LineReader {
  readonly headerLines = 0;
  readonly fields: string = `address, path, method, status, header:user-agent, query:NAME, ${
    FIELDS.map((name) => `field:${name}`).join(", ")
  }`;
  readonly #wanted: readonly Field[];
  readonly #places: readonly number[];
  /** How many fields of a line are looked at. */
  readonly #count: number;

  constructor({ wanted }: ReaderOptions) {
    this.#wanted = wanted;
    this.#places = wanted.map(placeOf);
    this.#count = Math.max(LEAST, ...this.#places.map((place) => place + 1));
  }

  has(field: Field): boolean {
    if (field.kind === "user") return false;
    if (field.kind === "header") return field.name === "user-agent";
    return field.kind !== "field" || FIELDS.includes(field.name);
  }

  read(line: string, into: LineValues): string | undefined {
    const parts = split(line, this.#count);
    if (parts === undefined) return "a quote that is not closed";
    if (!TYPES.test(parts[0] ?? "")) return "no type such as http or h2 at the beginning";
    if (parts.length < LEAST) return "too few fields";
    const timeUs = readIsoTime(parts[TIME] as string);
    if (Number.isNaN(timeUs)) return "a time that cannot be read";
    into.timeUs = timeUs;
    for (let i = 0; i < this.#wanted.length; i++) {
      const text = parts[this.#places[i] as number];
      into.values[i] = text === undefined || text === "-" || text === ""
        ? undefined
        : valueOf(this.#wanted[i] as Field, text);
    }
    return undefined;
  }
}

function placeOf(field: Field): number {
  switch (field.kind) {
    case "address":
      return CLIENT;
    case "status":
      return STATUS;
    case "header":
      return USER_AGENT;
    case "field":
      return FIELDS.indexOf(field.name);
    default:
      return REQUEST;
  }
}

function valueOf(field: Field, text: string): string | undefined {
  switch (field.kind) {
    case "address":
      return text.slice(0, text.lastIndexOf(":")).replace(/^\[|\]$/g, "");
    case "method":
      return requestPart(text, 0);
    case "path":
    case "query":
      return requestPart(text, 1);
    default:
      return text;
  }
}

/** A part of `GET https://example.com:443/ HTTP/2.0`. A load balancer writes `- ` for each part that it did not get. */
function requestPart(request: string, place: 0 | 1): string | undefined {
  const part = request.split(" ")[place];
  return part === "" || part === "-" ? undefined : part;
}

/** The first fields of a line; undefined if a quote is not closed. */
function split(line: string, most: number): string[] | undefined {
  const parts: string[] = [];
  for (let at = 0; at < line.length && parts.length < most;) {
    if (line.charCodeAt(at) === 34) {
      let end = line.indexOf('"', at + 1);
      while (end !== -1 && line.charCodeAt(end - 1) === 92) end = line.indexOf('"', end + 1);
      if (end === -1) return undefined;
      parts.push(line.slice(at + 1, end));
      at = end + 2;
    } else {
      const end = line.indexOf(" ", at);
      parts.push(end === -1 ? line.slice(at) : line.slice(at, end));
      at = end === -1 ? line.length : end + 1;
    }
  }
  return parts;
}
