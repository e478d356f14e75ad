/**
 * The address of a client behind proxies. Only trusted proxies are believed.
 *
 * @module
 */

import { brand } from "../base/brand.ts";
import { ConfigError } from "../base/errors.ts";
import {
  type Address,
  contains,
  formatAddress,
  masked,
  type Network,
  parseAddress,
  parseNetwork,
} from "../base/network.ts";
import { show } from "../base/text.ts";
import { checkOptions } from "./check_options.ts";
import { forwardedFor } from "./forwarded.ts";
import { isHeaderName } from "./header_pair.ts";
import { isTranslated, translated } from "./nat64.ts";
import { type HeaderSource, readHeader } from "./header_source.ts";

/** Networks whose proxies are trusted by default: private ones, and this machine. */
export const DEFAULT_TRUSTED_PROXIES: readonly string[] = Object.freeze([
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "127.0.0.0/8",
  "::1/128",
  "fc00::/7",
]);

/** How the client's address is found. */
export interface ClientAddressOptions {
  /**
   * Networks of trusted proxies, as CIDRs or addresses; none for a server that clients reach directly.
   * @default private networks and this machine: `DEFAULT_TRUSTED_PROXIES`
   */
  readonly trustedProxies?: readonly string[] | NetworkSet | undefined;
  /**
   * The header in which your proxies send the client's address: `"x-forwarded-for"` and `"forwarded"` are chains, any
   * other holds one address (`"cf-connecting-ip"`, `"cloudfront-viewer-address"`, `"x-real-ip"`). Only this one is read.
   * Where the runtime reports no peer, the header is believed only if it is named here. @default {"x-forwarded-for"}
   */
  readonly addressHeader?: string | undefined;
}

/** The other end of a socket. */
export interface Peer {
  /** Its address in canonical form; `undefined` where that is none. */
  readonly address: string | undefined;
  /** Whether it is believed. */
  readonly isTrusted: boolean;
}

/** How many peers are remembered. */
const MAX_PEERS = 1_000;

/** A list of networks, read once. */
export class NetworkSet {
  static {
    brand(this, "NetworkSet");
  }

  readonly #networks: readonly Network[];
  readonly #peers = new Map<string, Peer>();

  /**
   * Reads a list.
   *
   * @param networks CIDRs or addresses.
   * @param path Where they stand, for messages.
   * @throws {ConfigError} If one of them is no network.
   */
  constructor(networks: readonly string[], path: string = "trustedProxies") {
    if (!Array.isArray(networks)) {
      throw new ConfigError({ path, expected: "an array of networks", received: show(networks) });
    }
    this.#networks = networks.map((text, i) => {
      const network = typeof text === "string" ? parseNetwork(text) : undefined;
      if (network !== undefined) return network;
      const expected = "a network such as 10.0.0.0/8 or fc00::/7, or an address";
      throw new ConfigError({ path: `${path}[${i}]`, expected, received: show(text) });
    });
  }

  /** Whether an address lies in one of them. */
  has(address: Address): boolean {
    return this.#networks.some((network) => contains(network, address));
  }

  /** Reads the address of a peer. It is remembered, because a proxy, or a connection that is kept alive, sends many requests. */
  peer(text: string): Peer {
    let peer = this.#peers.get(text);
    if (peer === undefined) {
      const address = parseHop(text);
      peer = {
        address: address && formatAddress(translated(address)),
        isTrusted: address !== undefined && this.has(address),
      };
      if (this.#peers.size >= MAX_PEERS) this.#peers.clear();
      this.#peers.set(text, peer);
    }
    return peer;
  }
}

const DEFAULT_NETWORKS = new NetworkSet(DEFAULT_TRUSTED_PROXIES);

/** The most proxies that a request passes. */
const MAX_HOPS = 64;

/**
 * The address of the client that sent a request. A chain is read from its end, which the nearest proxy has written, and
 * only while each hop is trusted. What a client writes into the header itself is further to the left, and is ignored.
 *
 * @param headers The request's headers.
 * @param peer The address at the other end of the socket.
 * @param options Which proxies are trusted, and which header they set.
 * @returns The address in canonical form, without port or zone; IPv4-mapped IPv6 as IPv4, and so is `64:ff9b::/96`, what
 * NAT64 makes of public IPv4 addresses. `undefined` where it cannot be known: no peer, or a trusted proxy that tells
 * something else than an address.
 * @throws {ConfigError} If an option is wrong or misspelt.
 */
