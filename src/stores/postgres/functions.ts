/**
 * The functions of the store. Their names end with a version, which rises with every change of what they do: old and new
 * processes share a database during a deploy, and each calls its own.
 *
 * @module
 */

import { BUCKET_FUNCTIONS } from "./buckets/functions.ts";
import { LOCK_MS } from "./connections/connection.ts";
import type { SqlFunction } from "./sql_function.ts";
import { literal, SERVER_US } from "./sql_text.ts";

/** The clock in whole microseconds: the one that a test passes in, or the server's. */
const NOW = `coalesce(clock, ${SERVER_US})`;

/**
 * What changes when the server starts, also if it starts itself after a crash. It forgets transactions then that are not on
 * disk, and gives their numbers to others.
 */
export const LIFE = "(pg_postmaster_start_time()::text || coalesce(pg_last_wal_replay_lsn()::text, ''))";

/** How long a process may hold rows while it does nothing, in milliseconds. */
export const HELD_MS = 250;

/** How long a session counts as alive after it was last seen, in microseconds. */
export const SESSION_US = 15_000_000;

/** How long rules count as in use after a process was last seen with them, in microseconds. */
export const RULES_US = 300_000_000;

/** How long rules are kept after that, in microseconds, where no row is under them. */
const FORGOTTEN_US = 86_400_000_000;

/**
 * How long a row is kept that cannot be told from a fresh one, in microseconds. A key that is used again meanwhile costs an
 * update, which writes to no index; to delete its row and to add it again would cost several times as much.
 */
const KEPT_US = 60_000_000;

/** How long a message lies in a mailbox, in microseconds. */
const MESSAGE_US = 60_000_000;

/**
 * Locks rows in the order of `wanted`, then reads the clock: first of a transaction. `LATERAL` makes the loop go through
 * `wanted` one by one, and so fixes the order, whatever plan is chosen. A process that stands still while it holds rows is
 * cut off after a quarter of a second. Where a plan without indexes is not wanted, PostgreSQL takes it for so dear that it
 * would compile it (`jit`), which takes half a second.
 *
 * Returns the time, when that was read by the server's own clock, the number of the transaction and the life of the server
 * (`LIFE`), and a line for each row that is there: its place in `wanted`, `tat`, `rem`, `rules`, the reach in `extra`,
 * and the bytes of its `state`. If calls wait on one of them, or `hears`, also a line for each session: channel, whether it
 * listens, instance.
 */
const lockKeys: SqlFunction = {
  name: "lock_1",
  sql: (names) => `
  CREATE OR REPLACE FUNCTION ${names.of("lock_1")}(
    wanted text[], hears boolean, durable boolean, clock bigint, OUT now bigint, OUT read bigint, OUT xid text, OUT lines text,
    OUT heard text
  ) LANGUAGE plpgsql SET enable_seqscan = off SET jit = off SET lock_timeout = ${LOCK_MS} AS $$
  DECLARE waits boolean;
  BEGIN
    PERFORM set_config('idle_in_transaction_session_timeout', '${HELD_MS}', true);
    IF NOT durable THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
    SELECT string_agg(u.ord || ' ' || k.tat || ' ' || coalesce(k.rem, 0) || ' ' || k.rules || ' '
        || coalesce(k.extra & 3, 0) || ' ' || coalesce(encode(k.state, 'hex'), ''), E'\\n'), bool_or(k.queued)
      INTO lines, waits
      FROM unnest(wanted) WITH ORDINALITY AS u(key, ord)
      CROSS JOIN LATERAL (
        SELECT * FROM ${names.of("keys")} AS one WHERE one.key = u.key FOR NO KEY UPDATE OF one
      ) AS k;
    read := ${SERVER_US};
    now := coalesce(clock, read);
    -- Row locks are of a transaction with a number.
    xid := CASE WHEN lines IS NULL THEN pg_current_xact_id() ELSE pg_current_xact_id_if_assigned() END || ' ' || ${LIFE};
    IF hears OR waits THEN
      SELECT string_agg(s.channel || ' ' || s.listens::int || ' ' || s.instance, E'\\n') INTO heard
        FROM ${names.of("sessions")} AS s WHERE s.seen > read - ${SESSION_US};
    END IF;
  END $$;`,
};

/**
 * Writes rows that are locked, and new ones, and sends messages: last of a transaction. If another transaction has made one of
 * the new rows meanwhile, nothing is written, and it returns false.
 */
