/**
 * Which proxies a guard trusts: its options say, or the configuration that is in force now.
 *
 * @module
 */

import type { HttpConfig } from "../registry/options.ts";
import { type ClientAddressOptions, NetworkSet } from "./client_address.ts";
import type { LimiterSource } from "./source.ts";

/** How a guard finds the addresses of clients. */
export class AddressRules {
  readonly #source: LimiterSource;
  readonly #options: ClientAddressOptions;
  #networks: readonly string[] | undefined;
  #configured: ClientAddressOptions;

  /**
   * Follows the configuration of the limiters where the options name no networks.
   *
   * @param source Where the limiters come from.
   * @param addressHeader The header that holds the address.
   * @param trustedProxies The networks, where the options name them.
   */
  constructor(source: LimiterSource, addressHeader: string | undefined, trustedProxies: NetworkSet | undefined) {
    this.#source = source;
    this.#options = this.#configured = { trustedProxies, addressHeader };
  }

  /** The rules that are in force now. */
  now(): ClientAddressOptions | Promise<ClientAddressOptions> {
    if (this.#options.trustedProxies !== undefined) return this.#options;
    const http = this.#source.http();
    return http instanceof Promise ? http.then((later) => this.#by(later)) : this.#by(http);
  }

  #by({ trustedProxyNetworks: networks }: HttpConfig): ClientAddressOptions {
    if (networks === undefined) return this.#options;
    if (this.#networks !== networks) {
      const trustedProxies = new NetworkSet(networks, "http.trustedProxyNetworks");
      this.#configured = { ...this.#options, trustedProxies };
      this.#networks = networks;
    }
    return this.#configured;
  }
}
