/**
 * Users and passwords that functions give: tokens that expire, such as those of IAM and Entra.
 *
 * @module
 */

import { systemClock } from "../../../../base/clock.ts";
import { withTimeout } from "../../../../base/deadline.ts";
import { StoreError } from "../../../../base/errors.ts";
import { kindOf } from "../../../../base/text.ts";
import type { Credential } from "../../options.ts";
import type { Endpoint } from "../settings/url.ts";

/** An endpoint whose user and password are known. */
export interface KnownEndpoint extends Endpoint {
  /** ACL user; absent where no password is used. */
  readonly username?: string;
  /** The password, in plain text; absent where none is used. */
  readonly password?: string;
}

/**
 * Asks for user and password, for one attempt to connect. Functions are called together, each time anew.
 *
 * @param endpoint Where to, and who gives them.
 * @param timeoutMs How long they may take, in milliseconds.
 * @returns The endpoint with both, and how much of the time is left.
 * @throws {StoreError} If one fails, gives something else than a text, or takes too long. The message names the option
 * and never what it gave.
 */
export async function askCredentials(
  endpoint: Endpoint,
  timeoutMs: number,
): Promise<{ readonly endpoint: KnownEndpoint; readonly leftMs: number }> {
  const { username, password } = endpoint;
  if (typeof username !== "function" && typeof password !== "function") {
    return { endpoint: endpoint as KnownEndpoint, leftMs: timeoutMs };
  }
  const startUs = systemClock.nowUs();
  const ask = (option: string, credential: Credential | undefined) =>
    withTimeout(
      textOf(endpoint, option, credential),
      timeoutMs,
      () => cannot(endpoint, option, `has given nothing within ${timeoutMs} ms`, { reason: "connect_timeout" }),
    );
  const [user, secret] = await Promise.all([ask("username", username), ask("password", password)]);
  return {
    endpoint: {
      ...endpoint,
      ...(user === undefined ? {} : { username: user }),
      ...(secret === undefined ? {} : { password: secret }),
    } as KnownEndpoint,
    leftMs: Math.max(timeoutMs - (systemClock.nowUs() - startUs) / 1_000, 1),
  };
}

async function textOf(
  endpoint: Endpoint,
  option: string,
  credential: Credential | undefined,
): Promise<string | undefined> {
  if (typeof credential !== "function") return credential;
  let text: unknown;
  try {
    text = await credential();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : kindOf(cause);
    const shown = cause instanceof Error ? { cause } : {};
    throw cannot(endpoint, option, `has failed: ${reason}`, { ...shown, reason: "authentication" });
  }
  if (typeof text === "string" && text !== "") return text;
  const given = text === "" ? "an empty text" : kindOf(text);
  throw cannot(endpoint, option, `has to give a text, and gave ${given}`, { reason: "authentication" });
}

function cannot(
  { label }: Endpoint,
  option: string,
  what: string,
  options: ConstructorParameters<typeof StoreError>[2],
): StoreError {
  const message = `Cannot connect to Redis at ${label}: the function in the option ${option} ${what}`;
  return new StoreError("STORE_UNAVAILABLE", message, options);
}
