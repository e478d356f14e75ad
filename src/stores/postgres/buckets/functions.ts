/**
 * The functions that decide about batches of takes from single token buckets. A batch is one statement: it updates the rows
 * that have room, and then looks at the others. So a denial writes and locks nothing.
 *
 * Rows are locked in the order of their keys, and new rows are added after that, in the order of their keys: batches that
 * have keys in common wait for each other, and never in a circle. The order follows from the plan, which `SESSION_SETTINGS`
 * fix: an index scan for one key after the other.
 *
 * @module
 */

import type { PostgresNames } from "../names.ts";
import type { SqlFunction } from "../sql_function.ts";
import { KEY_SEPARATOR } from "../keys.ts";
import {
  type BucketOperands,
  columnsAfterAll,
  columnsAfterPart,
  exactBase,
  fits,
  type OnceOperands,
  reachAfter,
  takeOnce,
  takeOnceWhole,
} from "./arithmetic.ts";

/** The time in whole microseconds. A double has half a microsecond to spare for it, until 2106. */
const CLOCK = "coalesce(clock, (date_part('epoch', clock_timestamp()) * 1e6)::bigint)";

/** What stands between keys: reading an array in PostgreSQL's own form costs more. */
const SEPARATOR = `chr(${KEY_SEPARATOR.charCodeAt(0)})`;

/** Alike takes. */
const ALIKE: BucketOperands = {
  now: "now_us",
  later: CLOCK,
  unit: "unit",
  denominator: "denominator",
  full: "bucket",
  most: "most",
  near: "near",
  far: "far",
};

/** Alike takes that have room now. */
const ONCE: OnceOperands = {
  now: "now_us",
  us: "unit_us",
  rem: "unit_rem",
  roomUs: "room_us",
  roomRem: "room_rem",
  denominator: "denominator",
};

/** How often to take from the row `r` in `take_alike_3`. */
const TIMES = "CASE WHEN r.key = ANY (many_keys) THEN many_times[array_position(many_keys, r.key)] ELSE 1 END";

/** Takes of any groups: those of `u` have the numbers that begin at `u.at` in `terms`. */
const ANY: BucketOperands = {
  now: "now_us",
  later: CLOCK,
  unit: "terms[u.at + 1]",
  denominator: "terms[u.at + 2]",
  full: "terms[u.at + 3]",
  most: "terms[u.at + 4]",
  near: "terms[u.at + 5]",
  far: "terms[u.at + 6]",
};

/**
 * The functions.
 *
 * - `take_alike_3`: Takes once from each of some keys, by the same rules and for the same cost; from those in `many` as often as
 *   `times` says, or not at all. That is for takes that have room now, at rates without a rest.
 * - `take_buckets_3`: Takes from each of some keys as often as its count says, or not at all, by the rules that begin at its
 *   start in `numbers`: the number of the rules, and then the operands. A count of 0 only looks.
 * - `take_parts_1`: The same, but as often as there is room.
 *
 * Keys are sorted, and no key comes twice. `names` has them with `KEY_SEPARATOR` in between. Both answer with parts, between
 * which stands `|`:
 *
 * 1. the clock, in microseconds
 * 2. of each key that was taken from: the microseconds until its bucket is full
 * 3. the rests of those, in parts of the denominator; empty where there is none
 * 4. `extra` of their rows: the reach, and what `columnsAfterPart` tells; empty where there is none
 *
 * If there are other keys, more follows:
 *
 * 5. the clock, read after the other keys were looked at
 * 6. each of them that has a row: its place, `tat`, `rem`, `extra`, `rules`, and whether it has a `state`
 * 7. the places of those that had no row: one was added, if they have a count
 * 8. the places of those of 7 that another transaction has added meanwhile, or that have no count
 */
export const BUCKET_FUNCTIONS: readonly SqlFunction[] = [
  { name: "take_alike_3", sql: takeAlikeOf },
  { name: "take_buckets_3", sql: (names) => takeBucketsOf(names, "take_buckets_3", columnsAfterAll, "u.count") },
  { name: "take_parts_1", sql: (names) => takeBucketsOf(names, "take_parts_1", columnsAfterPart) },
];

