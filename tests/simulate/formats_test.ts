import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import fc from "fast-check";

import { parseField } from "../../src/simulate/fields.ts";
import { FORMATS, type LineReader, recognise } from "../../src/simulate/formats/mod.ts";
import { readTime } from "../../src/simulate/formats/times.ts";
import { runs } from "../_support/arbitraries.ts";
import { HEADERS, LINES, replay, type Request, START_MS, textOf } from "./_logs.ts";

/** Reads lines: each as its time in milliseconds and the values, or as what is wrong with it. */
function read(lines: readonly string[], wanted: readonly string[], format?: string) {
  const found = format === undefined ? recognise(lines, undefined) : FORMATS.find(({ name }) => name === format);
  assert.ok(found !== undefined, `no format reads ${lines[0]}`);
  const reader = found.reader(lines, { wanted: wanted.map((one) => parseField(one, "key")) });
  assert.ok(typeof reader !== "string", reader as string);
  const rows = lines.slice((reader as LineReader).headerLines).map((line) => {
    const into = { timeUs: 0, values: wanted.map((): string | undefined => undefined) };
    return reader.read(line, into) ?? [into.timeUs / 1_000, ...into.values];
  });
  return { format: found.name, rows };
}

const samples = (name: string) => readFileSync(`tests/simulate/samples/${name}.log`, "utf8").trimEnd().split("\n");
const WANTED = ["address", "user", "method", "path", "header:user-agent"];

