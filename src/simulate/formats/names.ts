/**
 * What the fields of a request are called in logs whose fields have names: nginx and Caddy, Traefik, pino, AWS and others.
 *
 * @module
 */

import type { Field } from "../fields.ts";

/** Names of the time, the likeliest first. */
export const TIME_NAMES: readonly string[] = [
  "time",
  "timestamp",
  "@timestamp",
  "ts",
  "time_iso8601",
  "msec",
  "StartUTC",
  "startTime",
  "start_time",
  "datetime",
  "date",
  "time_local",
  "timeLocal",
  "requestTime",
];

/** Names of each field. A dot leads into an object. */
const NAMES: Readonly<Record<Exclude<Field["kind"], "header" | "query" | "field">, readonly string[]>> = {
  address: [
    "address",
    "remote_addr",
    "ip",
    "client_ip",
    "clientIp",
    "clientIP",
    "remote_ip",
    "remoteAddress",
    "remote_address",
    "request.client_ip",
    "request.remote_ip",
    "req.ip",
    "req.remoteAddress",
    "ClientHost",
    "httpRequest.remoteIp",
    "httpRequest.clientIp",
    "client.ip",
    "source.ip",
    "c-ip",
    "client",
  ],
  user: [
    "user",
    "remote_user",
    "user_id",
    "userId",
    "username",
    "req.user",
    "user.id",
    "ClientUsername",
    "cs-username",
  ],
  path: [
    "path",
    "request_uri",
    "uri",
    "url",
    "target",
    "request.uri",
    "req.url",
    "RequestPath",
    "httpRequest.requestUrl",
    "httpRequest.uri",
    "url.original",
    "url.path",
    "cs-uri-stem",
    "request",
  ],
  method: [
    "method",
    "request_method",
    "http_method",
    "httpMethod",
    "request.method",
    "req.method",
    "RequestMethod",
    "httpRequest.requestMethod",
    "httpRequest.httpMethod",
    "http.request.method",
    "cs-method",
    "request",
  ],
  status: [
    "status",
    "status_code",
    "statusCode",
    "res.statusCode",
    "DownstreamStatus",
    "httpRequest.status",
    "http.response.status_code",
    "sc-status",
  ],
};

/** The names under which a field may stand, the likeliest first. */
export function namesOf(field: Field): readonly string[] {
  switch (field.kind) {
    case "field":
      return [field.name];
    case "header": {
      const { name } = field;
      const underscored = name.replaceAll("-", "_");
      return [
        `headers.${name}`,
        `req.headers.${name}`,
        `request.headers.${name}`,
        `request.headers.${canonical(name)}`,
        `http_${underscored}`,
        `request_${canonical(name)}`,
        underscored,
        name,
      ];
    }
    case "query":
      return NAMES.path;
    default:
      return NAMES[field.kind];
  }
}

/** `GET /path HTTP/1.1`, where a log has the whole request line under a name. */
const REQUEST_LINE = /^([A-Z]+) (\S+)(?: HTTP\/[\d.]+)?$/;

/** A value as the field has it. */
export function valueOfNamed(field: Field, name: string, text: string): string | undefined {
  if (text === "" || text === "-") return undefined;
  switch (field.kind) {
    case "method":
      return name === "request" ? REQUEST_LINE.exec(text)?.[1] : text;
    case "path":
    case "query":
      return name === "request" ? REQUEST_LINE.exec(text)?.[2] : text;
    default:
      return text;
  }
}

/** `x-user-id` as `X-User-Id`. */
function canonical(header: string): string {
  return header.replace(/(?<![a-z\d])[a-z]/g, (letter) => letter.toUpperCase());
}
