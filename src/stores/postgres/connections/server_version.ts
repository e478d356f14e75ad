/**
 * Which servers the store can use.
 *
 * @module
 */

import { StoreError } from "../../../base/errors.ts";
import { withAdvice } from "../refusal.ts";

/** The first version of PostgreSQL that the store is made for. */
const LEAST_VERSION = 14;

/** What a server says of itself. */
export interface ServerIdentity {
  /** Its version, as the parameter `server_version` has it. */
  readonly version: string | null | undefined;
  /** Whether it follows another server. */
  readonly isStandby: boolean;
}

/**
 * Checks that a server is new enough, and takes writes.
 *
 * @param label Where it is, for the message.
 * @throws {StoreError} If it cannot be used.
 */
export function checkServer(label: string, { version, isStandby }: ServerIdentity): void {
  const isOld = Number.parseInt(version ?? "", 10) < LEAST_VERSION;
  if (!isOld && !isStandby) return;
  const reason = isOld ? "version_unsupported" : "read_only";
  const text = isOld ? `its version is ${version}` : "it follows another server, and takes no writes";
  const message = `Cannot use PostgreSQL at ${label}: ${withAdvice(text, reason)}`;
  throw new StoreError("STORE_REFUSED", message, { reason });
}
