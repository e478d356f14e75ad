/**
 * What holds through every fault.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import process from "node:process";

import { auditTogether } from "../_support/auditor/recorder.ts";
import {
  DECISION_MS,
  type Fault,
  LANES,
  type Loss,
  type Outcome,
  type Place,
  SHARE,
  SLACK_MS,
  TIGHT,
} from "./_traffic.ts";

/** How long there may be a Redis before it decides again: two seconds, and what a busy machine adds. */
export const RECOVERY_MS: number = 2_000 + 2 * SLACK_MS;

/**
 * What a primary that goes may take with it of the calls of one caller: one that it has answered, and its replicas
 * have not heard of; and one that it grants when it is awake again, which is then given back if no call has taken it.
 */
const LAST_WRITES = 2;

/** The events of stores as letters. */
const LETTERS: Readonly<Record<string, string>> = { store_impaired: "i", store_down: "d", store_up: "u" };

/** Each report begins once, may get worse, and ends once before the next one begins. */
const REPORTS = /^(?:(?:i|d|id)u)*(?:i|d|id)?$/;

/**
 * Holds what became of the calls to the bounds in docs/faults.md.
 *
 * @param fault What they went through.
 * @param outcome What became of them.
 */
export function holdToBounds<Where extends Place>(fault: Fault<Where>, outcome: Outcome): void {
  const { name, loses = "nothing", isMistake = false } = fault;
  if (process.env["RATESYNC_FAULT_ROWS"] !== undefined) console.log(row(name, outcome));
  const { allowed, degraded, charged, longestMs, recoveryMs, tight, meanwhile, lease } = outcome;
  assert.ok(longestMs <= DECISION_MS + SLACK_MS, `a decision took ${longestMs} ms`);
  assert.ok(recoveryMs <= RECOVERY_MS, `Redis was back for ${recoveryMs} ms`);
  assert.ok(allowed > 0);
  // Over-admission: none, unless Redis itself has forgotten. What this process allows alone is counted apart.
  const forgotten: Readonly<Record<Loss, { allowed: number; tight: number }>> = {
    nothing: { allowed: 0, tight: 0 },
    "last writes": { allowed: LANES * LAST_WRITES, tight: LAST_WRITES },
    "writes meanwhile": { allowed: meanwhile.allowed + LANES * LAST_WRITES, tight: meanwhile.tight + LAST_WRITES },
    all: { allowed, tight: TIGHT },
  };
  const lost = forgotten[loses];
  assert.ok(tight.shared <= TIGHT + lost.tight, `${tight.shared} of ${TIGHT}, ${lost.tight} forgotten`);
  assert.ok(tight.local <= TIGHT * SHARE, `${tight.local} alone`);
  // Nothing is charged twice: what Redis counts beyond what it allowed was asked once, and not answered in time.
  assert.ok(charged <= allowed + degraded, `${charged} charged for ${allowed} and ${degraded}`);
  assert.ok(charged >= allowed - lost.allowed, `${charged} charged for ${allowed}`);
  if (loses !== "all") {
    assert.ok(!lease.lost, "the lease was there all the time");
    assert.ok(!lease.shared, "no other call had its slot");
  }
  if (loses === "nothing") assert.deepEqual(auditTogether([outcome.entries]), []);
  // What ends by itself is no mistake of the configuration, and no operator is sent to look for one.
  const mistakes = outcome.warnings.filter((text) => text.includes("will not heal by itself"));
  assert.ok(mistakes.length <= (isMistake ? 1 : 0), mistakes.join("\n"));
  assert.match(outcome.events.map((event) => LETTERS[event] ?? event).join(""), REPORTS);
}

/** A row of the table in docs/faults.md, printed for the author of the page. */
function row(name: string, { longestMs, recoveryMs, degraded, tight, lease }: Outcome): string {
  const held = lease.lost ? "lost" : "kept";
  return `| ${name} | ${Math.round(longestMs)} ms | ${
    Math.round(recoveryMs)
  } ms | ${degraded} | ${tight.shared} + ${tight.local} | ${held} |`;
}

/** The first cells of the rows of docs/faults.md, from a heading to the next one. */
export async function rowsUnder(heading: string): Promise<(string | undefined)[]> {
  const page = await readFile(new URL("../../docs/faults.md", rootUrl()), "utf8");
  const section = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.split("|")[1]?.trim());
  return rows.slice(2); // the head, and the line under it
}

/** Compiled tests lie one folder deeper than their source. */
function rootUrl(): string {
  return import.meta.url.replace("/dist/tests/", "/tests/");
}
