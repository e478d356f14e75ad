/**
 * How the server of `ratesync serve` runs.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions } from "../base/unknown_options.ts";

/** How the server runs. */
export interface ServeOptions {
  /** The address to listen on. One beyond loopback needs a token. @default {"127.0.0.1"} */
  readonly host?: string;
  /** The port, 0 to 65 535; 0 takes a free one. @default {4290} */
  readonly port?: number;
  /** The path of a Unix socket to listen on, in place of host and port. Its file has mode 0660. */
  readonly socketPath?: string;
  /** What clients must send as `Authorization: Bearer TOKEN`: 16 to 1 024 printable ASCII characters without spaces. */
  readonly token?: string | undefined;
  /** The longest body of a request, in bytes, 1 to 2^30. @default {1_048_576} */
  readonly maxBodyBytes?: number;
  /** The most items of a batch, 1 to 10 000. @default {256} */
  readonly maxBatch?: number;
  /** The most connections at a time, 1 to 1 000 000. Requests on others are answered with 503. @default {1_024} */
  readonly maxConnections?: number;
  /** The most decisions under way at a time, those that wait among them, 1 to 1 000 000. @default {10_000} */
  readonly maxPending?: number;
  /** The most permits and reservations that are held for clients at a time, 1 to 10 000 000. @default {100_000} */
  readonly maxHeld?: number;
  /** The longest `timeoutMs` of a request, in milliseconds, from 0. @default {60_000} */
  readonly maxWaitMs?: number;
  /** How long a client may take to send the head of a request, in milliseconds, from 1. @default {10_000} */
  readonly headTimeoutMs?: number;
  /** How long a client may take to send the body, in milliseconds, from 1. @default {10_000} */
  readonly bodyTimeoutMs?: number;
  /** Called with errors that are no fault of a client. @default writes them to the console */
  readonly onError?: (error: unknown) => void;
  /** What permits and reservations end by. @default the machine's clock */
  readonly clock?: Clock;
}

/** The same, with every default. */
export type ServeSettings = Required<Omit<ServeOptions, "socketPath" | "token">> & {
  readonly socketPath: string | undefined;
  readonly token: string | undefined;
};

/** Numbers: the least, the most, the default. */
const NUMBERS = {
  port: [0, 65_535, 4_290],
  maxBodyBytes: [1, 2 ** 30, 2 ** 20],
  maxBatch: [1, 10_000, 256],
  maxConnections: [1, 1_000_000, 1_024],
  maxPending: [1, 1_000_000, 10_000],
  maxHeld: [1, 10_000_000, 100_000],
  maxWaitMs: [0, 2 ** 31 - 1, 60_000],
  headTimeoutMs: [1, 2 ** 31 - 1, 10_000],
  bodyTimeoutMs: [1, 2 ** 31 - 1, 10_000],
} as const;

type NumberName = keyof typeof NUMBERS;

const NAMES = [...Object.keys(NUMBERS), "host", "socketPath", "token", "onError", "clock"];

/**
 * Checks the options and adds the defaults.
 *
 * @throws {ConfigError} If one cannot be used, or the server would be open to others without a token.
 */
export function serveSettings(options: ServeOptions): ServeSettings {
  rejectUnknownOptions(options, NAMES, "serve.");
  const numbers = {} as Record<NumberName, number>;
  for (const name of Object.keys(NUMBERS) as NumberName[]) numbers[name] = numberOf(name, options[name]);
  const { host = "127.0.0.1", socketPath, token, onError = console.error, clock = systemClock } = options;
  if (typeof host !== "string" || host === "") fail("host", "an address or a host name", show(host));
  if (socketPath !== undefined && (typeof socketPath !== "string" || socketPath === "")) {
    fail("socketPath", "the path of a socket", show(socketPath));
  }
  if (token !== undefined && (typeof token !== "string" || !/^[\x21-\x7e]{16,1024}$/.test(token))) {
    fail("token", "16 to 1024 printable ASCII characters without spaces", "another text"); // never the text itself
  }
  if (token === undefined && socketPath === undefined && !isLoopback(host)) {
    fail("host", "127.0.0.1, ::1 or localhost while there is no token, so that only this machine can ask", show(host));
  }
  return { ...numbers, host, socketPath, token, onError, clock };
}

/** Whether only this machine reaches a host name or an address. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

function numberOf(name: NumberName, value: number | undefined): number {
  const [least, most, usual] = NUMBERS[name];
  if (value === undefined) return usual;
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    fail(name, `a whole number from ${least} to ${most}`, show(value));
  }
  return value;
}

function fail(name: string, expected: string, received: string): never {
  throw new ConfigError({ path: `serve.${name}`, expected, received });
}
