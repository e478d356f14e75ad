/**
 * IP addresses and networks, read strictly: what is not written as the standards write it is no address. `ipaddr.js` does
 * the reading; what it takes beyond the standards, such as `0177.0.0.1`, is how filters are passed by, and refused here.
 *
 * @module
 */

import ipaddr, { type IPv4, type IPv6 } from "ipaddr.js";

/** An IP address. IPv4-mapped IPv6 is IPv4. */
export type Address = IPv4 | IPv6;

/** All addresses that begin with the same bits. */
export type Network = readonly [first: Address, prefix: number];

/** The longest text that can be an address, with room for a zone. */
const MAX_LENGTH = 100;

/**
 * Reads an address. IPv4-mapped IPv6 (`::ffff:192.0.2.1`) is the IPv4 address; a zone (`%eth0`) is left out.
 *
 * @param text `192.0.2.1` or `2001:db8::1`, with nothing around it.
 * @returns The address, or `undefined` if it is none.
 */
export function parseAddress(text: string): Address | undefined {
  const zone = text.indexOf("%");
  if (zone === -1) return parse(text);
  return /^%[\w.:~-]+$/.test(text.slice(zone)) && text.includes(":") ? parse(text.slice(0, zone)) : undefined;
}

/**
 * Reads a network: `10.0.0.0/8`, `fc00::/7`, or one address. Bits beyond the prefix do not count.
 *
 * @returns The network, or `undefined` if it is none.
 */
export function parseNetwork(text: string): Network | undefined {
  const [base = "", length, ...rest] = text.split("/");
  const address = parse(base);
  if (address === undefined || rest.length > 0) return undefined;
  // The prefix counts the bits that are written.
  const bits = base.includes(":") ? 128 : 32;
  if (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return undefined;
  if (bits === 32 || address.kind() === "ipv6") return [address, prefix];
  return prefix < 96 ? [(address as ipaddr.IPv4).toIPv4MappedAddress(), prefix] : [address, prefix - 96];
}

/** Whether an address lies in a network. */
export function contains([first, prefix]: Network, address: Address): boolean {
  return first.kind() === address.kind() && address.match(first, prefix);
}

/** The first address of the network of that size in which an address lies. */
export function masked(address: Address, prefix: number): Address {
  const cidr = `${address.toNormalizedString()}/${prefix}`;
  return address.kind() === "ipv4"
    ? ipaddr.IPv4.networkAddressFromCIDR(cidr)
    : ipaddr.IPv6.networkAddressFromCIDR(cidr);
}

/** The last 32 bits of an IPv6 address, as an IPv4 address. */
export function lastIpv4(address: Address): Address {
  return ipaddr.fromByteArray(address.toByteArray().slice(-4));
}

/** Ranges of addresses that no host of the Internet has. */
const NOT_PUBLIC: ReadonlySet<string> = new Set([
  "unspecified",
  "private",
  "loopback",
  "linkLocal",
  "carrierGradeNat",
  "multicast",
  "broadcast",
]);

/** Whether an IPv4 address can be that of a host on the Internet. */
export function isPublicIpv4(address: Address): boolean {
  return !NOT_PUBLIC.has(address.range());
}

/** Writes an address in its one canonical form (RFC 5952). */
export function formatAddress(address: Address): string {
  return address.kind() === "ipv4" ? address.toString() : (address as ipaddr.IPv6).toRFC5952String();
}

function parse(text: string): Address | undefined {
  if (text.length > MAX_LENGTH || text.includes("%")) return undefined;
  const isIpv6 = text.includes(":");
  if (isIpv6 && !ipaddr.IPv6.isValid(text)) return undefined;
  // The whole, or the end of what is both. 010 is eight to some, ten to others.
  const dotted = isIpv6 ? text.slice(text.lastIndexOf(":") + 1) : text;
  if ((!isIpv6 || dotted.includes(".")) && !ipaddr.IPv4.isValidFourPartDecimal(dotted)) return undefined;
  return ipaddr.process(text);
}
