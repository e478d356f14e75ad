/**
 * The option `peer` of adapters whose runtime may not report the address at the other end of a connection.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { Guard } from "./guard.ts";
import type { GuardOptions } from "./options.ts";

/**
 * The guard of an adapter, and how it finds the address at the other end of the socket.
 *
 * @param options The adapter's options, or a guard that was made before.
 * @param usual How the address is found where the options do not say.
 * @throws {ConfigError | NotFoundError} If anything is wrong that can be known now.
 */
export function guardWithPeer<Raw, Args extends unknown[]>(
  options: (GuardOptions<Raw> & { readonly peer?: (...args: Args) => string | undefined }) | Guard<Raw>,
  usual: (...args: Args) => string | undefined,
): { readonly guard: Guard<Raw>; readonly peer: (...args: Args) => string | undefined } {
  if (options instanceof Guard) return { guard: options, peer: usual };
  if (typeof options !== "object" || options === null) return { guard: new Guard<Raw>(options), peer: usual };
  const { peer = usual, ...rest } = options;
  if (typeof peer !== "function") {
    throw new ConfigError({ path: "peer", expected: "a function that returns an address", received: show(peer) });
  }
  return { guard: new Guard<Raw>(rest), peer };
}
