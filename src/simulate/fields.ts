/**
 * The fields of a request in a log, as users name them: `address`, `header:x-user-id`, `query:tenant`.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { show } from "../base/text.ts";

/** Fields that have a name in every format. */
export const PLAIN_FIELDS = ["address", "user", "path", "method", "status"] as const;

/** Fields that are found by a name of their own. */
const NAMED_FIELDS = ["header", "query", "field"] as const;

/** A field of a request. */
export type Field =
  | { readonly kind: (typeof PLAIN_FIELDS)[number] }
  | { readonly kind: (typeof NAMED_FIELDS)[number]; readonly name: string };

/** What can be named, for messages. */
export const FIELD_FORMS = "address, user, path, method, status, header:NAME, query:NAME or field:NAME";

/**
 * Reads the name of a field.
 *
 * @param text `address`, `header:x-user-id`, `field:user.id`.
 * @param option Where it was written, for messages.
 * @throws {ConfigError} If it names no field.
 */
export function parseField(text: string, option: string): Field {
  const [kind = "", ...rest] = text.split(":");
  const name = rest.join(":");
  const plain = PLAIN_FIELDS.find((one) => one === kind);
  if (plain !== undefined && rest.length === 0) return { kind: plain };
  const named = NAMED_FIELDS.find((one) => one === kind);
  if (named !== undefined && name !== "") return { kind: named, name: named === "header" ? name.toLowerCase() : name };
  const near = nearest(kind, [...PLAIN_FIELDS, ...NAMED_FIELDS]);
  const hint = near === undefined ? "" : ` (did you mean ${show(near)}?)`;
  throw new ConfigError({ path: option, expected: FIELD_FORMS, received: show(text) + hint });
}

/** The name of a field as users write it. */
export function fieldText(field: Field): string {
  return "name" in field ? `${field.kind}:${field.name}` : field.kind;
}

/** The path of a request target, without its query: also of one that names a host. */
export function pathOf(target: string): string {
  let from = 0;
  if (target.charCodeAt(0) !== 47) {
    const host = target.indexOf("://");
    if (host > 0) {
      from = target.indexOf("/", host + 3);
      if (from === -1) return "/";
    }
  }
  const query = target.indexOf("?", from);
  return query === -1 ? target.slice(from) : target.slice(from, query);
}

/** The first value of a parameter in the query of a request target; undefined if there is none. */
export function queryOf(target: string, name: string): string | undefined {
  const from = target.indexOf("?");
  if (from === -1 || !target.includes(name, from)) return undefined;
  return new URLSearchParams(target.slice(from + 1)).get(name) ?? undefined;
}
