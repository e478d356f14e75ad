/**
 * Which of the runtime's clocks the time is read from, and how far it has moved.
 *
 * Three facts decide the design. `performance.now()` is monotonic and exact, but stands still while the machine sleeps
 * (Linux, macOS). `Date.now()` goes on during a sleep, but steps when it is set. And fake timers of test runners
 * (node:test, Jest, Vitest, Sinon, Bun) replace any of `Date`, `performance` and `setTimeout`, at any time.
 *
 * So the time is `performance.now()`, and what `Date.now()` has gained on it: a sleep, or a wall clock that was set
 * forward, which look the same. A wall clock that is set back changes nothing. Where `Date` or `performance` is a fake,
 * it alone drives the time.
 *
 * @module
 */

type Source = "system" | "date" | "performance";

/** A fake clock that reads less than this, ten years, started at 0 when it was installed, as most do. */
const STARTED_AT_ZERO_MS = 3.2e11;

/** A wall clock before 2020 was not set yet: what it gains when it is set is no time that has passed. */
const UNSET_MS = 1.577e12;

/** How long the hot path may go without a look at the wall clock, in milliseconds. */
const LOOK_MS = 1;

/** A gain of less than this is what `Date.now()` rounds off, or a correction in small steps: no sleep. */
const ROUNDING_MS = 2;

let { performance } = globalThis;
let dateNow = Date.now;
let realNow = performance.now;
let realPerformance = performance;

/** What both clocks read at the last look. */
let wallMs = Date.now();
let steadyMs = performance.now();
/** By how much the wall clock has led the steady one at most; of system time only. */
let leadMs = wallMs - steadyMs;
/** What the steady clock reads and this make the time. */
let aheadMs = leadMs;
let source: Source = sourceNow("system");
/** The hot path looks when the steady clock has left the millisecond that begins here. */
let lookedMs = -Infinity;
let sleptMs = 0;

/** The time in whole microseconds since the Unix epoch. Never less than before. */
export function readTimeUs(): number {
  let nowMs = performance.now();
  // Each decision comes by here: one call into the runtime, and no second one for the wall clock.
  if (Date.now !== dateNow || nowMs < lookedMs || nowMs >= lookedMs + LOOK_MS) nowMs = look();
  return Math.floor((aheadMs + nowMs) * 1_000);
}

/** How much of the time was a gain of the wall clock, since the start of the process, in milliseconds. */
export function readSleptMs(): number {
  return sleptMs;
}

/** Looks at both clocks. Returns what the steady one reads. */
function look(): number {
  const before = source;
  const isReplaced = Date.now !== dateNow;
  dateNow = Date.now;
  performance = globalThis.performance;
  // In this order: a process that is interrupted in between must not find a gain.
  const nowWallMs = Date.now();
  const nowSteadyMs = performance.now();
  const lastMs = aheadMs + steadyMs;
  if (isReplaced || before !== "system" || nowSteadyMs < steadyMs || performance.now !== realNow) {
    source = sourceNow(before);
  }
  if (source !== before || isReplaced) aheadMs = switched(before, nowWallMs, nowSteadyMs) - nowSteadyMs;
  else if (source === "date") aheadMs = lastMs + Math.max(nowWallMs - wallMs, 0) - nowSteadyMs;
  else if (nowSteadyMs < steadyMs) aheadMs = lastMs - nowSteadyMs;
  else if (source === "system" && nowWallMs - nowSteadyMs > leadMs) countSleep(nowWallMs - nowSteadyMs);
  wallMs = nowWallMs;
  steadyMs = nowSteadyMs;
  // Fakes move without a word: they are read each time.
  lookedMs = source === "system" ? nowSteadyMs : Infinity;
  return nowSteadyMs;
}

/** Adds what the wall clock has gained since it led by most: it leads by more now. */
function countSleep(nowLeadMs: number): void {
  const gainedMs = nowLeadMs - leadMs;
  leadMs = nowLeadMs;
  if (gainedMs < ROUNDING_MS || wallMs < UNSET_MS) return;
  sleptMs += gainedMs;
  aheadMs += gainedMs;
}

/** The time where fakes were installed, replaced or removed since the last look: it goes on from there. */
function switched(before: Source, nowWallMs: number, nowSteadyMs: number): number {
  const realMs = realNow.call(realPerformance);
  const lastMs = aheadMs + (before === "system" ? realMs : steadyMs);
  if (source === "system") {
    realPerformance = performance;
    realNow = performance.now;
    leadMs = nowWallMs - nowSteadyMs;
    return lastMs;
  }
  if (source === "performance") return lastMs + sinceZero(nowSteadyMs);
  // Both show whole milliseconds: the fake may have begun at the end of one.
  const passedMs = nowWallMs + 1 - (before === "system" ? leadMs + realMs : wallMs);
  return lastMs + (passedMs > 0 ? passedMs : sinceZero(nowWallMs));
}

function sinceZero(ms: number): number {
  return ms < STARTED_AT_ZERO_MS ? ms : 0;
}

function sourceNow(before: Source): Source {
  // Bun's fakes keep the functions, and mark this one.
  const isFakeDate = !String(dateNow).includes("[native code]") ||
    (setTimeout as { readonly clock?: unknown }).clock === true;
  if (isFakeDate) return "date";
  return before === "date" || performance.now === realNow ? "system" : "performance";
}
