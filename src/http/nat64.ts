/**
 * IPv6 addresses that translators such as NAT64 make of IPv4 addresses (RFC 6052, RFC 8215).
 *
 * @module
 */

import { type Address, contains, isPublicIpv4, lastIpv4, type Network, parseNetwork } from "../base/network.ts";

/** The well-known prefix: the IPv4 address is in the last 32 bits. */
const WELL_KNOWN = parseNetwork("64:ff9b::/96") as Network;

/** Where operators choose prefixes of their own. Which bits hold the IPv4 address is theirs to say. */
const LOCAL_USE = parseNetwork("64:ff9b:1::/48") as Network;

/** Whether each address of a network belongs to another IPv4 address. */
export function isTranslated(address: Address): boolean {
  return contains(WELL_KNOWN, address) || contains(LOCAL_USE, address);
}

/**
 * The public IPv4 address that a translator has put behind the well-known prefix; any other address as it is. Private ones
 * must not stand there (RFC 6052, 3.1): they stay IPv6, so that none of them passes for a trusted proxy.
 */
export function translated(address: Address): Address {
  if (!contains(WELL_KNOWN, address)) return address;
  const inside = lastIpv4(address);
  return isPublicIpv4(inside) ? inside : address;
}
