/**
 * Which instance is the default one, and whether its configuration was read. All copies of the package that this process
 * loads share it, if they have the same protocol.
 *
 * @module
 */

import { PROTOCOL } from "../base/brand.ts";
import { ConfigError, NotFoundError } from "../base/errors.ts";
import { Log } from "../observe/log.ts";
import type { CloseOptions } from "./close_options.ts";
import { createRateSync, type RateSync } from "./rate_sync.ts";

/** The default instance, and what is known of its configuration. */
export interface Default {
  /** The protocol of the copy that made it. */
  readonly protocol: number;
  /** Where its messages go. */
  readonly log: Log;
  /** The instance. */
  readonly instance: RateSync;
  /** Whether it was configured by a call, so that it looks for no file. */
  configured: boolean;
  /** Where a configuration file was looked for, if there is none. */
  searched: string | undefined;
  /** Reads the file, at the first call that can wait for it. */
  ready: Promise<RateSync> | undefined;
  /** What became of `ready`. */
  isReady: boolean;
  /** Why the file could not be read. */
  failure: unknown;
}

/** Where the copies of the package find the default instance. */
const SHARED = Symbol.for("@ratesync/core/default-instance");

const shared = globalThis as { [SHARED]?: Default | undefined };

/** The instance of this copy alone, where the shared one has another protocol. */
let own: Default | undefined;

/** The default instance, made at the first call. */
export function theDefault(): Default {
  const found = shared[SHARED] ??= makeDefault();
  return found.protocol === PROTOCOL ? found : own ??= makeOwn();
}

function makeDefault(): Default {
  const log = new Log();
  return {
    protocol: PROTOCOL,
    log,
    instance: createRateSync({ logger: log }),
    configured: false,
    searched: undefined,
    ready: undefined,
    isReady: false,
    failure: undefined,
  };
}

function makeOwn(): Default {
  console.warn(
    "rate-sync: this process has loaded two incompatible versions of @ratesync/core: each has a default instance of its " +
      "own, and what one limits the other does not count. Install one version: npm ls @ratesync/core",
  );
  return makeDefault();
}

/**
 * The instance, with its configuration file read. A failure to read it reaches every caller.
 *
 * @param limiter A limiter that the caller needs.
 * @throws {NotFoundError} If there is neither a file nor a limiter.
 * @throws {ConfigError} If anything in the file is wrong.
 */
export async function ready(limiter?: string): Promise<RateSync> {
  const it = theDefault();
  await (it.ready ??= it.configured ? Promise.resolve(it.instance) : findAndLoad(it));
  return known(it, limiter);
}

async function findAndLoad(it: Default): Promise<RateSync> {
  try {
    const { CONFIG_PLACES, findConfigFile } = await import("./config/mod.ts");
    const path = await findConfigFile();
    if (path === undefined) it.searched = CONFIG_PLACES;
    else await it.instance.loadConfig(path);
    it.isReady = true;
    return it.instance;
  } catch (error) {
    it.failure = error;
    throw error;
  }
}

/**
 * The instance, for calls that look at what is configured: with nothing to look at, they must not find all in order.
 *
 * @throws {ConfigError} If there is neither a file nor a configuration in code, or anything in the file is wrong.
 */
export async function configuredInstance(): Promise<RateSync> {
  const instance = await ready();
  const { searched, configured } = theDefault();
  if (searched === undefined || configured) return instance;
  throw new ConfigError({ path: "rate-sync.toml", expected: searched, received: "none of them" });
}

/**
 * The instance, where its configuration has been read; undefined where `ready` still has to do that.
 *
 * @throws {NotFoundError} As `ready`.
 */
export function readyAtOnce(limiter?: string): RateSync | undefined {
  const it = theDefault();
  return it.configured || it.isReady ? known(it, limiter) : undefined;
}

/**
 * The instance, for calls that answer at once and cannot wait for the file.
 *
 * @param call What was called, for the error.
 * @param limiter A limiter that the caller needs.
 * @throws {ConfigError} If the file was not read yet.
 */
export function readyNow(call: string, limiter?: string): RateSync {
  const instance = readyAtOnce(limiter);
  if (instance !== undefined) return instance;
  throw theDefault().failure ?? new ConfigError({
    path: "rate-sync.toml",
    expected: `to be read before ${call} is called: await loadConfig(), or a first decision`,
    received: "a call before that",
  });
}

function known(it: Default, limiter: string | undefined): RateSync {
  if (limiter === undefined || it.searched === undefined || it.configured) return it.instance;
  throw new NotFoundError("limiter", limiter, [], `there is no ${it.searched}`);
}

/** It was configured by a call: it looks for no file from now on. */
export function needsNoFile(it: Default): void {
  it.configured = true;
  it.ready = undefined;
}

/** Closes it, if there is one. The next use makes a new one. */
export async function closeDefault(options: CloseOptions): Promise<void> {
  const closing = own ?? shared[SHARED];
  if (closing?.protocol !== PROTOCOL) return;
  if (options.drain) await closing.instance.close(options);
  if (closing === own) own = undefined;
  else if (closing === shared[SHARED]) shared[SHARED] = undefined;
  await closing.instance.close();
}
