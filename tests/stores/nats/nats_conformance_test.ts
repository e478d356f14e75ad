import { after, before, describe, it } from "node:test";

import { storeConformance } from "../../../src/testing/mod.ts";
import { anyNats, freshStreamPrefix } from "./_nats.ts";
import { Stamps, virtualStore } from "./_virtual_time.ts";

describe("storeConformance() on NATS", () => {
  let server: Awaited<ReturnType<typeof anyNats>>;
  before(async () => {
    server = await anyNats();
  });
  after(() => server[Symbol.asyncDispose]());

  const cases = storeConformance({
    open: ({ clock }) =>
      virtualStore({ url: server.url, streamPrefix: freshStreamPrefix(), storage: "memory" }, new Stamps(clock)),
  });
  for (const { name, run } of cases) it(name, run);
});
