/**
 * The tables of the store.
 *
 * @module
 */

import type { PostgresNames } from "./names.ts";

/** The names of the tables. */
export const TABLES: readonly string[] = ["keys", "rules", "uses", "sessions", "mailbox", "board"];

/**
 * The statements that make the tables.
 *
 * - `keys`: A row for each key. A single token bucket that no call waits for is `tat` (whole microseconds) and `rem` (the rest,
 *   in parts of the denominator; NULL for 0) under `rules`; its `state` and `ends` are NULL, so that they take no room. Anything
 *   else is bytes in `state` (`memory/entry_codec.ts`), and then `tat` is 0, `rem` NULL and `ends` the instant from which
 *   the row can be forgotten. `queued` is true where calls wait for permits, else NULL. `extra` stands beside `tat` where calls
 *   wait for promised instants, whose reach is its rest by 4; `buckets/functions.ts` has more in it. No column that
 *   changes has an index, and pages keep room, so that an update writes to the page of the row and to no index. With more
 *   than eight columns, each row would take 8 bytes more. A new row has 0 in `extra` and `rem` in place of NULL, for the 16
 *   bytes that the first update gives back: PostgreSQL tidies up a page whenever it has less room than its `fillfactor` or a
 *   tenth, and it would be just as full at first, so that each update would pay for a tidied page.
 * - `rules`: Each rules of a limiter that processes have used, as JSON, and when one of them was last seen with them.
 * - `uses`: Which processes use which rules.
 * - `sessions`: Processes with calls that may wait: the channel of an instance, and when it was last seen.
 * - `mailbox`: Messages to processes that cannot LISTEN.
 * - `board`: What processes report while they are watched.
 */
export function tablesOf(names: PostgresNames): string {
  return `
  CREATE TABLE IF NOT EXISTS ${names.of("keys")} (
    tat bigint NOT NULL,
    rem bigint,
    rules integer NOT NULL,
    key text COLLATE "C" PRIMARY KEY,
    ends bigint,
    extra bigint,
    queued boolean,
    state bytea
  ) WITH (fillfactor = 90);
  CREATE TABLE IF NOT EXISTS ${names.of("rules")} (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    limiter text COLLATE "C" NOT NULL,
    rates text COLLATE "C" NOT NULL,
    seen bigint NOT NULL,
    UNIQUE (limiter, rates)
  ) WITH (fillfactor = 50);
  CREATE TABLE IF NOT EXISTS ${names.of("uses")} (
    process text COLLATE "C" NOT NULL,
    rules integer NOT NULL,
    seen bigint NOT NULL,
    PRIMARY KEY (process, rules)
  ) WITH (fillfactor = 50);
  CREATE TABLE IF NOT EXISTS ${names.of("sessions")} (
    instance text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    listens boolean NOT NULL,
    seen bigint NOT NULL,
    PRIMARY KEY (instance, channel)
  ) WITH (fillfactor = 50);
  CREATE TABLE IF NOT EXISTS ${names.of("mailbox")} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text COLLATE "C" NOT NULL,
    message text NOT NULL,
    sent bigint NOT NULL
  );
  CREATE TABLE IF NOT EXISTS ${names.of("board")} (
    id text COLLATE "C" PRIMARY KEY,
    message text NOT NULL,
    sent bigint NOT NULL
  );`;
}
