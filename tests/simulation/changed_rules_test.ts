import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { simulate } from "../../scripts/simulate/fleet.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { ReplyTo, StoreRequest, TakeReply } from "../../src/stores/store.ts";

/** How many seeds a mistake may need to be found. */
const SEEDS = 60;

/** A store with a mistake where the rules of a key are others than those of the last request. */
abstract class Faulty extends MemoryStore {
  readonly #last = new Map<string, Policy["rates"]>();

  override execute<Request extends StoreRequest>(request: Request): ReplyTo<Request> | Promise<ReplyTo<Request>> {
    let isOther = false;
    for (const { limiter, key, policy: { rates } } of request.targets) {
      const name = `${limiter} ${key}`;
      const last = this.#last.get(name);
      isOther ||= last !== undefined && JSON.stringify(last) !== JSON.stringify(rates);
      this.#last.set(name, rates);
    }
    if (isOther) this.before(request);
    const reply = super.execute(request);
    return isOther && request.op === "take" ? this.after(reply as TakeReply) as ReplyTo<Request> : reply;
  }

  /** What it does before such a request. */
  protected before(_request: StoreRequest): void {}

  /** What it makes of the reply to such a take. */
  protected after(reply: TakeReply): TakeReply {
    return reply;
  }
}

/** Units are forgotten: the new rules begin anew. */
class Forgetful extends Faulty {
  protected override before({ targets }: StoreRequest): void {
    for (const target of targets) {
      if (target.policy.maxConcurrent === 0) super.execute({ op: "reset", targets: [target] });
    }
  }
}

/** A block does not stay. */
class Unblocking extends Faulty {
  protected override before({ targets }: StoreRequest): void {
    for (const target of targets) super.execute({ op: "block", targets: [target], durationUs: 0 });
  }
}

/** A wait is longer than the new limit takes to be free as a whole. */
class Slow extends Faulty {
  protected override after(reply: TakeReply): TakeReply {
    const { status, nowUs, waitUs, arrivalUs, levels } = reply;
    return status === "rate" ? { status, nowUs, waitUs: waitUs + 5_000_000, arrivalUs, levels } : reply;
  }
}

describe("The auditor of a simulated fleet whose rules change", () => {
  for (
    const [mistake, Store, says] of [
      ["units that are forgotten", Forgetful, /law 16: \d+ units/],
      ["a block that is lifted", Unblocking, /law 16: let in \d+ µs before its block ends/],
      ["a wait that is too long", Slow, /laws 8, 16: a wait of \d+ µs/],
    ] as const
  ) {
    for (const changes of ["mixed", "rolling", "reload"] as const) {
      it(`finds ${mistake}, with changes: ${changes}`, async () => {
        for (let seed = 1; seed <= SEEDS; seed++) {
          const { problems } = await simulate(seed, { changes, newStore: (parts) => new Store(parts) });
          if (problems.some((problem) => says.test(problem))) return;
        }
        assert.fail(`it was not found with ${SEEDS} seeds`);
      });
    }
  }
});
