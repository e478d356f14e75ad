/**
 * Which kind of PostgreSQL client an object is. Looks only: the code that uses a client is loaded when it is used.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { show } from "../../../../base/text.ts";
import type { BunSqlLike, PgPoolLike, PostgresJsLike } from "./postgres_client.ts";

/** A client, by its kind. */
export type KnownClient =
  | { readonly kind: "client of postgres"; readonly client: PostgresJsLike }
  | { readonly kind: "pool of pg"; readonly client: PgPoolLike }
  | { readonly kind: "client of Bun"; readonly client: BunSqlLike };

const KINDS = "what postgres() of the npm package postgres gives, a Pool of the npm package pg, or Bun's new SQL()";

/**
 * Tells the kind of a client.
 *
 * @param client What was given.
 * @throws {ConfigError} If it is of no known kind; the message lists those.
 */
export function recognise(client: unknown): KnownClient {
  if (has<BunSqlLike>(client, ["unsafe", "reserve", "beginDistributed"])) return { kind: "client of Bun", client };
  if (has<PostgresJsLike>(client, ["unsafe", "begin", "listen", "largeObject"])) {
    return { kind: "client of postgres", client };
  }
  if (has<PgPoolLike>(client, ["connect", "query", "end"]) && typeof client.totalCount === "number") {
    return { kind: "pool of pg", client };
  }
  const isSingle = has(client, ["connect", "query", "end", "escapeLiteral"]);
  const received = isSingle ? "a Client of pg, which has one connection" : show(client);
  throw new ConfigError({ path: "client", expected: KINDS, received });
}

/** What a given client is called in messages and listings. */
export function labelOf({ kind }: KnownClient): string {
  return `the given ${kind}`;
}

function has<Client>(client: unknown, methods: readonly string[]): client is Client {
  return (typeof client === "object" || typeof client === "function") && client !== null &&
    methods.every((name) => typeof (client as Record<string, unknown>)[name] === "function");
}
