/**
 * Where a Redis Cluster keeps a key.
 *
 * @module
 */

/** How many slots a cluster has. */
export const SLOTS = 16_384;

/** What each byte does to a CRC16 (XMODEM: polynomial 0x1021, beginning at 0). */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
  return crc;
});

/** The slot of a key: of its first hash tag that is not empty, where it has one; else of all of it. */
export function hashSlot(key: string): number {
  const open = key.indexOf("{");
  if (open < 0) return crc16(key) % SLOTS;
  const close = key.indexOf("}", open + 1);
  return crc16(close > open + 1 ? key.slice(open + 1, close) : key) % SLOTS;
}

/** The CRC16 of a text in UTF-8. */
export function crc16(text: string): number {
  let crc = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return crcOfBytes(new TextEncoder().encode(text));
    crc = (crc << 8 & 0xffff) ^ (TABLE[crc >> 8 ^ code] as number);
  }
  return crc;
}

function crcOfBytes(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = (crc << 8 & 0xffff) ^ (TABLE[crc >> 8 ^ byte] as number);
  return crc;
}
