/**
 * The arithmetic of a token bucket in SQL: that of `algorithms/token_bucket/kernel.ts`, in whole numbers.
 *
 * A bucket is counted from the present: `base` is what it lacks of being full now, in units of 1 / denominator µs, and a
 * take adds `unit` of them. There is room while that is not above `most`: what a bucket holds, and the longest wait.
 *
 * @module
 */

/** The numbers of alike takes, as SQL. */
export interface BucketOperands {
  /** The clock, in microseconds. */
  readonly now: string;
  /** The clock, read anew. */
  readonly later: string;
  /** What one take adds. */
  readonly unit: string;
  /** The denominator of the rate. */
  readonly denominator: string;
  /** What a bucket holds. */
  readonly full: string;
  /** The most that a bucket may lack after a take. */
  readonly most: string;
  /** The most that it lacks where the reach of the latest promised instant is 1 (`algorithms/reach.ts`). */
  readonly near: string;
  /** The same for a reach of 2. */
  readonly far: string;
}

/** The reach of the latest promised instant of the row `r`; NULL or 0 where none is promised. */
const REACH = "(r.extra & 3)";

/**
 * How much later than `now` a take may be decided, in microseconds: somewhat longer than a statement waits for a row. What
 * `extra` tells of it has one number less than this.
 */
export const LATE_SPAN: number = 2 ** 19;

/**
 * What the bucket of the row `r` lacks (`arrive` of the kernel). Where it has no room at all, the number is not exact,
 * because the product would overflow.
 */
export function exactBase({ now, denominator, most }: BucketOperands): string {
  return `(CASE WHEN r.tat >= ${now} THEN least(r.tat - ${now}, ${most} / ${denominator} + 1) * ${denominator}` +
    ` + coalesce(r.rem, 0) WHEN r.rem > 0 AND r.tat = ${now} - 1 THEN r.rem - ${denominator} ELSE 0 END)`;
}

/**
 * Whether a take fits (`earliest`), or all of `count`, and the clock has not stepped back since the row was written (`settle`). If it has, the
 * row is left alone.
 */
export function fits(base: string, { unit, full, most, near, far }: BucketOperands, count?: string): string {
  return `${base} + ${
    count === undefined ? unit : `${count} * ${unit}`
  } <= ${most} AND (${most} = ${full} OR ${base} <= ${full} OR ${REACH} = 3` +
    ` OR (${REACH} = 2 AND ${base} <= ${far}) OR (${REACH} = 1 AND ${base} <= ${near}))`;
}

/** The numbers of a take from a bucket that has room for it now, as SQL. */
export interface OnceOperands {
  /** The clock, in microseconds. */
  readonly now: string;
  /** What the take adds, in whole microseconds, and the rest. */
  readonly us: string;
  readonly rem: string;
  /** The most that a bucket may lack before it, in whole microseconds, and the rest. */
  readonly roomUs: string;
  readonly roomRem: string;
  /** The denominator of the rate. */
  readonly denominator: string;
}

/**
 * `tat`, `rem` and the condition of such a take, in microseconds and rests: nothing is multiplied, so nothing overflows,
 * whatever rules a row is under.
 */
export function takeOnce(
  { now, us, rem, roomUs, roomRem, denominator }: OnceOperands,
): { readonly tat: string; readonly rem: string; readonly fits: string } {
  const rest = "coalesce(r.rem, 0)";
  // A bucket that has been full for less than a microsecond keeps its rest.
  const lacks = `r.tat + least(${rest}, 1) >= ${now}`;
  return {
    tat: `CASE WHEN ${lacks} THEN r.tat + (${rest} + ${rem}) / ${denominator} ELSE ${now} END + ${us}`,
    rem: `nullif(CASE WHEN ${lacks} THEN (${rest} + ${rem}) % ${denominator} ELSE ${rem} END, 0)`,
    fits: `r.tat + (${rest} > ${roomRem})::integer <= ${now} + ${roomUs}`,
  };
}

/** The same for a rate without a rest. */
export function takeOnceWhole({ now, us, roomUs }: Pick<OnceOperands, "now" | "us" | "roomUs">): {
  readonly tat: string;
  readonly fits: string;
} {
  return { tat: `greatest(r.tat, ${now}) + ${us}`, fits: `r.tat <= ${now} + ${roomUs}` };
}

/** The reach of what is promised after a take (`reachOf`, `reachBefore`); 0 where nothing is. No `base`: of a new row. */
export function reachAfter(next: string, { full, near, far }: BucketOperands, base?: string): string {
  const reach = `CASE WHEN ${next} <= ${near} THEN 1 WHEN ${next} <= ${far} THEN 2 ELSE 3 END`;
  const most = base === undefined ? reach : `greatest(${reach}, CASE WHEN ${base} > ${full} THEN ${REACH} END)`;
  return `CASE WHEN ${next} <= ${full} THEN 0 ELSE ${most} END`;
}

/** `tat`, `rem` and `extra` of the row `r` after `count` takes, for all of which there is room. */
export function columnsAfterAll(count: string, operands: BucketOperands): string {
  return rowAfter(
    operands,
    `SELECT ${operands.now} AS now, c.base, c.base + ${count} * ${operands.unit} AS next, 0 AS part
        FROM (SELECT ${exactBase(operands)} AS base OFFSET 0) c`,
  );
}

/**
 * The same after as many takes of `count` as there is room for. As `RETURNING` has no other way to tell it, `extra` has how
 * many those are, where that is not all of them, and how much later than `now` they were taken. No number of a new row is
 * NULL: see `tables.ts`.
 *
 * Where there is no room for all, the clock is read anew: another transaction may have written the row after `now`, while this
 * one waited for it. At `now`, such a row lacks more than it ever did.
 */
export function columnsAfterPart(count: string, operands: BucketOperands, isNew = false): string {
  const { now, later, unit, most } = operands;
  const baseAt = (time: string) => isNew ? "0" : exactBase({ ...operands, now: time });
  const hasRoom = `${baseAt(now)} + ${count} * ${unit} <= ${most}`;
  const lateUs = `CASE WHEN ${hasRoom} THEN 0 ELSE least(greatest(${later} - ${now}, 0), ${LATE_SPAN - 1}) END`;
  return rowAfter(
    operands,
    `SELECT ${now} + a.late AS now, a.base, a.base + a.units * ${unit} AS next,
          CASE WHEN a.late > 0 OR a.units < ${count} THEN (a.units * ${LATE_SPAN} + a.late) * 4 ELSE 0 END AS part
        FROM (SELECT c.*, least(${count}, (${most} - c.base) / ${unit}) AS units
          FROM (SELECT t.late, ${baseAt(`(${now} + t.late)`)} AS base
            FROM (SELECT ${isNew ? "0" : lateUs} AS late OFFSET 0) t OFFSET 0) c OFFSET 0) a`,
    isNew,
  );
}

/**
 * The columns of a row that lacks `next` after what was taken at `now`, and `base` before. They come from sub-selects, so that
 * nothing is computed twice; OFFSET keeps the planner from putting them together again.
 */
function rowAfter(operands: BucketOperands, from: string, isNew = false): string {
  const { denominator } = operands;
  const extra = `b.part + ${reachAfter("b.next", operands, isNew ? undefined : "b.base")}`;
  const orNull = (number: string) => isNew ? number : `nullif(${number}, 0)`;
  return `SELECT b.now + b.next / ${denominator}, ${orNull(`b.next % ${denominator}`)}, ${orNull(extra)}
      FROM (${from} OFFSET 0) b`;
}
