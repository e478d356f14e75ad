import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { describe, it } from "node:test";

import { createRateSync } from "@ratesync/core";
import type { Outcome, SettledOutcome } from "@ratesync/core/http";
import { guardHandler } from "@ratesync/core/http/node";
import { serveHttp2 } from "../../_servers.ts";
import { until } from "../_suite.ts";

/** More than a client of HTTP/2 takes that does not read. */
const LONG = new Uint8Array(1_000_000);

/** Codes of RST_STREAM with which clients give up: `destroy()` of a client of Node sends the first. */
const CODES = { NO_ERROR: 0, CANCEL: 8 };

async function unread(session: ClientHttp2Session) {
  const stream = session.request({ ":path": "/" });
  stream.on("error", () => {});
  await once(stream, "response");
  return stream;
}

describe("An answer over HTTP/2 that the client does not read", () => {
  for (const [name, code] of Object.entries(CODES)) {
    it(`ends when the client resets the stream with ${name}`, async () => {
      await using rs = createRateSync({ limiters: { api: { limit: 9, windowMs: 60_000, maxConcurrent: 2 } } });
      const outcomes: Outcome[] = [];
      const settle = (outcome: SettledOutcome) => {
        outcomes.push(outcome);
        return outcome.cost;
      };
      const handler = guardHandler<Http2ServerRequest, Http2ServerResponse>((_request, response) => {
        response.end(LONG);
      }, { limiter: "api", rateSync: rs, settle });
      await using server = await serveHttp2((request, response) => void handler(request, response));
      const session = connect(server.url);
      session.on("error", () => {});
      const [first, second] = [await unread(session), await unread(session)];
      await new Promise((resolve) => setTimeout(resolve, 1_100)); // the guard has looked once and found them open
      assert.equal(rs.metrics("api").currentConcurrent, 2);

      first.close(code);
      await until("one permit is released", () => rs.metrics("api").currentConcurrent === 1);
      await until("its cost is settled", () => outcomes.length === 1);
      assert.deepEqual([outcomes[0]?.aborted, outcomes[0]?.status], [true, undefined]);
      second.close(code);
      await until("both permits are released", () => rs.metrics("api").currentConcurrent === 0);
      session.destroy();
    });
  }
});