const putKeys: SqlFunction = {
  name: "put_1",
  sql: (names) => `
  CREATE OR REPLACE FUNCTION ${names.of("put_1")}(
    all_keys text[], all_tat bigint[], all_rem bigint[], all_rules integer[], all_ends bigint[], all_queued boolean[],
    all_extra bigint[], all_states bytea[], added integer, channels text[], messages text[], OUT kept boolean
  ) LANGUAGE plpgsql SET enable_seqscan = off SET jit = off SET lock_timeout = ${LOCK_MS} AS $$
  DECLARE made text[];
  BEGIN
    kept := true;
    IF added > 0 THEN
      WITH fresh AS (
        INSERT INTO ${names.of("keys")} (key, tat, rem, rules, ends, queued, extra, state)
          SELECT u.key, u.tat, coalesce(u.rem, 0), u.rules, u.ends, u.queued, coalesce(u.extra, 0), u.state
            FROM unnest(all_keys[:added], all_tat[:added], all_rem[:added], all_rules[:added], all_ends[:added],
              all_queued[:added], all_extra[:added], all_states[:added])
              AS u(key, tat, rem, rules, ends, queued, extra, state)
          ON CONFLICT DO NOTHING RETURNING key
      ) SELECT array_agg(key) INTO made FROM fresh;
      IF coalesce(cardinality(made), 0) < added THEN
        DELETE FROM ${names.of("keys")} WHERE key = ANY (made);
        kept := false;
        RETURN;
      END IF;
    END IF;
    IF cardinality(all_keys) > added THEN
      UPDATE ${names.of("keys")} AS k
        SET tat = u.tat, rem = u.rem, rules = u.rules, ends = u.ends, queued = u.queued,
          extra = u.extra, state = u.state
        FROM unnest(all_keys[added + 1:], all_tat[added + 1:], all_rem[added + 1:], all_rules[added + 1:],
          all_ends[added + 1:], all_queued[added + 1:], all_extra[added + 1:], all_states[added + 1:])
          AS u(key, tat, rem, rules, ends, queued, extra, state)
        WHERE k.key = u.key;
    END IF;
    FOR i IN 1 .. coalesce(cardinality(channels), 0) LOOP
      IF left(channels[i], 1) = '!' THEN PERFORM pg_notify(substr(channels[i], 2), messages[i]);
      ELSE INSERT INTO ${names.of("mailbox")} (channel, message, sent) VALUES (channels[i], messages[i], ${SERVER_US});
      END IF;
    END LOOP;
  END $$;`,
};

/**
 * Tells which rules a process uses, and reads which ones others use.
 *
 * Returns a line for each rules of these limiters, as JSON: its id, the last time at which a process was seen with it, the
 * limiter, its rates, and how many processes use it, all of them and those beside this one.
 */
const useRules: SqlFunction = {
  name: "use_rules_1",
  sql: (names) => `
  CREATE OR REPLACE FUNCTION ${names.of("use_rules_1")}(
    process_id text, limiters text[], texts text[], clock bigint, OUT now bigint, OUT lines text
  ) LANGUAGE plpgsql AS $$
  DECLARE rule_id integer;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    now := ${NOW};
    FOR i IN 1 .. coalesce(cardinality(limiters), 0) LOOP -- sorted, so that all processes lock rows in one order
      UPDATE ${names.of("rules")} SET seen = greatest(seen, now) WHERE limiter = limiters[i] AND rates = texts[i]
        RETURNING id INTO rule_id;
      IF NOT FOUND THEN
        INSERT INTO ${names.of("rules")} AS r (limiter, rates, seen) VALUES (limiters[i], texts[i], now)
          ON CONFLICT (limiter, rates) DO UPDATE SET seen = greatest(r.seen, now) RETURNING id INTO rule_id;
      END IF;
      INSERT INTO ${names.of("uses")} (process, rules, seen) VALUES (process_id, rule_id, now)
        ON CONFLICT (process, rules) DO UPDATE SET seen = now;
    END LOOP;
    DELETE FROM ${names.of("uses")} WHERE (process, rules) IN (
      SELECT process, rules FROM ${names.of("uses")} WHERE seen < now - ${RULES_US} FOR UPDATE SKIP LOCKED
    );
    SELECT string_agg(json_build_array(r.id, r.seen, r.limiter, r.rates, u.users, u.others)::text, E'\\n') INTO lines
      FROM ${names.of("rules")} AS r
      CROSS JOIN LATERAL (
        SELECT count(*) AS users, count(*) FILTER (WHERE process <> process_id) AS others
          FROM ${names.of("uses")} WHERE rules = r.id
      ) AS u
      WHERE r.limiter = ANY (limiters);
  END $$;`,
};

