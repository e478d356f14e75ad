import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";

import { fileSource } from "../../src/simulate/input/source.ts";
import { LogError, type LogProblem } from "../../src/simulate/log_error.ts";
import { FIVE, logOf, replay, type Request, START_MS, textOf } from "./_logs.ts";
import { simulate } from "../../src/simulate/simulate.ts";

const requests = Array.from({ length: 400 }, (_, i): Request => {
  return { atMs: START_MS + i * 100, address: `10.0.${i % 3}.${i % 50}`, target: `/items/${i}` };
});
const text = textOf("combined", requests);
const lines = text.trimEnd().split("\n");
const packed = gzipSync(text);

async function refuses(
  reason: LogProblem,
  log: string | Uint8Array,
  message: RegExp,
  pieceBytes = 1_000,
): Promise<void> {
  const { bytes, ...source } = logOf(log, "bad.log", pieceBytes);
  let isOpen = false;
  async function* opened(): AsyncIterable<Uint8Array> {
    isOpen = true;
    try {
      yield* bytes;
    } finally {
      isOpen = false;
    }
  }
  const sources = [{ ...source, bytes: opened() }];
  await assert.rejects(simulate({ sources, limiters: FIVE }), (error) => {
    assert.ok(error instanceof LogError, String(error));
    assert.equal(error.reason, reason);
    assert.equal(error.code, "LOG_REFUSED");
    assert.equal(error.file, "bad.log");
    assert.match(error.message, message);
    return true;
  });
  assert.ok(!isOpen, "the log was not closed");
}

