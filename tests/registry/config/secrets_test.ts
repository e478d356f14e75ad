import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { ConfigError } from "../../../src/base/errors.ts";
import { parse } from "./_support.ts";

/** Everything that a log could show of an error. */
function traces(error: ConfigError): string {
  return [
    error.message,
    String(error.stack),
    String(error),
    JSON.stringify(error),
    JSON.stringify(Object.getOwnPropertyDescriptors(error)),
    inspect(error, { depth: 9, showHidden: true }),
  ].join("\n");
}

/** A secret that no other text contains by chance; its odd characters are legal in every kind of TOML string. */
const secrets = fc
  .tuple(fc.string({ unit: fc.constantFrom(..."aZ9:/@#%$&=+-_. !"), maxLength: 20 }), fc.nat())
  .map(([odd, n]) => `S3cr${n}${odd}et`);

/** Ways to be wrong around a secret. `S` stands for it as TOML text, `URL` for a URL that holds it. */
const MISTAKES: readonly string[] = [
  "[stores.a]\nurl = URL\nextra = 1",
  "[stores.a]\nurl = S",
  '[stores.a]\nurl = "mysql://u:${SECRET}@h"',
  '[stores.a]\nurl = "postgres://u:${SECRET}@h"\nextra = 1',
  '[stores.a]\nurl = "nats://u:${SECRET}@h"\nextra = 1',
  '[stores.a]\nurl = "nats://h"\ntoken = [S]',
  "[stores.a]\nurl = [S]",
  "[stores.a]\nurl = { password = S }",
  "[stores.a]\nurl = URL\npasword = S",
  "[stores.a]\nuri = URL",
  "[stores.a]\nengine = URL",
  "[stores.a]\nurl = URL\npassword = [S]",
  "[stores.a]\nurl = URL\npassword = { x = S }",
  "[stores.a]\nurl = URL\npassword = S\ndb = -1",
  '[stores.a]\nurl = "${SECRET}"',
  '[stores.a]\nurl = "redis://:${SECRET}@h"\npassword = "${SECRET}${NO}"',
  "[stores.a]\nurl = URL\npassword = S\npassword = S",
  "[stores.a]\nurl = URL URL",
  "[stores.a]\nurl = URL\npassword = S oops",
  "[stores.a]\nurl = URL\npassword = S\n[limiters.a]\nstore = 5",
  "[stores.a]\nurl = URL\nkey_prefix = 5\npassword = S",
  "stores.a = S",
  "stores = [S]",
  "stores = URL",
  "[stores.a]\nurl = URL\nusername = { a = { b = { c = { d = { e = { f = { g = S } } } } } } }",
  "[limiters.a]\nlimits = S",
  "[limiters.a]\npassword = S",
  "[stores.a]\nurl = URL\ndb = URL",
  '[stores.a]\nurl = "https://h"\ntoken = [S]',
  '[stores.a]\nurl = "https://h"\ntoken = S\ndb = -1',
];

describe("errors of parseConfig()", () => {
  it("never show a password or a URL", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...MISTAKES),
        secrets,
        fc.constantFrom('"', "'"),
        async (mistake, secret, quote) => {
          const literal = secret.replaceAll("${", "");
          const toml = mistake
            .replaceAll("URL", () => `${quote}redis://user:${literal}@h:6379/0${quote}`)
            .replace(/\bS\b/g, () => `${quote}${literal}${quote}`);
          try {
            await parse(toml, { SECRET: literal });
          } catch (error) {
            assert.ok(error instanceof ConfigError);
            const seen = traces(error);
            assert.ok(!seen.includes(literal), `${toml}\n${seen}`);
            assert.ok(!seen.includes(JSON.stringify(literal).slice(1, -1)), `${toml}\n${seen}`);
            return;
          }
          assert.fail(`nothing was refused: ${toml}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("never show the text after a ${ that is no variable", async () => {
    await fc.assert(
      fc.asyncProperty(secrets, fc.constantFrom("${", "${1", "${A:-", "${A", "${A:-${"), async (secret, start) => {
        try {
          await parse(`[stores.a]\nurl = "redis://h"\npassword = "${start}-${secret}"`);
        } catch (error) {
          assert.ok(error instanceof ConfigError);
          assert.ok(!traces(error).includes(secret));
        }
      }),
    );
  });
});