/**
 * Finds rules of one limiter that no process has used for a day and no row is under, and returns their numbers. Given those
 * that it found before, it forgets them, if that still holds: if the server's clock was set far ahead, processes have told
 * what they use in between. A row with several sections (`memory/entry_codec.ts`) names their rules in its bytes: while a
 * limiter has one, all of its rules stay.
 */
const forgetRules: SqlFunction = {
  name: "forget_rules_1",
  sql: (names) => `
  CREATE OR REPLACE FUNCTION ${names.of("forget_rules_1")}(candidates integer[], clock bigint)
  RETURNS integer[] LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
  DECLARE before bigint := ${NOW} - ${FORGOTTEN_US}; row_name text; outdated integer[]; kept integer[]; has_sections boolean;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT limiter INTO row_name FROM ${names.of("rules")}
      WHERE seen < before AND (candidates IS NULL OR id = ANY (candidates)) ORDER BY random() LIMIT 1;
    -- A process that begins to use one of them waits for these locks, and gets a new number if they are deleted.
    outdated := ARRAY(SELECT r.id FROM ${names.of("rules")} r
      WHERE r.limiter = row_name AND r.seen < before AND (candidates IS NULL OR r.id = ANY (candidates))
        AND NOT EXISTS (SELECT FROM ${names.of("uses")} u WHERE u.rules = r.id) FOR UPDATE SKIP LOCKED);
    IF outdated = '{}' THEN RETURN NULL; END IF;
    SELECT array_agg(DISTINCT k.rules), bool_or(get_byte(k.state, 1) & 4 <> 0) INTO kept, has_sections
      FROM ${names.of("keys")} k WHERE k.key = row_name OR (k.key >= row_name || ':' AND k.key < row_name || ';');
    IF has_sections THEN RETURN NULL; END IF;
    outdated := ARRAY(SELECT unnest(outdated) EXCEPT SELECT unnest(kept));
    IF candidates IS NULL THEN RETURN outdated; END IF;
    DELETE FROM ${names.of("rules")} WHERE id = ANY (outdated);
    RETURN NULL;
  END $$;`,
};

/** Says that instances of a process are alive and may wait, and forgets those that are gone. */
const hearSessions: SqlFunction = {
  name: "hear_1",
  sql: (names) => `
  CREATE OR REPLACE FUNCTION ${names.of("hear_1")}(own_channel text, can_listen boolean, instances text[])
  RETURNS void LANGUAGE plpgsql AS $$
  DECLARE now bigint := ${SERVER_US};
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO ${names.of("sessions")} (instance, channel, listens, seen)
      SELECT instance, own_channel, can_listen, now FROM unnest(instances) AS u(instance) ORDER BY instance
      ON CONFLICT (instance, channel) DO UPDATE SET seen = now;
    DELETE FROM ${names.of("sessions")} WHERE (instance, channel) IN (
      SELECT instance, channel FROM ${names.of("sessions")} WHERE seen < now - 4 * ${SESSION_US} FOR UPDATE SKIP LOCKED
    );
    IF NOT can_listen THEN DELETE FROM ${names.of("mailbox")} WHERE sent < now - ${MESSAGE_US}; END IF;
  END $$;`,
};

/**
 * Forgets keys that could not be told from fresh ones for a minute, in some pages of the table. It waits for no lock.
 * Returns how many pages the table has.
 */
const cleanKeys: SqlFunction = {
  name: "clean_1",
  sql: (names) => `
  CREATE OR REPLACE FUNCTION ${names.of("clean_1")}(from_page bigint, pages bigint, clock bigint)
  RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
  DECLARE fresh_us bigint := ${NOW} - ${KEPT_US};
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    DELETE FROM ${names.of("keys")} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${names.of("keys")}
        WHERE ctid >= format('(%s,0)', from_page)::tid AND ctid < format('(%s,0)', from_page + pages)::tid
          AND coalesce(ends, tat + 2) < fresh_us
        FOR UPDATE SKIP LOCKED
    ));
    RETURN pg_relation_size(${literal(names.of("keys"))}) / current_setting('block_size')::bigint;
  END $$;`,
};

/** The functions of the store, in the order in which they are made. */
export const FUNCTIONS: readonly SqlFunction[] = [
  lockKeys,
  putKeys,
  useRules,
  forgetRules,
  hearSessions,
  cleanKeys,
  ...BUCKET_FUNCTIONS,
];
