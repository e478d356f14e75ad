import { after, before, describe } from "node:test";

import { type RestRedis, startRestRedis } from "../../_support/rest_redis.ts";
import { describeConformance } from "./_rest_conformance.ts";
import { restClients } from "./_rest_places.ts";

describe("REST", () => {
  let endpoint: RestRedis;
  before(async () => {
    endpoint = await startRestRedis();
  });
  after(() => endpoint[Symbol.asyncDispose]());

  for (const [kind, place] of Object.entries(restClients)) {
    describe(`storeConformance() through ${kind}`, () => describeConformance(() => place(endpoint.url)));
  }
});
