/**
 * Bytes as hexadecimal digits: what every driver sends and receives alike.
 *
 * @module
 */

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes as digits, two for each. */
export function toHex(bytes: Uint8Array): string {
  let digits = "";
  for (let i = 0; i < bytes.length; i++) digits += PAIRS[bytes[i] as number];
  return digits;
}

/** The bytes of digits, as `encode(.., 'hex')` of PostgreSQL writes them. */
export function fromHex(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = nibble(digits, 2 * i) * 16 + nibble(digits, 2 * i + 1);
  return bytes;
}

function nibble(digits: string, place: number): number {
  const code = digits.charCodeAt(place);
  return code < 58 ? code - 48 : code - 87;
}
