/**
 * A fleet of processes on one store, from a seed, in virtual time: everything that happens is audited.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { createRateSync, type RateSync } from "../../mod.ts";
import { CheckedMemoryStore } from "../../src/stores/memory/checked_memory_store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { audit } from "../../tests/_support/auditor/audit.ts";
import { BookKeeper } from "../../tests/_support/auditor/books.ts";
import { type Entry, History } from "../../tests/_support/auditor/history.ts";
import { type Ledger, ledgerName } from "../../tests/_support/auditor/ledger.ts";
import { SteppedAudit } from "../../tests/_support/auditor/stepped.ts";
import { idleProblems } from "./idle.ts";
import { Link } from "./link.ts";
import { ProcessClock } from "./process_clock.ts";
import { LEASE_TTL_MS, type LimiterId, type Scenario, scenarioOf, type ScenarioOptions } from "./scenario.ts";
import { settledProblems } from "./settled.ts";
import { StoreClock } from "./store_clock.ts";
import { type PoolCall, Traffic } from "./traffic.ts";

/** What came of a simulation. */
export interface Outcome {
  /** What is wrong; nothing if all is well. */
  readonly problems: readonly string[];
  /** The same for the same seed and the same program. */
  readonly trace: string;
  /** How long it was, in simulated seconds. */
  readonly seconds: number;
  /** What the store did, line by line. */
  readonly history: History;
}

/** How many processes there are, and callers in each. */
const PROCESSES = 3;
const CALLERS = 3;

/** How far the clock of the store steps back, where it does. */
const STEPS_US = [1_000, 400_000, 3_000_000, 3_600_000_000] as const;

/** After this, in simulated microseconds, everything must be over. */
const LONGEST_US = 300_000_000;

/** What one process is made of. */
interface Process {
  readonly number: number;
  readonly clock: ProcessClock;
  readonly link: Link;
  readonly rs: RateSync<LimiterId>;
}

/** Runs the simulation of a seed. */
export async function simulate(seed: number, options: ScenarioOptions = {}): Promise<Outcome> {
  return await new Fleet(scenarioOf(seed, options)).run();
}

class Fleet {
  readonly #scenario: Scenario;
  readonly #world = new FakeClock();
  readonly #startUs = this.#world.nowUs();
  readonly #storeClock = new StoreClock(this.#world);
  readonly #store = new CheckedMemoryStore({ clock: this.#storeClock });
  readonly #history = new History();
  readonly #books = new BookKeeper();
  readonly #stepped = new SteppedAudit(this.#books);
  readonly #processes: readonly Process[];
  readonly #calls: PoolCall[] = [];
  readonly #charges = new Map<string, number>();
  readonly #problems: string[] = [];
  readonly #crashes = new Map<number, number>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#history.onEntry = (entry) => this.#enter(entry);
    this.#processes = Array.from({ length: PROCESSES }, (_, number) => this.#start(number));
  }

  async run(): Promise<Outcome> {
    const over = this.#processes.map((process) => this.#traffic(process));
    let isOver = false;
    void Promise.all(over).then(() => void (isOver = true));
    while (!isOver && this.#now() < LONGEST_US) {
      this.#disturb();
      await this.#world.advance(250);
    }
    if (!isOver) this.#problems.push("law 10: calls did not end");
    // Nobody is left: what was given back on the way, or whose lease is left over, comes to rest.
    await this.#world.advance(2 * LEASE_TTL_MS);
    const books = this.#books;
    const isCalm = this.#scenario.weather === "calm";
    const found = audit(books, { charges: this.#charges, inOrder: isCalm, crashes: this.#crashesByInstance() });
    if (this.#scenario.isStepping) {
      // The other laws are about instants of a clock that does not step.
      this.#stepped.end(this.#storeClock.steps);
      this.#problems.push(...found.filter((problem) => /law (7|12):/.test(problem)), ...this.#stepped.problems);
    } else {
      this.#problems.push(...found, ...idleProblems(books, { calls: this.#calls, isCalm, crashes: this.#crashes }));
    }
    const seconds = this.#now() / 1e6;
    await this.#end();
    const lines = [...this.#history.lines()];
    const trace = createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 16);
    return { problems: [...new Set(this.#problems)], trace, seconds, history: this.#history };
  }

  /** Takes down what has happened, and looks at a key after units were given back to it. */
  #enter(entry: Entry): void {
    this.#books.enter(entry);
    if (this.#scenario.isStepping) return this.#stepped.enter(entry, this.#world.nowUs());
    if (entry.kind !== "executed" || entry.request.op !== "giveBack" || this.#scenario.isMixed) return;
    const { nowUs } = entry.reply;
    for (const target of entry.request.targets) {
      if (target.policy.rates.length === 0) continue;
      const ledger = this.#books.ledgers.get(ledgerName(target)) as Ledger;
      this.#problems.push(...settledProblems(this.#store, target, ledger, nowUs));
    }
  }

  #start(number: number): Process {
    const { faults, random, limiters } = this.#scenario;
    const clock = new ProcessClock(this.#world);
    const link = new Link({
      process: number,
      store: this.#store,
      world: this.#world,
      clock,
      random,
      faults,
      history: this.#history,
    });
    const rs = createRateSync({
      clock,
      logger: false,
      stores: { shared: link },
      limiters: limiters(number === 0 ? 0 : 1),
    });
    return { number, clock, link, rs };
  }

  /** Resolves when the callers of a process are done; at once when it crashes. */
  async #traffic({ number, clock, rs }: Process): Promise<void> {
    const traffic = new Traffic({
      process: number,
      rs,
      clock,
      world: this.#world,
      random: this.#scenario.random,
      calls: this.#calls,
      charges: this.#charges,
      surprises: this.#problems,
    });
    const crashed = new Promise<void>((resolve) => {
      const look = () => clock.hasEnded ? resolve() : void this.#world.schedule(this.#world.nowUs() + 500_000, look);
      if (this.#scenario.weather === "stormy") look();
    });
    await Promise.race([traffic.run(CALLERS), crashed]);
  }

  /** Lets something go wrong, now and then. */
  #disturb(): void {
    const { weather, random, isStepping } = this.#scenario;
    if (isStepping && random.chance(0.05)) this.#storeClock.stepBack(random.pick(STEPS_US));
    if (weather !== "stormy" || !random.chance(0.06)) return;
    const process = this.#processes[random.below(PROCESSES)] as Process;
    const { clock, link, number } = process;
    if (!clock.isRunning) return;
    const later = (us: number, work: () => void) => void this.#world.schedule(this.#world.nowUs() + us, work);
    const what = random.below(8);
    if (what < 3) {
      link.cut();
      later(100_000 + random.below(2_000_000), () => link.mend());
    } else if (what < 5) {
      clock.pause();
      later(100_000 + random.below(8_000_000), () => clock.resume());
    } else if (what < 7) clock.stepForward(random.below(20_000_000));
    else if (this.#crashes.size === 0) {
      clock.crash();
      this.#crashes.set(number, this.#world.nowUs());
    }
  }

  #crashesByInstance(): Map<string, number> {
    const crashes = new Map<string, number>();
    for (const [process, atUs] of this.#crashes) {
      for (const instance of this.#history.instancesOf(process)) crashes.set(instance, atUs);
    }
    return crashes;
  }

  async #end(): Promise<void> {
    const living = this.#processes.filter(({ clock }) => !clock.hasEnded);
    const closed = Promise.all(living.map(({ rs }) => rs.close()));
    await Promise.race([closed, this.#world.advance(10_000)]);
  }

  #now(): number {
    return this.#world.nowUs() - this.#startUs;
  }
}