describe("formats of logs", () => {
  it("read what nginx has written, also requests that are none and users with a time in their name", () => {
    const at = Date.UTC(2026, 10, 28, 7, 39, 20);
    const { format, rows } = read(samples("nginx_combined"), WANTED);
    assert.equal(format, "combined");
    assert.deepEqual(rows.slice(2), [
      [at, "127.0.0.1", undefined, "GET", "/?page=3", "curl/7.88.1"],
      [at, "127.0.0.1", undefined, "GET", "/index.html", "odd \\x22quoted\\x22 \\x5C agent"],
      [at, "::1", undefined, "GET", "/items/1042", "curl/7.88.1"],
      [at, "127.0.0.1", "frank smith", "GET", "/private/index.html", "curl/7.88.1"],
      [at, "127.0.0.1", undefined, "POST", "/login?next=%2Fa%20b", "curl/7.88.1"],
      [at, "127.0.0.1", undefined, "GET", "/", "M\\xC3\\xB6zilla/5.0 (\\xE6\\x97\\xA5\\xE6\\x9C\\xAC)"],
      [at + 15_000, "127.0.0.1", undefined, "GET", "/with space here", undefined],
      [at + 15_000, "127.0.0.1", undefined, undefined, undefined, undefined],
      [at + 15_000, "127.0.0.1", undefined, "GET", "http://example.com/absolute?x=1", undefined],
      [at + 15_000, "127.0.0.1", "x [01/Jan/2030", "GET", "/", undefined],
      [at + 15_000, "127.0.0.1", undefined, undefined, undefined, undefined],
    ]);
  });

  it("read the forwarded address of nginx' own format, and its JSON", () => {
    const main = read(samples("nginx_main"), ["header:x-forwarded-for"]);
    assert.equal(main.format, "combined");
    assert.deepEqual(main.rows.map((row) => row[1]).filter(Boolean), ["203.0.113.7, 198.51.100.2"]);
    const json = read(samples("nginx_json"), ["user", "path", "header:x-api-key"]);
    assert.equal(json.format, "json");
    assert.equal(json.rows.length, 13);
    assert.deepEqual(json.rows[6], [Date.UTC(2026, 10, 28, 7, 39, 20), undefined, "/login?next=%2Fa%20b", "k1"]);
    assert.deepEqual(json.rows[5]?.slice(1), ["frank smith", "/private/index.html", undefined]);
  });

  it("read what Apache has written: combined, common, and with a host in front", () => {
    const { format, rows } = read(samples("apache_combined"), WANTED);
    assert.equal(format, "combined");
    assert.deepEqual(rows[3]?.slice(1), ["127.0.0.1", undefined, "GET", "/index.html", 'odd \\"quoted\\" \\\\ agent']);
    assert.deepEqual(rows[5]?.slice(1, 3), ["127.0.0.1", "frank smith"]);
    assert.deepEqual(rows[8]?.slice(1, 5), ["127.0.0.1", undefined, "GET", "/with space"]);
    const withoutAgent = (name: string) => read(samples(name), WANTED.slice(0, 4));
    assert.deepEqual(withoutAgent("apache_common"), {
      format: "common",
      rows: rows.map((row) => row.slice(0, 5)),
    });
    assert.deepEqual(withoutAgent("apache_vhost").rows, rows.map((row) => row.slice(0, 5)));
    assert.equal(read(samples("apache_vhost"), ["field:host"]).rows[0]?.[1], "example.test:80");
  });

  it("read quoted texts that end in a backslash", () => {
    const at = '127.0.0.1 - - [02/Mar/2026:06:00:00 +0000] "GET / HTTP/1.1" 200 3';
    assert.deepEqual(read([`${at} "-" "agent\\\\"`, `${at} "-" "agent\\"`], ["header:user-agent"]), {
      // Also where a line looks like one of the common format.
      format: "combined",
      rows: [[START_MS, "agent\\\\"], "no referer and user agent in quotes"],
    });
  });

  it("read ingress-nginx, which has more fields behind the user agent", () => {
    const line =
      '172.18.0.1 - - [08/Jul/2024:10:27:02 +0200] "GET /a HTTP/1.1" 200 3747 "-" "Mozilla/5.0" 816 0.019 [svc-80] ' +
      "[] 10.244.1.2:8080 3747 0.019 200 f4d30fe9a4ae61d4379095042778f51b";
    assert.deepEqual(read([line], ["address", "path", "field:bytes"]), {
      format: "combined",
      rows: [[Date.UTC(2024, 6, 8, 8, 27, 2), "172.18.0.1", "/a", "3747"]],
    });
  });

  it("read AWS ALB, with IPv6, WebSockets and requests that were not read", () => {
    const request: Request = { atMs: START_MS, address: "192.168.131.39", target: "/a?b=1" };
    const line = (LINES["alb"] as (request: Request) => string)(request);
    const unread = line.replace("GET https://www.example.com:443/a?b=1 HTTP/2.0", "- http://www.example.com:80- -");
    const rows = [
      line,
      line.replace("h2", "wss").replace("192.168.131.39", "[2001:db8::1]"),
      line.replace("192.168.131.39", "2001:db8::1"),
      unread,
      line.replace("h2", "tcp"),
    ];
    const fields = ["address", "method", "path", "header:user-agent", "field:domain_name", "field:conn_trace_id"];
    const found = read(rows, fields);
    assert.equal(found.format, "alb");
    const rest = ["curl/8.8.0", "www.example.com", "TID_123456"];
    assert.deepEqual(found.rows, [
      [START_MS, "192.168.131.39", "GET", "https://www.example.com:443/a?b=1", ...rest],
      [START_MS, "2001:db8::1", "GET", "https://www.example.com:443/a?b=1", ...rest],
      [START_MS, "2001:db8::1", "GET", "https://www.example.com:443/a?b=1", ...rest],
      [START_MS, "192.168.131.39", undefined, "http://www.example.com:80-", ...rest],
      "no type such as http or h2 at the beginning",
    ]);
  });

  it("read JSON of Caddy, Traefik, pino and AWS WAF by their own names", () => {
    const fields = ["address", "method", "path", "header:user-agent"];
    const expected = [START_MS, "203.0.113.7", "GET", "/a?b=1", "curl/8.8.0"];
    const headers = { "user-agent": "curl/8.8.0" };
    const logs: Record<string, object> = {
      caddy: {
        ts: START_MS / 1_000,
        request: { remote_ip: "203.0.113.7", method: "GET", uri: "/a?b=1", headers: { "User-Agent": ["curl/8.8.0"] } },
      },
      traefik: {
        time: "2026-03-02T06:00:00Z",
        ClientHost: "203.0.113.7",
        RequestMethod: "GET",
        RequestPath: "/a?b=1",
        "request_User-Agent": "curl/8.8.0",
      },
      pino: { time: START_MS, req: { method: "GET", url: "/a?b=1", headers, remoteAddress: "203.0.113.7" } },
      "request line": {
        "@timestamp": "2026-03-02T07:00:00.000+01:00",
        remote_addr: "203.0.113.7",
        request: "GET /a?b=1 HTTP/1.1",
        http_user_agent: "curl/8.8.0",
      },
    };
    for (const [name, line] of Object.entries(logs)) {
      assert.deepEqual(read([JSON.stringify(line)], fields), { format: "json", rows: [expected] }, name);
    }
  });

  it("read CSV with quotes, tabs or semicolons, whatever the case of the names", () => {
    for (const [separator, quote] of [[",", '"'], ["\t", ""], [";", '"']] as const) {
      const row = (...cells: string[]) => cells.map((cell) => quote + cell + quote).join(separator);
      const lines = [
        `\uFEFF${row("Timestamp", "Client_IP", "Path", "note")}`,
        row("2026-03-02 06:00:00", "203.0.113.7", "/a?b=1", quote === "" ? "x" : 'say ""hi"", now'),
        row("2026-03-02 06:00:00", "203.0.113.7"),
      ];
      assert.deepEqual(read(lines, ["address", "path", "field:note"]), {
        format: "csv",
        rows: [
          [START_MS, "203.0.113.7", "/a?b=1", quote === "" ? "x" : 'say "hi", now'],
          "2 fields for 4 columns",
        ],
      });
    }
  });

  it("read or refuse any line, and throw for none", () => {
    const fields = ["address", "user", "path", "method", "query:a", "header:user-agent", "field:x"];
    const request: Request = { atMs: START_MS, address: "10.0.0.1", user: "a", target: "/a?b=1" };
    const wanted = fields.map((one) => parseField(one, "key"));
    const readers = FORMATS.map((format) => {
      const head = textOf(format.name, [request]).trimEnd().split("\n");
      const reader = format.reader(head, { wanted });
      assert.ok(typeof reader !== "string");
      return [reader as LineReader, head.at(-1) as string] as const;
    });
    const piece = fc.oneof(
      fc.constantFrom('"', "\\", " ", "[", "]", "{", ",", ":", "-", "\u0000", "1e999"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.nat(readers.length - 1), fc.nat(400), fc.nat(20), piece, (which, at, length, text) => {
        const [reader, line] = readers[which] as (typeof readers)[number];
        const into = { timeUs: 0, values: fields.map((): string | undefined => undefined) };
        for (const bad of [text, line.slice(0, at) + text + line.slice(at + length)]) {
          const problem = reader.read(bad, into);
          assert.ok(problem === undefined ? Number.isSafeInteger(into.timeUs) : problem !== "", bad);
        }
      }),
      { numRuns: runs(1_000) },
    );
  });

  it("give the same report for the same requests in every format", async () => {
    const requests = Array.from({ length: 60 }, (_, i): Request => {
      return { atMs: START_MS + i * 1_000, address: `10.0.0.${i % 7}`, target: `/p${i % 3}?q=${i}` };
    });
    const reports = await Promise.all(
      Object.keys(LINES).map(async (format) => {
        const { files, ...report } = await replay(textOf(format, requests));
        assert.deepEqual(files.map((file) => file.format), [format]);
        return report;
      }),
    );
    for (const report of reports) assert.deepEqual(report, reports[0]);
    assert.equal(reports[0]?.denied, 60 - 7 * 5);
    assert.deepEqual(Object.keys(HEADERS), ["csv"]);
  });

  it("read times as servers write them, and no days that do not exist", () => {
    const at = START_MS * 1_000;
    const times: readonly (readonly [unknown, number])[] = [
      ["2026-03-02T06:00:00Z", at],
      ["2026-03-02T06:00:00.000001Z", at + 1],
      ["2026-03-02 06:00:00,250", at + 250_000],
      ["2026-03-02T06:00:00.1234567891+00:00", at + 123_456],
      ["2026-03-02T11:30:00+0530", at],
      ["2026-03-01T22:00:00-08", at],
      ["02/Mar/2026:06:00:00 +0000", at],
      ["02/Mar/2026:01:00:00 -0500", at],
      ["02/Mar/2026:05:59:60 +0000", at],
      [START_MS / 1_000, at],
      [START_MS / 1_000 + 0.25, at + 250_000],
      [START_MS, at],
      [String(START_MS), at],
      [`${START_MS / 1_000}.250`, at + 250_000],
      [at, at],
      [`${at}000`, at],
      ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29) * 1_000],
    ];
    for (const [text, us] of times) assert.equal(readTime(text), us, String(text));
    const none = [
      ...[
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T06:00:00.Z",
        "2026-03-02",
      ],
      ...["2026-03-02T06:00:00X", "31/Feb/2026:06:00:00 +0000", "02/Foo/2026:06:00:00 +0000", "1969-01-01T00:00:00Z"],
      ...["", "now", -1, 0, NaN, null, true, "99999999999999999999999"],
    ];
    for (const text of none) assert.ok(Number.isNaN(readTime(text)), String(text));
  });
});
