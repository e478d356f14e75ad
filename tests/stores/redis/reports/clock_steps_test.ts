import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createRateSync, type Logger, type RateSync } from "../../../../mod.ts";
import { ClockWatch } from "../../../../src/resilience/clock_watch.ts";
import { newStoreCheck } from "../../../../src/stores/check.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { type MovedClock, startMovedClock } from "./_moved_clock.ts";
import { type RedisProcess, startRedis, until } from "../_servers.ts";

const HOUR_S = 3_600;

describe("A Redis whose clock is set", () => {
  let redis: RedisProcess;
  let server: MovedClock;
  before(async () => {
    redis = await startRedis();
    server = await startMovedClock(redis.port);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await redis.stop();
  });

  function open(): { rs: RateSync<"api">; warnings: string[] } {
    const warnings: string[] = [];
    const quiet = () => {};
    const warn = (message: string) => void warnings.push(message);
    const logger: Logger = { debug: quiet, info: quiet, warn, error: warn };
    const url = `redis://127.0.0.1:${server.port}`;
    const rs = createRateSync({
      logger,
      stores: { shared: { engine: "redis", url, keyPrefix: freshPrefix() } },
      limiters: { api: { limit: 1_000, windowMs: 1_000 } },
    });
    return { rs, warnings };
  }

  for (
    const [what, byS, says] of [["back", -HOUR_S, /was set back by 3\d\d\d\.\d s/], [
      "forward",
      HOUR_S,
      /forward by 3/,
    ]] as const
  ) {
    it(`is reported once in the log, with advice, and by check(), when it is set ${what}`, async () => {
      const { rs, warnings } = open();
      server.aheadS = 0;
      for (let i = 0; i < 50; i++) await rs.tryAcquire("api", { key: `before:${i}` });
      assert.equal((await rs.check()).problems.length, 0);
      server.aheadS = byS;
      await until(async () => {
        assert.equal((await rs.tryAcquire("api", { key: crypto.randomUUID() })).degraded, false);
        return warnings.length > 0;
      });
      for (let i = 0; i < 50; i++) await rs.tryAcquire("api", { key: `after:${i}` });
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings[0] as string, /^rate-sync: store "shared": The server's clock was set /);
      assert.match(warnings[0] as string, says);
      assert.match(warnings[0] as string, /Let NTP slew the clocks/);
      const { ok, problems } = await rs.check();
      assert.ok(ok, "it decides");
      assert.ok(problems.some(({ kind, message }) => kind === "clock" && says.test(message)), JSON.stringify(problems));
      assert.equal(warnings.length, 1, "check() says it, and does not log it again");
      server.aheadS = 0;
      await until(async () => {
        await rs.tryAcquire("api", { key: crypto.randomUUID() });
        return warnings.length === 2;
      });
      await rs.close();
    });
  }

  it("is noticed by check() alone, where no decision is made", async () => {
    const { rs, warnings } = open();
    server.aheadS = 0;
    await rs.check();
    server.aheadS = -HOUR_S;
    const { problems } = await rs.check();
    assert.ok(problems.some(({ message }) => /was set back by/.test(message)));
    assert.equal(warnings.length, 1);
    server.aheadS = 0;
    await rs.close();
  });
});

describe("ClockWatch", () => {
  /** A process and a server, each with clocks of its own, in seconds. */
  class Scene {
    now = 1_000_000;
    steady = 500;
    wall = 1_000_000;
    server = 1_000_007;
    readonly steps: string[] = [];
    measured = 0;
    readonly watch = new ClockWatch(
      () => {
        this.measured++;
        this.check();
      },
      (text) => this.steps.push(text),
      { nowUs: () => this.now * 1e6, steadyUs: () => this.steady * 1e6, wallUs: () => this.wall * 1e6 },
    );

    pass(s: number): void {
      for (const clock of ["now", "steady", "wall", "server"] as const) this[clock] += s;
    }

    check(): void {
      this.watch.look(newStoreCheck({ engine: "redis", clockOffsetMs: (this.server - this.wall) * 1_000 }));
    }

    /** A call that takes so long, half of it on the way there. */
    call(latencyS = 0.01): void {
      const askedUs = this.now * 1e6;
      this.pass(latencyS);
      this.watch.saw((this.server - latencyS / 2) * 1e6, askedUs);
    }

    calls(count: number, everyS: number, latencyS?: number): void {
      for (let i = 0; i < count; i++) {
        this.pass(everyS);
        this.call(latencyS);
      }
    }
  }

  it("reports a step of the store's clock once, and the next one again", () => {
    const scene = new Scene();
    scene.calls(100, 1);
    scene.server -= 60;
    scene.calls(100, 1);
    scene.server += 60;
    scene.calls(100, 1);
    assert.deepEqual(scene.steps.map((text) => /set (\w+) by 60\.\d/.exec(text)?.[1]), ["back", "forward"]);
    assert.equal(scene.measured, 2);
  });

  it("reports nothing where the server is never set", () => {
    const cases: readonly (readonly [string, (scene: Scene) => void])[] = [
      ["slow calls", (scene) => scene.calls(1_000, 0.1, 1.5)],
      ["a first call that takes long", (scene) => [scene.call(30), scene.calls(100, 1)]],
      ["calls that take long now and then", (scene) => {
        for (let i = 0; i < 20; i++) [scene.calls(20, 1), scene.call(20)];
      }],
      ["a machine that sleeps", (scene) => {
        scene.calls(100, 1);
        for (const clock of ["now", "wall", "server"] as const) scene[clock] += HOUR_S;
        scene.calls(100, 1);
      }],
      ["a machine that sleeps, and whose clock for calls stands still", (scene) => {
        scene.calls(100, 1);
        for (const clock of ["wall", "server"] as const) scene[clock] += HOUR_S;
        scene.calls(100, 1);
      }],
      ["a clock of this machine that is set forward", (scene) => {
        scene.calls(100, 1);
        for (const clock of ["now", "wall"] as const) scene[clock] += HOUR_S;
        scene.calls(100, 1);
      }],
      ["a clock of this machine that is set back", (scene) => {
        scene.calls(100, 1);
        scene.wall -= HOUR_S;
        scene.calls(100, 1);
      }],
      ["clocks that run apart, with many calls", (scene) => {
        for (let i = 0; i < 10_000; i++) [scene.server += 0.005, scene.calls(1, 10)];
      }],
      ["clocks that run apart, with few calls", (scene) => {
        for (let i = 0; i < 50; i++) [scene.server += 40, scene.calls(1, 86_400)];
      }],
    ];
    for (const [what, happens] of cases) {
      const scene = new Scene();
      happens(scene);
      assert.deepEqual(scene.steps, [], what);
    }
  });
});
