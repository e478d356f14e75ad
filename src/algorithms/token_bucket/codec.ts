/**
 * Token buckets as bytes.
 *
 * @module
 */

import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import type { StateCodec } from "../codec.ts";
import type { TokenBucketLimit } from "../limit.ts";
import type { Reach } from "../reach.ts";
import type { GivenBack, Returned } from "./given_back.ts";
import type { TokenBucketState } from "./kernel.ts";

/** Bits of the first byte, above the two of the reach. */
const HAS_BACK = 4;
const HAS_PROMISE = 8;
const MOST = 15;

/** How a token bucket is written. */
export const tokenBucketCodec: StateCodec<TokenBucketLimit, TokenBucketState> = Object.freeze({
  write({ tatUs, tatRem, back, promisedUs, reach = 0 as Reach }: TokenBucketState, out: ByteWriter): void {
    out.byte(reach | (back === undefined ? 0 : HAS_BACK) | (promisedUs === undefined ? 0 : HAS_PROMISE));
    out.signed(tatUs);
    out.count(tatRem);
    if (promisedUs !== undefined) out.signed(promisedUs - tatUs);
    if (back === undefined) return;
    out.count(back.us);
    out.count(back.rem);
    out.count(back.untilUs);
    out.count(back.shares.length);
    for (const { us, rem, endUs } of back.shares) {
      out.count(us);
      out.count(rem);
      out.signed(endUs - tatUs);
    }
  },

  read(from: ByteReader): TokenBucketState {
    const flags = from.byte();
    if (flags > MOST) throw new RangeError(`Cannot read a token bucket that begins with ${flags}`);
    const tatUs = from.signed();
    const tatRem = from.count();
    if (flags === 0) return { tatUs, tatRem };
    const promisedUs = (flags & HAS_PROMISE) === 0 ? undefined : tatUs + from.signed();
    const back = (flags & HAS_BACK) === 0 ? undefined : readBack(from, tatUs);
    const reach = flags & 3;
    return { tatUs, tatRem, back, promisedUs, reach: reach === 0 ? undefined : reach as Reach };
  },
});

function readBack(from: ByteReader, tatUs: number): GivenBack {
  const back = { us: from.count(), rem: from.count(), untilUs: from.count() };
  const shares: Returned[] = [];
  for (let left = from.count(); left > 0; left--) {
    shares.push({ us: from.count(), rem: from.count(), endUs: tatUs + from.signed() });
  }
  return { ...back, shares };
}
