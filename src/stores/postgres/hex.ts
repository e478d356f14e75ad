/**
 * Bytes as hexadecimal digits: what every driver sends and receives alike.
 *
 * @module
 */

const decoder = new TextDecoder();

/** Bytes as digits, two for each. */
export function toHex(bytes: Uint8Array): string {
  // A text that grows by two characters at a time takes twice as long to make and to send.
  const digits = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    digits[2 * i] = digitOf(byte >> 4);
    digits[2 * i + 1] = digitOf(byte & 15);
  }
  return decoder.decode(digits);
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

function digitOf(value: number): number {
  return value < 10 ? value + 48 : value + 87;
}
