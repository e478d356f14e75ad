import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { BODY_FAMILIES, HEADER_FAMILIES, PACKED_FAMILIES, RETRY_HEADERS } from "../../../src/http/outbound/families.ts";
import { openLab } from "./_lab.ts";
import { DATE, SAMPLES } from "./_samples.ts";

describe("limitedFetch() with the answer of a known service", () => {
  for (const { name, path = "/", status, headers, body = "{}", pauseMs, source } of SAMPLES) {
    it(`pauses for ${pauseMs} ms: ${name}`, async () => {
      const reply = { status, headers: { date: DATE, "content-type": "application/json", ...headers }, body };
      await using lab = await openLab(() => reply, undefined, { maxRetries: 0, maxPauseMs: 1e12 });
      const answer = await lab.fetch(lab.server.url + path);
      assert.equal(answer.status, status);
      assert.equal(await answer.text(), body, "the caller reads the whole body");
      if (pauseMs === 0) return assert.deepEqual(lab.throttled, []);
      const [pause] = lab.throttled;
      const { waitMs = -1 } = pause ?? {};
      assert.equal(pause?.source, source);
      if (source === "backoff") return assert.ok(waitMs >= pauseMs / 2 && waitMs <= pauseMs);
      assert.equal(Math.round(waitMs), pauseMs);
    });
  }

  it("sends a refused request again after the pause, whatever the status of the refusal", async () => {
    for (const { name, path = "/", status, headers, body = "{}", pauseMs, source } of SAMPLES) {
      if (pauseMs === 0 || source === "remaining") continue;
      const reply = { status, headers: { date: DATE, "content-type": "application/json", ...headers }, body };
      await using lab = await openLab((_received, _response, count) => count === 1 ? reply : {}, undefined, {
        timeoutMs: Infinity,
      });
      const answer = await lab.clock.runUntil(lab.fetch(lab.server.url + path));
      assert.deepEqual([await answer.text(), lab.sentMs.length], ["ok", 2], name);
    }
  });

  it("is tried for every row of the tables", () => {
    const given = new Set(SAMPLES.flatMap(({ headers }) => Object.keys(headers)));
    const missing = HEADER_FAMILIES.filter(({ remaining, resets = [] }) => {
      return ![remaining, ...resets].some((name) => name !== undefined && given.has(name));
    });
    assert.deepEqual(missing, []);
    assert.deepEqual([...PACKED_FAMILIES, ...RETRY_HEADERS].filter(({ header }) => !given.has(header)), []);
    const silent = BODY_FAMILIES.filter(({ statuses, text }) =>
      !SAMPLES.some(({ status, body = "" }) => statuses.includes(status) && text.test(body))
    );
    assert.deepEqual(silent, []);
  });

  it("is read by names in lower case, each of them in one row", () => {
    const names = HEADER_FAMILIES.flatMap((
      { remaining, resets = [] },
    ) => [...remaining === undefined ? [] : [remaining], ...resets]);
    assert.deepEqual(names.filter((name) => name !== name.toLowerCase()), []);
    assert.equal(new Set(names).size, names.length);
  });
});
