/**
 * SHA-256 (FIPS 180-4), at once: `crypto.subtle` answers by promise, which is too late where a decision is made at once.
 *
 * @module
 */

const ROUNDS = 64;

/** The first 32 bits of the fractional parts of roots of the first primes: cube roots for rounds, square roots to begin. */
const [K, START] = constants();

/** Room for the words of one block; the function never gives way to another call of itself. */
const w = new Int32Array(ROUNDS);

/** Room for the last one or two blocks, which hold the end of the bytes, a bit, and how long they are. */
const end = new Uint8Array(128);

/**
 * Hashes bytes.
 *
 * @param bytes What is hashed. Nothing of it is copied but its end.
 * @returns 64 hexadecimal digits.
 */
export function sha256Hex(bytes: Uint8Array): string {
  const { length } = bytes;
  const whole = length - length % 64;
  const state = Int32Array.from(START);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  for (let at = 0; at < whole; at += 64) compress(state, view, at);
  const size = length - whole < 56 ? 64 : 128;
  end.fill(0);
  end.set(bytes.subarray(whole));
  end[length - whole] = 0x80;
  const last = new DataView(end.buffer);
  last.setUint32(size - 8, Math.floor(length / 2 ** 29));
  last.setUint32(size - 4, length << 3);
  for (let at = 0; at < size; at += 64) compress(state, last, at);
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

function compress(state: Int32Array, view: DataView, at: number): void {
  for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < ROUNDS; i++) {
    const x = w[i - 15] as number;
    const y = w[i - 2] as number;
    const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    w[i] = (w[i - 16] as number) + s0 + (w[i - 7] as number) + s1 | 0;
  }
  // By number: what takes an array apart is many times slower.
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let i = 0; i < ROUNDS; i++) {
    const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const t1 = h + s1 + (e & f ^ ~e & g) + (K[i] as number) + (w[i] as number) | 0;
    const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const t2 = s0 + (a & b ^ a & c ^ b & c) | 0;
    h = g;
    g = f;
    f = e;
    e = d + t1 | 0;
    d = c;
    c = b;
    b = a;
    a = t1 + t2 | 0;
  }
  // The array keeps 32 bits of each.
  state[0] = state[0] as number + a;
  state[1] = state[1] as number + b;
  state[2] = state[2] as number + c;
  state[3] = state[3] as number + d;
  state[4] = state[4] as number + e;
  state[5] = state[5] as number + f;
  state[6] = state[6] as number + g;
  state[7] = state[7] as number + h;
}

function constants(): readonly [Int32Array, Int32Array] {
  const primes: number[] = [];
  for (let n = 2; primes.length < ROUNDS; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const fraction = (root: number) => (root - Math.floor(root)) * 2 ** 32 | 0;
  return [
    Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
    Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
  ];
}