describe("simulate()", () => {
  it("reads gzip as it reads text, also several packed logs behind each other", async () => {
    const plain = await replay(text);
    assert.equal(plain.requests, 400);
    assert.deepEqual(await replay(packed), plain);
    const half = lines.length / 2;
    const [one, other] = [lines.slice(0, half), lines.slice(half)].map((part) => gzipSync(`${part.join("\n")}\n`));
    assert.deepEqual(await replay(Buffer.concat([one as Uint8Array, other as Uint8Array])), plain);
  });

  it("refuses packed data that ends too early or is damaged, wherever it ends", async () => {
    for (const length of [12, 100, packed.length - 9, packed.length - 8, packed.length - 1]) {
      await refuses("truncated", packed.subarray(0, length), /ends too early/);
    }
    const damaged = Uint8Array.from(packed);
    damaged[packed.length - 6] = (damaged[packed.length - 6] as number) ^ 1;
    await refuses("truncated", damaged, /is damaged/);
  });

  it("passes on what goes wrong while a log is read, packed or not", async () => {
    const broken = new Error("the disk is gone");
    async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
      yield bytes.subarray(0, 1_000);
      throw broken;
    }
    for (const bytes of [packed, new TextEncoder().encode(text)]) {
      await assert.rejects(simulate({ sources: [{ name: "bad.log", bytes: pieces(bytes) }], limiters: FIVE }), broken);
    }
  });

  it("refuses a text that ends in the middle of a line, and takes one whose last line is whole", async () => {
    assert.equal((await replay(text.trimEnd())).requests, 400);
    for (const cut of [2, 8, 20, 60]) await refuses("truncated", text.slice(0, -cut), /in the middle of a line/);
    await refuses("truncated", text.slice(0, -8), /line 400: it ends in the middle of a line/, 1 << 20);
  });

  it("refuses empty logs, binary ones, UTF-16 and other compression", async () => {
    await refuses("empty", "", /it is empty/);
    await refuses("empty", gzipSync(""), /there is nothing in it/);
    await refuses("empty", "\n\r\n\n", /no line in it/);
    await refuses("empty", "time,ip,path\n", /a header, and no line behind it/);
    await refuses("binary", new Uint8Array(5_000), /binary/);
    await refuses("binary", gzipSync(new Uint8Array(5_000)), /binary/);
    await refuses("binary", Buffer.from(`\uFEFF${text}`, "utf16le"), /UTF-16/);
    await refuses(
      "compressed",
      Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0),
      /Zstandard: unpack it, as in zstdcat/,
    );
    await refuses("compressed", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0), /zip/, 1);
  });

  it("refuses a log in which no line can be read, and names the formats", async () => {
    await refuses("unrecognised", "hello\nworld\n", /combined.*AWS.*CSV.*It begins with "hello"/);
    await assert.rejects(replay(text, { format: "alb" }), {
      reason: "unparsed",
      message: /none of its lines can be read as AWS Application Load Balancer. The first: no type such as http/,
    });
    await assert.rejects(replay("a,b\n1,2\n", { format: "csv" }), { message: /no column for the time among a, b/ });
    await assert.rejects(replay(text, { format: "cmbined" }), {
      code: "CONFIG_INVALID",
      message: /did you mean "combined"/,
    });
  });

  it("refuses times that go back by more than the window, and says by how much and where", async () => {
    const late = [...lines.slice(0, 300), lines[0] as string, ...lines.slice(300)];
    const unsorted = `${late.join("\n")}\n`;
    await refuses(
      "unsorted",
      unsorted,
      /"bad.log", line 301: it is 29 s older than a line before it, and 5 s are allowed/,
    );
    assert.equal((await replay(unsorted, { windowMs: 30_000 })).requests, 401);
    assert.equal((await replay(unsorted, { windowMs: Infinity })).requests, 401);
    await assert.rejects(replay(unsorted, { windowMs: 28_999 }), { reason: "unsorted" });
    await assert.rejects(replay(unsorted, { windowMs: -1 }), { code: "CONFIG_INVALID" });
    const reversed = `${lines.toReversed().join("\n")}\n`;
    await refuses("unsorted", reversed, /not sorted/);
    const { files: _, ...sorted } = await replay(reversed, { windowMs: Infinity });
    assert.equal(sorted.requests, 400);
  });

  it("counts lines that cannot be read, shows some, and is not stopped by them", async () => {
    const megabyte = `${lines[0]} "${"x".repeat(1_100_000)}"`;
    const bad = ["\u0000\u0001\u001b[31m", megabyte, "<script>alert(1)</script>", '{"time":1}', "https://u:secret@h/"];
    const mixed = [...lines.slice(0, 10), ...bad, "", ...lines.slice(10)];
    const report = await replay(`${mixed.join("\r\n")}\r\n`);
    assert.equal(report.requests, 400);
    assert.equal(report.lines, 405);
    assert.equal(report.unparsed, 5);
    assert.deepEqual(report.samples.map(({ line, problem }) => `${line}: ${problem}`), [
      "11: no request in quotes",
      "12: longer than a line may be",
      "13: no request in quotes",
      "14: no time in brackets",
      "15: no request in quotes",
    ]);
    assert.equal(report.samples[0]?.text, "\\u0000\\u0001\\u001b[31m");
    assert.ok(!JSON.stringify(report).includes("secret"));
    assert.ok(report.samples.every((sample) => sample.text.length <= 200));
  });

  it("reads lines of up to a megabyte, in pieces of any size", async () => {
    const long = `${lines[0]?.slice(0, -1)}${"é".repeat(500_000)}"\n`;
    for (const pieceBytes of [65_537, 1 << 22]) {
      const report = await simulate({ sources: [logOf(long + text, "long.log", pieceBytes)], limiters: FIVE });
      assert.deepEqual([report.report.requests, report.report.unparsed], [401, 0]);
    }
    assert.deepEqual(
      await replay(text),
      (await simulate({ sources: [logOf(text, "access.log", 7)], limiters: FIVE })).report,
    );
  });

  it("refuses files that cannot be read, and reads those that can", async () => {
    const folder = await mkdtemp(join(tmpdir(), "simulate-"));
    try {
      const file = join(folder, "access.log.gz");
      await writeFile(file, packed);
      const { report } = await simulate({ sources: [await fileSource(file)], limiters: FIVE });
      assert.equal(report.requests, 400);
      await assert.rejects(fileSource(folder), { reason: "unreadable", message: /it is a directory/ });
      await assert.rejects(fileSource(join(folder, "none")), {
        reason: "unreadable",
        message: /there is no such file/,
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
