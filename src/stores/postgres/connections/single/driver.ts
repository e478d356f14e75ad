/**
 * Loading the driver, the npm package `postgres`.
 *
 * @module
 */

import { StoreError } from "../../../../base/errors.ts";
import { withAdvice } from "../../refusal.ts";

/** What makes clients. */
export type Driver = typeof import("postgres");

let driver: Promise<Driver> | undefined;

/**
 * Loads the driver. The first time that takes longer than a decision may.
 *
 * @throws {StoreError} If it is not installed.
 * @internal
 */
export function loadDriver(): Promise<Driver> {
  return driver ??= importDriver().catch((error: unknown) => {
    driver = undefined; // it may be installed meanwhile
    throw error;
  });
}

async function importDriver(): Promise<Driver> {
  try {
    // Where the published bundle requires it, the default of Bun's module lies one level deeper.
    let driver: unknown = await import("postgres");
    while (typeof driver !== "function") driver = (driver as { readonly default: unknown }).default;
    return driver as Driver;
  } catch (cause) {
    const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
    const isMissing = code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND";
    const what = `Cannot load the npm package "postgres": ${isMissing ? "it is not installed" : message}`;
    const reason = "driver_missing";
    throw new StoreError("STORE_UNAVAILABLE", withAdvice(what, reason), { cause, reason });
  }
}
