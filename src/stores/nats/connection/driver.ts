/**
 * Loading the client of NATS.
 *
 * @module
 */

import { StoreError } from "../../../base/errors.ts";

/** The client's module. */
export type NatsDriver = typeof import("@nats-io/transport-node");

/**
 * Loads the client. The first time that takes longer than a decision may.
 *
 * @throws {StoreError} If it cannot be loaded; the message says why.
 */
export async function loadNatsDriver(): Promise<NatsDriver> {
  try {
    return await import("@nats-io/transport-node");
  } catch (cause) {
    const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
    const isMissing = code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND";
    const why = isMissing ? "it is not installed" : String(message ?? cause);
    throw new StoreError(
      "STORE_UNAVAILABLE",
      `Cannot load the npm package "@nats-io/transport-node": ${why}; this will not heal by itself: npm install ` +
        "@nats-io/transport-node (deno add npm:@nats-io/transport-node, bun add @nats-io/transport-node); where a bundler " +
        "takes it in, keep it external",
      { cause, reason: "driver_missing" },
    );
  }
}
