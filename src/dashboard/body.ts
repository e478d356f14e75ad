/**
 * The body of a request, with a limit.
 *
 * @module
 */

import { joinBytes } from "../base/join_bytes.ts";
import { Problem } from "../serve/problem.ts";

/**
 * Reads a body.
 *
 * @throws {Problem} If it is larger than `most` bytes.
 */
export async function readLimited(request: Request, most: number): Promise<Uint8Array> {
  const reader = request.body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    chunks.push(part.value);
    size += part.value.byteLength;
    if (size > most) {
      await reader?.cancel();
      throw new Problem("BODY_TOO_LARGE", `The body is larger than ${most} bytes`);
    }
  }
  return joinBytes(chunks);
}
