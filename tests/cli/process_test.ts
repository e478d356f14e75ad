import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { commandOf, runWorker, startWorker } from "../_support/processes.ts";
import { redisUrl } from "../_support/redis.ts";
import { ConfigFile } from "./_places.ts";

/** The program, from the folder of the tests. */
const PROGRAM = "../src/cli/bin";

describe("The process of ratesync", () => {
  it("prints results and errors where they belong, and ends by itself", async () => {
    using file = new ConfigFile(`[stores.main]\nurl = "${redisUrl()}"\n[limiters.api]\nlimit = 1\nwindow = "1s"\n`);
    const checked = await runWorker(PROGRAM, ["check", "--config", file.path]);
    assert.deepEqual([checked.code, checked.stderr], [0, ""]);
    assert.match(checked.stdout, /main +redis +redis:\/\/127\.0\.0\.1:\d+\/0 +decides in /);
    const failed = await runWorker(PROGRAM, ["keys", "apy", "--config", file.path]);
    assert.deepEqual([failed.code, failed.stdout], [2, ""]);
    assert.equal(failed.stderr, 'error: Cannot find limiter "apy": known: "api"\ndid you mean "api"?\n');
  });

  it("ends with 130 when it is interrupted while a store is silent", async () => {
    const server = createServer(() => {}).listen(0, "127.0.0.1");
    await once(server, "listening");
    const connected = once(server, "connection");
    const url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
    using file = new ConfigFile(`[stores.main]\nurl = "${url}"\n[limiters.api]\nlimit = 1\nwindow = "1s"\n`);
    await using program = startWorker(PROGRAM, ["keys", "api", "--config", file.path]);
    const [socket] = await connected;
    await sleep(100); // Deno begins to listen to signals in the background
    program.kill("SIGINT");
    const { code, signal, stdout, stderr } = await program.exited;
    // Deno tells the parent of a process that ended with 130 that a signal ended it.
    assert.deepEqual([code, signal], "deno" in process.versions ? [null, "SIGINT"] : [130, null]);
    assert.deepEqual([stdout, stderr], ["", ""]);
    socket.destroy();
    server.close();
  });

  it("ends in silence where its reader has ended", async () => {
    const [program, args] = commandOf(PROGRAM, ["help"]);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
    assert.deepEqual(await once(child, "close"), [0, null]);
    assert.equal(stderr, "");
  });

  it("completes words in a bash", () => {
    using folder = new TemporaryFolder("completion");
    using file = new ConfigFile('[limiters."my api"]\nlimit = 1\nwindow = "1s"\n[limiters.mail]\nmax_concurrent = 1\n');
    const [program, args] = commandOf(PROGRAM, []);
    const path = join(folder.path, "ratesync");
    writeFileSync(path, `#!/bin/sh\nexec ${[program, ...args].map((word) => `'${word}'`).join(" ")} "$@"\n`);
    chmodSync(path, 0o755);
    const script = `
source <(ratesync completion bash) || exit 1
complete -p ratesync
typed() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ratesync; echo "\${COMPREPLY[*]}"; }
typed ratesync ke
typed ratesync keys m
typed ratesync keys --config /none m
typed ratesync block --k
typed ratesync completion ""
`;
    const env = {
      ...process.env,
      PATH: `${folder.path}${delimiter}${process.env["PATH"]}`,
      RATE_SYNC_CONFIG: file.path,
    };
    assert.deepEqual(execFileSync("bash", ["-c", script], { env, encoding: "utf8" }).trimEnd().split("\n"), [
      "complete -F _ratesync ratesync",
      "keys",
      "my\\ api mail",
      "",
      "--keep-longer",
      "bash zsh fish",
    ]);
  });
});