function takeAlikeOf(names: PostgresNames): string {
  const table = names.of("keys");
  const base = exactBase(ALIKE);
  const next = `(${base} + unit)`;
  const once = takeOnce(ONCE);
  const whole = takeOnceWhole(ONCE);
  const wholeMany = takeOnceWhole({ now: ONCE.now, us: `${TIMES} * unit`, roomUs: `bucket - (${TIMES}) * unit` });
  return `
CREATE OR REPLACE FUNCTION ${names.of("take_alike_3")}(
  names text, rule integer, unit bigint, denominator bigint, bucket bigint, most bigint, near bigint, far bigint,
  unit_us bigint, unit_rem bigint, room_us bigint, room_rem bigint, many text, times text, clock bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  keys text[] := string_to_array(names, ${SEPARATOR});
  many_keys text[] := string_to_array(many, ${SEPARATOR}); many_times bigint[] := times;
  now_us bigint := ${CLOCK};
  found integer; taken text; levels text; rems text; others text; missing text[]; places integer[]; added text[];
BEGIN
  IF many IS NOT NULL THEN${takeFromAll(table, `tat = ${wholeMany.tat}, rem = NULL, extra = NULL`, wholeMany.fits)}
  ELSIF most = bucket AND room_us >= 0 AND denominator = 1 THEN${
    takeFromAll(table, `tat = ${whole.tat}, rem = NULL, extra = NULL`, whole.fits)
  }
  ELSIF most = bucket AND room_us >= 0 THEN${
    takeFromAll(table, `tat = ${once.tat}, rem = ${once.rem}, extra = NULL`, once.fits, true)
  }
  ELSE${
    takeFromAll(
      table,
      `tat = now_us + ${next} / denominator, rem = nullif(${next} % denominator, 0),
        extra = nullif(${reachAfter(next, ALIKE, base)}, 0)`,
      fits(base, ALIKE),
      true,
    )
  }
  END IF;
  IF found = cardinality(keys) THEN RETURN now_us || '|' || levels || '|' || coalesce(rems, '') || '|'; END IF;${
    look(
      table,
      `SELECT t.key, max(t.ord)::integer AS ord
        FROM (SELECT * FROM unnest(keys) WITH ORDINALITY
          UNION ALL SELECT d, 0 FROM unnest(string_to_array(taken, ${SEPARATOR})) d) t(key, ord)
        GROUP BY t.key HAVING count(*) = 1`,
    )
  }
  IF missing IS NOT NULL THEN
    WITH done AS (
      INSERT INTO ${table} AS r (tat, rem, rules, key, extra)
      SELECT now_us + ${TIMES} * unit_us, unit_rem, rule, r.key, ${reachAfter("unit", ALIKE)}
      FROM unnest(missing, places) r(key, place) ORDER BY r.place
      ON CONFLICT DO NOTHING RETURNING r.key)
    SELECT array_agg(key) INTO added FROM done;
  END IF;
  RETURN ${answer("concat(now_us, '|', levels, '|', rems, '|')")};
END $$;`;
}

