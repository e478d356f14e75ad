/**
 * The checks of others, whose errors speak of code (`ratePerSecond`), told in terms of the file (`rate_per_second`).
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { configError, type Path } from "./document.ts";
import type { Section } from "./section.ts";
import { DURATIONS, inTomlSpelling, SECRETS } from "./toml_names.ts";

/**
 * Runs a check of a section's options. Its errors get the option's TOML name and place;
 * a duration is shown as the file has it and what it may be in seconds, and a secret not at all.
 *
 * @param section The section that the options came from.
 * @param check Throws a `ConfigError` with a path relative to the options.
 * @throws {ConfigError} If the check does. Other errors pass untouched.
 */
export function checkSection(section: Section, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof ConfigError) throw translate(error, section);
    throw error;
  }
}

function translate(error: ConfigError, section: Section): ConfigError {
  const steps: Path = error.path.split(/[.[\]]+/).filter((step) => step !== "").map(toStep);
  const holder = holderOf(section, steps);
  const path = steps.map((step) => typeof step === "string" ? inToml(step, holder) : step);
  const key = path.at(-1);
  const isDuration = typeof key === "string" && DURATIONS.has(key);
  const isWritten = typeof key === "string" && holder.has(key) && (SECRETS.has(key) || isDuration);
  const expected = inToml(error.expected, holder);
  return configError(
    [...section.path, ...path],
    isDuration ? inSeconds(expected) : expected,
    isWritten ? holder.shown(key) : error.received === "undefined" ? "nothing" : inToml(error.received, holder),
  );
}

/** The table that an option stands in: the section, or one of its `limits`. */
function holderOf(section: Section, steps: Path): Section {
  const at = steps[0] === "limits" ? steps[1] : undefined;
  return (typeof at === "number" ? section.sections("limits")?.[at] : undefined) ?? section;
}

/** What a duration may be, said in milliseconds, as a file writes it: its numbers are seconds. */
function inSeconds(expected: string): string {
  if (!/\bmilliseconds\b/.test(expected)) return expected;
  return expected
    .replace(/\bmilliseconds\b/, "seconds")
    .replace(/\bInfinity\b/, "inf")
    .replace(/\d+(?: \d{3})*(?:\.\d+)?(?!\d| years)/g, (ms) => String(Number(ms.replaceAll(" ", "")) / 1e3));
}

function toStep(step: string): string | number {
  return /^\d+$/.test(step) ? Number(step) : step;
}

function inToml(text: string, holder: Section): string {
  return inTomlSpelling(holder.has("window") ? text.replace(/\bwindowMs\b/g, "window") : text);
}
