import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { failuresOnly } from "@ratesync/core/http";
import { ahead } from "../../../_support/together.ts";
import { type AppName, APPS } from "../_apps.ts";
import { ENDINGS, HeldStore, newClient, SLOTS, speaksHttp2 } from "./_endings.ts";
import { Site, until } from "../_suite.ts";

for (const name of Object.keys(APPS) as AppName[]) {
  describe(`A permit of ${name}`, () => {
    const possible = ENDINGS.filter(({ impossible }) => impossible?.(name) === undefined);
    const ending = ahead(possible.map(({ bring, letIn = () => SLOTS }) => async () => {
      const store = new HeldStore();
      await using site = await Site.start(APPS[name], { maxConcurrent: SLOTS }, {}, { store });
      await bring(name, site, store);
      await until("all slots are free", () => site.inside === 0);
      assert.ok(site.rs.metrics("api").totalAcquisitions >= letIn(name));
    }));
    for (const each of ENDINGS) {
      const { when, impossible } = each;
      const reason = impossible?.(name);
      if (reason !== undefined) {
        it(`is not released at once when ${when}: ${reason}`, () => assert.ok(reason));
        continue;
      }
      it(`is released when ${when}`, () => ending(possible.indexOf(each)));
    }
  });
}

for (const name of (Object.keys(APPS) as AppName[]).filter(speaksHttp2)) {
  describe(`A cost that is settled by ${name}`, () => {
    it("counts as a failure when the client resets its stream before the end of the answer", async () => {
      await using site = await Site.start(APPS[name], { limit: 9, windowMs: 60_000, maxConcurrent: SLOTS }, {
        settle: failuresOnly(),
      });
      const client = newClient(name, site);
      await client.send("/stream");
      client.giveUp();
      await until("the slot is free", () => site.inside === 0);
      assert.equal((await site.rs.peek("api", { key: "ip:127.0.0.1" })).limits[0]?.remaining, 8);
      await client.send("/");
      await until("the slot is free", () => site.inside === 0);
      await until(
        "the cost is given back",
        async () => (await site.rs.peek("api", { key: "ip:127.0.0.1" })).limits[0]?.remaining === 8,
      );
      client.leave();
    });
  });
}
