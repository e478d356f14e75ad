/**
 * Users and passwords that functions give: tokens that expire, such as those of IAM and Entra.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import { withTimeout } from "../base/deadline.ts";
import { StoreError } from "../base/errors.ts";
import { kindOf } from "../base/text.ts";

/**
 * A user or a password: a text, or a function that gives one, at once or by a promise. The function is called whenever
 * a connection is opened, so that tokens that expire (IAM of AWS, Entra of Azure) are always fresh. What it takes
 * counts for `socketConnectTimeoutMs`.
 */
export type Credential = string | (() => string | Promise<string>);

/** Where a server is, and who we are there. */
export interface CredentialPlace {
  /** The user. */
  readonly username?: Credential;
  /** The password. */
  readonly password?: Credential;
  /** Where it is, for messages: without user and password. */
  readonly label: string;
}

/** A place whose user and password are known. */
export type KnownPlace<Place extends CredentialPlace> = Omit<Place, "username" | "password"> & {
  /** The user; absent where there is none. */
  readonly username?: string;
  /** The password, in plain text; absent where there is none. */
  readonly password?: string;
};

/**
 * Asks for user and password, for one attempt to connect. Functions are called together, each time anew.
 *
 * @param place Where to, and who gives them.
 * @param timeoutMs How long they may take, in milliseconds.
 * @param title What messages call the server.
 * @returns The place with both, and how much of the time is left.
 * @throws {StoreError} If one fails, gives something else than a text, or takes too long. The message names the option
 * and never what it gave.
 */
export async function askCredentials<Place extends CredentialPlace>(
  place: Place,
  timeoutMs: number,
  title: string,
): Promise<{ readonly place: KnownPlace<Place>; readonly leftMs: number }> {
  const { username, password } = place;
  if (typeof username !== "function" && typeof password !== "function") {
    return { place: place as KnownPlace<Place>, leftMs: timeoutMs };
  }
  const options = { where: `${title} at ${place.label}`, timeoutMs };
  const startUs = systemClock.nowUs();
  const [user, secret] = await Promise.all([
    askCredential(username, { ...options, option: "username" }),
    askCredential(password, { ...options, option: "password" }),
  ]);
  return {
    place: {
      ...place,
      ...(user === undefined ? {} : { username: user }),
      ...(secret === undefined ? {} : { password: secret }),
    } as KnownPlace<Place>,
    leftMs: Math.max(timeoutMs - (systemClock.nowUs() - startUs) / 1_000, 1),
  };
}

/** What a credential is for. */
export interface CredentialUse {
  /** What is connected to, for messages: `Redis at redis://host:6379`. */
  readonly where: string;
  /** The name of the option. */
  readonly option: string;
  /** How long its function may take, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The text of one credential.
 *
 * @throws {StoreError} If its function fails, gives something else than a text, or takes too long.
 */
export function askCredential(
  credential: Credential | undefined,
  { where, option, timeoutMs }: CredentialUse,
): Promise<string | undefined> {
  return withTimeout(
    textOf(where, option, credential),
    timeoutMs,
    () => cannot(where, option, `has given nothing within ${timeoutMs} ms`, { reason: "connect_timeout" }),
  );
}

async function textOf(
  where: string,
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
    throw cannot(where, option, `has failed: ${reason}`, { ...shown, reason: "authentication" });
  }
  if (typeof text === "string" && text !== "") return text;
  const given = text === "" ? "an empty text" : kindOf(text);
  throw cannot(where, option, `has to give a text, and gave ${given}`, { reason: "authentication" });
}

function cannot(
  where: string,
  option: string,
  what: string,
  options: ConstructorParameters<typeof StoreError>[2],
): StoreError {
  const message = `Cannot connect to ${where}: the function in the option ${option} ${what}`;
  return new StoreError("STORE_UNAVAILABLE", message, options);
}
