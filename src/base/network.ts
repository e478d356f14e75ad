/**
 * IP addresses and networks, read strictly: what is not written as the standards write it is no address.
 *
 * @module
 */

/** An IP address as 16-bit groups: two for IPv4, eight for IPv6. */
export type Address = readonly number[];

/** All addresses that begin with the same bits. */
export interface Network {
  /** The first address. */
  readonly address: Address;
  /** How many bits must agree. */
  readonly prefix: number;
}

/** The longest text that can be an address, with room for a zone. */
const MAX_LENGTH = 100;

/**
 * Reads an address. IPv4-mapped IPv6 (`::ffff:192.0.2.1`) is the IPv4 address; a zone (`%eth0`) is left out.
 *
 * @param text `192.0.2.1` or `2001:db8::1`, with nothing around it.
 * @returns The address, or `undefined` if it is none.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  if (!text.includes(":")) return parseIpv4(text);
  const zone = text.indexOf("%");
  if (zone !== -1 && !/^%[\w.:~-]+$/.test(text.slice(zone))) return undefined;
  const address = parseIpv6(zone === -1 ? text : text.slice(0, zone));
  return address !== undefined && isMapped(address) ? address.slice(6) : address;
}

/**
 * Reads a network: `10.0.0.0/8`, `fc00::/7`, or one address. Bits beyond the prefix do not count.
 *
 * @returns The network, or `undefined` if it is none.
 */
export function parseNetwork(text: string): Network | undefined {
  const [base = "", length, ...rest] = text.split("/");
  if (rest.length > 0 || base.includes("%") || base.length > MAX_LENGTH) return undefined;
  const written = base.includes(":") ? parseIpv6(base) : parseIpv4(base);
  if (written === undefined) return undefined;
  const bits = written.length * 16;
  if (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return undefined;
  const mapped = prefix >= 96 && isMapped(written);
  return mapped ? { address: written.slice(6), prefix: prefix - 96 } : { address: written, prefix };
}

/** Whether an address lies in a network. */
export function contains({ address: base, prefix }: Network, address: Address): boolean {
  if (base.length !== address.length) return false;
  for (let i = 0, left = prefix; left > 0; i++, left -= 16) {
    const shift = Math.max(16 - left, 0);
    if ((base[i] as number) >> shift !== (address[i] as number) >> shift) return false;
  }
  return true;
}

/** The first address of the network of that size in which an address lies. */
export function masked(address: Address, prefix: number): Address {
  return address.map((group, i) => {
    const shift = Math.min(Math.max((i + 1) * 16 - prefix, 0), 16);
    return (group >> shift) << shift;
  });
}

/** Writes an address in its one canonical form (RFC 5952). */
export function formatAddress(address: Address): string {
  if (address.length === 2) return address.map((group) => `${group >> 8}.${group & 255}`).join(".");
  let [start, length] = [-1, 1]; // a single zero is not shortened
  for (let i = 0; i < address.length; i++) {
    let end = i;
    while (address[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const words = (from: number, to?: number) => address.slice(from, to).map((group) => group.toString(16)).join(":");
  return start === -1 ? words(0) : `${words(0, start)}::${words(start + length)}`;
}

/** Read character by character: it is on the way of every request. */
function parseIpv4(text: string): number[] | undefined {
  const groups: [number, number] = [0, 0];
  let at = 0;
  for (let part = 0; part < 4; part++) {
    const start = at;
    let byte = 0;
    for (; at < text.length && text.charCodeAt(at) !== DOT; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (digit < 0 || digit > 9 || at - start > 2) return undefined;
      byte = byte * 10 + digit;
    }
    const isOctal = at - start > 1 && text.charCodeAt(start) === ZERO; // 010 is eight to some, ten to others
    if (at === start || byte > 255 || isOctal) return undefined;
    groups[part < 2 ? 0 : 1] = groups[part < 2 ? 0 : 1] * 256 + byte;
    if (part < 3 && text.charCodeAt(at++) !== DOT) return undefined;
  }
  return at === text.length ? groups : undefined;
}

const DOT = 46;
const ZERO = 48;

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const tail = parseGroups(halves.at(-1) as string, true);
  if (halves.length === 1) return tail?.length === 8 ? tail : undefined;
  const head = parseGroups(halves[0] as string, false);
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** Groups between colons; the last may be an IPv4 address, at the end of the text. */
function parseGroups(text: string, atEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const words = text.split(":");
  for (const [i, word] of words.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(word)) groups.push(parseInt(word, 16));
    else {
      const embedded = atEnd && i === words.length - 1 ? parseIpv4(word) : undefined;
      if (embedded === undefined) return undefined;
      groups.push(...embedded);
    }
  }
  return groups;
}

function isMapped(address: Address): boolean {
  return address[5] === 0xffff && address.slice(0, 5).every((group) => group === 0);
}