export function clientAddress(
  headers: HeaderSource,
  peer: string | undefined,
  options: ClientAddressOptions = {},
): string | undefined {
  checkOptions(options, ["trustedProxies", "addressHeader"], "clientAddress", true);
  checkAddressHeader(options.addressHeader);
  return findAddress(headers, peer, options);
}

/** Throws for a value that cannot be the name of a header. */
export function checkAddressHeader(name: unknown): void {
  if (name === undefined || (typeof name === "string" && isHeaderName(name))) return;
  throw new ConfigError({ path: "addressHeader", expected: "the name of a header", received: show(name) });
}

/** The same for options that have been checked. */
export function findAddress(
  headers: HeaderSource,
  peer: string | undefined,
  { trustedProxies = DEFAULT_NETWORKS, addressHeader: header }: ClientAddressOptions,
): string | undefined {
  const trusted = trustedProxies instanceof NetworkSet ? trustedProxies : new NetworkSet(trustedProxies);
  const last = peer === undefined || peer === "" ? undefined : trusted.peer(peer);
  if (last === undefined ? header === undefined : !last.isTrusted) return last?.address;
  const found = fromHeader(headers, header ?? "x-forwarded-for", trusted);
  if (found === "nothing") return last?.address;
  return found && formatAddress(translated(found));
}

/**
 * An address as a network of that size: what limits all of it together. IPv4 stays as it is, and so does an address
 * behind which a translator such as NAT64 has put an IPv4 address: all that it serves would share one network.
 */
export function addressGroup(address: string, ipv6Prefix: number): string {
  if (!address.includes(":") || ipv6Prefix >= 128) return address;
  const parsed = parseAddress(address);
  if (parsed === undefined || parsed.kind() === "ipv4" || isTranslated(parsed)) return address;
  return `${formatAddress(masked(parsed, ipv6Prefix))}/${ipv6Prefix}`;
}

/** The address in the header of trusted proxies; `undefined` where the header holds none. */
function fromHeader(headers: HeaderSource, name: string, trusted: NetworkSet): Address | "nothing" | undefined {
  const value = readHeader(headers, name);
  if (value === undefined || value.trim() === "") return "nothing";
  const lower = name.toLowerCase();
  if (lower === "cloudfront-viewer-address") return parseWithPort(value.trim());
  if (lower !== "x-forwarded-for" && lower !== "forwarded") return parseHop(value.trim());
  const chain = lower === "forwarded" ? forwardedFor(value) : hopsFromEnd(value);
  let hop: Address | undefined | "nothing" = "nothing";
  for (const text of chain ?? [""]) {
    hop = parseHop(text);
    if (hop === undefined || !trusted.has(hop)) return hop;
  }
  return hop; // all of them are trusted: the first one is where the request began
}

/** The elements of a list, the last one first; at most as many as there can be proxies. */
function* hopsFromEnd(list: string): Iterable<string> {
  for (let end = list.length, hops = 0; end >= 0;) {
    const comma = end === 0 ? -1 : list.lastIndexOf(",", end - 1);
    const hop = list.slice(comma + 1, end).trim();
    end = comma;
    if (hop === "") continue;
    if (++hops > MAX_HOPS) return yield "";
    yield hop;
  }
}

/** An address with or without a port, or what stands for one: `192.0.2.1:80`, `[2001:db8::1]:_x`, `2001:db8::1`. */
function parseHop(text: string): Address | undefined {
  const bracketed = /^\[([^\]]*)\](?::(?:\d{1,5}|_[\w.-]+))?$/.exec(text)?.[1];
  if (bracketed !== undefined) return bracketed.includes(":") ? parseAddress(bracketed) : undefined;
  const withPort = /^([\d.]+):(?:\d{1,5}|_[\w.-]+)$/.exec(text)?.[1];
  return parseAddress(withPort ?? text) ?? parseWithPort(text);
}

/** An address that a port follows, IPv6 without brackets, as CloudFront writes it: `2001:db8::1:443`. */
function parseWithPort(text: string): Address | undefined {
  const address = /^(.+):\d{1,5}$/.exec(text)?.[1];
  return address === undefined ? undefined : parseAddress(address);
}
