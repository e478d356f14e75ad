import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { TestRedis } from "../../scripts/redis/test_redis.ts";
import { runTasks } from "../../scripts/suite/lanes.ts";
import type { FileRun } from "../../scripts/suite/run.ts";
import { type Runtime, RUNTIMES } from "../../scripts/suite/runtimes.ts";
import type { Task } from "../../scripts/suite/selection.ts";

const runtime = RUNTIMES[0] as Runtime;

type Kind = "beside" | "waits" | "alone";

function tasks(count: number, kind: Kind = "beside"): Task[] {
  const [alone, waits] = [kind === "alone", kind === "waits"];
  return Array.from({ length: count }, (_, i) => ({ runtime, file: `${kind} ${i}`, alone, waits }));
}

/** Lanes over servers and files that only take notes. */
class Notes {
  readonly servers: string[] = [];
  readonly ended: string[] = [];
  readonly inside = new Map<Task, string>();
  obtaining = 0;
  mostInside = 0;

  obtain = async (): Promise<TestRedis> => {
    assert.equal(++this.obtaining, 1, "one server is obtained after the other");
    await sleep(1);
    this.obtaining--;
    const url = `redis ${this.servers.push("started") - 1}`;
    const note = (what: string) => Promise.resolve(void (this.servers[Number(url.split(" ")[1])] += ` ${what}`));
    return { url, origin: "", clear: () => note("cleared"), stop: () => note("stopped") };
  };

  execute = async (task: Task, redisUrl: string): Promise<FileRun> => {
    assert.ok(![...this.inside.values()].includes(redisUrl), "no two files share a server");
    this.inside.set(task, redisUrl);
    this.mostInside = Math.max(this.mostInside, this.inside.size);
    if (task.file.includes("breaks")) throw new Error("broken");
    await sleep(2);
    if (task.alone) assert.equal(this.inside.size, 1, "another file runs beside one that must be alone");
    this.inside.delete(task);
    return { ...task, code: 0, durationMs: 0, output: "", counts: undefined };
  };

  onEnd = ({ file }: FileRun): void => void this.ended.push(file);
}

describe("runTasks()", () => {
  it("runs each file once, several at a time, those that must be alone at the end", async () => {
    const notes = new Notes();
    const all = [...tasks(2, "alone"), ...tasks(7)];
    const runs = await runTasks(all, { lanes: 3, waitingLanes: 0, ...notes });
    assert.equal(notes.mostInside, 3);
    assert.deepEqual(runs.map(({ file }) => file).toSorted(), all.map(({ file }) => file).toSorted());
    assert.deepEqual(notes.ended.slice(-2), ["alone 0", "alone 1"]);
  });

  it("runs files that mostly wait in lanes of their own, and in those that have nothing else to do", async () => {
    const notes = new Notes();
    const all = [...tasks(2), ...tasks(9, "waits")];
    const runs = await runTasks(all, { lanes: 2, waitingLanes: 1, ...notes });
    assert.equal(notes.mostInside, 3);
    assert.deepEqual(runs.map(({ file }) => file).toSorted(), all.map(({ file }) => file).toSorted());
    assert.deepEqual(notes.ended.filter((file) => file.startsWith("beside")), ["beside 0", "beside 1"]);
  });

  it("gives each lane a Redis, cleared before each file, and stops all of them", async () => {
    const notes = new Notes();
    await runTasks(tasks(5), { lanes: 2, waitingLanes: 0, ...notes });
    assert.equal(notes.servers.length, 2);
    assert.equal(notes.servers.join(" ").split("cleared").length - 1, 5);
    for (const server of notes.servers) assert.match(server, /^started( cleared)+ stopped$/);
  });

  it("opens no more lanes than there are files", async () => {
    const notes = new Notes();
    await runTasks(tasks(1, "alone"), { lanes: 8, waitingLanes: 8, ...notes });
    assert.deepEqual(notes.servers, ["started cleared stopped"]);
  });

  it("stops the servers when a file cannot be run", async () => {
    const notes = new Notes();
    const broken = { runtime, file: "breaks", alone: false, waits: false };
    await assert.rejects(runTasks([broken], { lanes: 2, waitingLanes: 0, ...notes }), /broken/);
    assert.deepEqual(notes.servers, ["started cleared stopped"]);
  });
});