/** `columns` are those after takes of a count, and `least` is how many takes there has to be room for. */
function takeBucketsOf(
  names: PostgresNames,
  name: string,
  columns: (count: string, operands: BucketOperands) => string,
  least?: string,
): string {
  const table = names.of("keys");
  const taken = `format('%s|%s|%s|%s', now_us, ${list("levels")}, ${list("rems")}, ${list("extras")})`;
  return `
CREATE OR REPLACE FUNCTION ${names.of(name)}(
  names text, counts text, starts text, numbers text, clock bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  keys text[] := string_to_array(names, ${SEPARATOR}); times bigint[] := counts; ats integer[] := starts; terms bigint[] := numbers;
  now_us bigint := ${CLOCK};
  taken bigint[]; levels bigint[]; rems bigint[]; extras bigint[];
  others text; missing text[]; places integer[]; added text[];
BEGIN
  WITH done AS (
    UPDATE ${table} r SET (tat, rem, extra) = (${columns("u.count", ANY)})
    FROM unnest(keys, times, ats) WITH ORDINALITY u(key, count, at, ord)
    WHERE r.key = u.key AND u.count > 0 AND r.rules = terms[u.at] AND r.state IS NULL AND ${
    fits(exactBase(ANY), ANY, least)
  }
    RETURNING u.ord, r.tat - now_us AS level, r.rem, r.extra)
  SELECT array_agg(ord), array_agg(level), CASE WHEN count(rem) > 0 THEN array_agg(rem) END,
    CASE WHEN count(extra) > 0 THEN array_agg(extra) END INTO taken, levels, rems, extras FROM done;
  IF cardinality(levels) = cardinality(keys) THEN
    RETURN ${taken};
  END IF;${
    look(
      table,
      `SELECT max(t.key) AS key, t.ord::integer
        FROM (SELECT * FROM unnest(keys) WITH ORDINALITY UNION ALL SELECT NULL, d FROM unnest(taken) d) t(key, ord)
        GROUP BY t.ord HAVING count(*) = 1`,
    )
  }
  IF missing IS NOT NULL THEN
    WITH done AS (
      INSERT INTO ${table} AS r (tat, rem, extra, rules, key)
      SELECT b.*, terms[u.at], u.key
      FROM (SELECT m.key, m.place, times[m.place] AS count, ats[m.place] AS at FROM unnest(missing, places) m(key, place)) u,
        LATERAL (${columnsAfterPart("u.count", ANY, true)}) b
      WHERE u.count > 0 ORDER BY u.place
      ON CONFLICT DO NOTHING RETURNING r.key)
    SELECT array_agg(key) INTO added FROM done;
  END IF;
  RETURN ${answer(taken)};
END $$;`;
}

/** Takes once from all keys that have room. Lists are texts: arrays cost more, and a rest that is never there is not listed. */
function takeFromAll(table: string, columns: string, condition: string, hasRest = false): string {
  return `
    WITH done AS (
      UPDATE ${table} r SET ${columns}
      WHERE r.key = ANY (keys) AND r.rules = rule AND r.state IS NULL AND ${condition}
      RETURNING r.key, r.tat - now_us AS level${hasRest ? ", r.rem" : ""})
    SELECT count(*), string_agg(key, ${SEPARATOR}), string_agg(level::text, ',')${
    hasRest ? ", string_agg(coalesce(rem::text, ''), ',')" : ""
  }
      INTO found, taken, levels${hasRest ? ", rems" : ""} FROM done;`;
}

/**
 * Looks at the keys that were not taken from: `left` selects their `key` and `ord`. Where none was taken from, as where all are
 * denied, those are all, and nothing needs to be compared.
 */
function look(table: string, left: string): string {
  const lookAt = (keys: string) => `
    SELECT string_agg(concat_ws(':', u.ord, r.tat, coalesce(r.rem, 0), coalesce(r.extra, 0), r.rules,
        (r.state IS NOT NULL)::integer), ',') FILTER (WHERE r.key IS NOT NULL),
      array_agg(u.key) FILTER (WHERE r.key IS NULL), array_agg(u.ord) FILTER (WHERE r.key IS NULL)
      INTO others, missing, places
      FROM ${keys} LEFT JOIN ${table} r ON r.key = u.key;`;
  return `
  IF taken IS NULL THEN${lookAt("unnest(keys) WITH ORDINALITY u(key, ord)")}
  ELSE${lookAt(`(${left}) u`)}
  END IF;`;
}

/** An array as text, with commas. PostgreSQL's own form of it costs three times as much. */
function list(array: string): string {
  return `array_to_string(${array}, ',', '')`;
}

/** The whole answer, which begins with `taken`. */
function answer(taken: string): string {
  return `format('%s|%s|%s|%s|%s', ${taken}, ${CLOCK}, others, ${list("places")},
    CASE WHEN cardinality(added) = cardinality(missing) THEN NULL
      ELSE (SELECT string_agg(m.place::text, ',') FROM unnest(missing, places) m(key, place) WHERE m.key <> ALL (coalesce(added, '{}')))
    END)`;
}
