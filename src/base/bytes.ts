/**
 * Whole numbers and texts as few bytes, the same on every machine.
 *
 * @module
 */

const LOW_BITS = 28;
const LOW = 2 ** LOW_BITS;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Texts up to this length are written character by character: to call the encoder takes longer. */
const SHORT = 32;

/** Bytes that grow. */
export class ByteWriter {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** One byte. */
  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /**
   * A whole number from 0, below 2^53: seven bits a byte, the lowest first.
   *
   * @throws {RangeError} If it is not.
   */
  count(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`Cannot write ${value} as a count`);
    let low = value;
    if (value >= LOW) {
      low = value % LOW;
      for (let i = 0; i < LOW_BITS; i += 7) this.byte(low >>> i & 0x7f | 0x80);
      low = (value - value % LOW) / LOW;
    }
    for (; low > 0x7f; low >>>= 7) this.byte(low & 0x7f | 0x80);
    this.byte(low);
  }

  /**
   * A whole number between -2^53 and 2^53.
   *
   * @throws {RangeError} If it is not.
   */
  signed(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`Cannot write ${value} as a whole number`);
    const size = Math.abs(value);
    const first = size % 64 << 1 | (value < 0 ? 1 : 0);
    if (size < 64) return this.byte(first);
    this.byte(first | 0x80);
    this.count((size - size % 64) / 64);
  }

  /** A text; lone surrogates are lost. */
  text(value: string): void {
    if (isShortAscii(value)) {
      this.byte(value.length);
      for (let i = 0; i < value.length; i++) this.byte(value.charCodeAt(i));
      return;
    }
    const bytes = encoder.encode(value);
    this.count(bytes.length);
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A copy of what was written. */
  result(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(more: number): void {
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Whether a text is short, and has one byte for each character. */
function isShortAscii(value: string): boolean {
  if (value.length > SHORT) return false;
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Reads what a `ByteWriter` has written, in the same order. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #place = 0;

  /**
   * Reads nothing yet.
   *
   * @param bytes What was written.
   */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether everything is read. */
  get isAtEnd(): boolean {
    return this.#place === this.#bytes.length;
  }

  /**
   * One byte.
   *
   * @throws {RangeError} If there is none.
   */
  byte(): number {
    const byte = this.#bytes[this.#place++];
    if (byte === undefined) throw new RangeError("Cannot read on: the bytes end in the middle of something");
    return byte;
  }

  /**
   * A whole number from 0.
   *
   * @throws {RangeError} If there is none.
   */
  count(): number {
    let value = 0;
    let factor = 1;
    for (let byte = this.byte();; byte = this.byte()) {
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 128;
    }
    if (!Number.isSafeInteger(value)) throw new RangeError("Cannot read a number: it is too large");
    return value;
  }

  /**
   * A whole number.
   *
   * @throws {RangeError} If there is none.
   */
  signed(): number {
    const first = this.byte();
    let size = first >> 1 & 0x3f;
    if (first >= 0x80) size += this.count() * 64;
    if (!Number.isSafeInteger(size)) throw new RangeError("Cannot read a number: it is too large");
    return (first & 1) === 1 ? -size : size;
  }

  /**
   * A text.
   *
   * @throws {RangeError} If there is none.
   */
  text(): string {
    const length = this.count();
    if (this.#place + length > this.#bytes.length) throw new RangeError("Cannot read a text: the bytes end in it");
    return decoder.decode(this.#bytes.subarray(this.#place, this.#place += length));
  }
}
