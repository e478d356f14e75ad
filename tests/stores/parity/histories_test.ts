import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { RedisConnection } from "../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../src/stores/redis/connections/node_redis.ts";
import { MemoryStore } from "../../../src/stores/memory/memory_store.ts";
import type { Store, StoreRequest, TakeReply } from "../../../src/stores/store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { runHistory } from "../../_support/histories/history.ts";
import { runBoth } from "../../_support/histories/run.ts";
import { redisUrl } from "../../_support/redis.ts";

/** The seeds that each run tries. `npm run histories` tries more. */
const SEEDS = 100;

/** Seeds by which something was found that is mended. */
const FOUND: readonly number[] = [221];

/** The same where the rules of processes differ. */
const MIXED_SEEDS = 25;
const MIXED_FOUND: readonly number[] = [42];

/** A memory store that does something wrong. */
function wrong(
  change: (store: MemoryStore, request: StoreRequest) => unknown,
): { processes: Store[]; clock: FakeClock } {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const execute = (request: StoreRequest) => change(store, request) ?? store.execute(request);
  return { processes: [{ execute } as unknown as Store], clock };
}

describe("A random history of three processes", () => {
  let connections: RedisConnection[];
  before(() => {
    connections = Array.from({ length: 3 }, () => openNodeRedis({ url: redisUrl() }));
  });
  after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
  });

  it(`keeps to the oracle in Redis as in memory, with ${SEEDS} seeds`, { timeout: 120_000 }, async () => {
    assert.deepEqual(await runBoth(1, SEEDS, connections), []);
  });

  it("keeps to the oracle with seeds that failed once", async () => {
    for (const seed of FOUND) assert.deepEqual(await runBoth(seed, 1, connections), []);
  });

  it("is answered in Redis as in memory where the rules of the processes differ", { timeout: 120_000 }, async () => {
    const mixed = { areMixed: true };
    assert.deepEqual(await runBoth(1, MIXED_SEEDS, connections, mixed), []);
    for (const seed of MIXED_FOUND) assert.deepEqual(await runBoth(seed, 1, connections, mixed), []);
  });
});

describe("The oracle of random histories", () => {
  /** What the oracle says to the first of some seeds that it does not accept. */
  async function firstProblem(change: Parameters<typeof wrong>[0]): Promise<string> {
    for (let seed = 1; seed <= 30; seed++) {
      const problem = await runHistory(seed, wrong(change)).then(() => undefined, (error: Error) => error.message);
      if (problem !== undefined) return problem;
    }
    return "nothing";
  }

  it("finds give-backs that are lost", async () => {
    const problem = await firstProblem((store, request) => {
      if (request.op !== "giveBack") return undefined;
      return store.execute({ ...request, op: "take", mode: "peek", maxWaitUs: 0, arrivalUs: 0, id: "x.1.d.0.1.1" });
    });
    assert.match(problem, /is let in after \d+ µs, not \d+|must be allowed/);
  });

  it("finds give-backs of more than was taken", async () => {
    const problem = await firstProblem((store, request) => {
      if (request.op !== "giveBack") return undefined;
      const targets = request.targets.map((target) => ({ ...target, cost: target.policy.capacity }));
      return store.execute({ ...request, targets });
    });
    assert.match(problem, /units in|an estimate of|windows that overlap/);
  });

  it("finds calls that are allowed although the limit is reached", async () => {
    const problem = await firstProblem((store, request) => {
      if (request.op !== "take" || request.mode !== "now") return undefined;
      const { status, nowUs, levels } = store.execute(request) as TakeReply;
      return { status: status === "rate" ? "allowed" : status, nowUs, waitUs: 0, arrivalUs: 0, levels };
    });
    assert.match(problem, /units in|an estimate of|window/);
  });

  it("finds more permits than there are", async () => {
    const problem = await firstProblem((store, request) => {
      if (request.op !== "take" || request.mode !== "now") return undefined;
      const { status, nowUs, waitUs, levels } = store.execute(request) as TakeReply;
      return status === "permits" ? { status: "allowed", nowUs, waitUs: 0, arrivalUs: 0, levels } : {
        status,
        nowUs,
        waitUs,
        arrivalUs: 0,
        levels,
      };
    });
    assert.match(problem, /permits are held/);
  });
});
