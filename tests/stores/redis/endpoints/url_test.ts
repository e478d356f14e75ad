import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { ConfigError } from "../../../../mod.ts";
import { readSettings } from "../../../../src/stores/redis/connections/settings/settings.ts";
import type { RedisStoreOptions } from "../../../../src/stores/redis/options.ts";

/** What a URL comes to, with what is left out where it is usual. */
interface Read {
  readonly label: string;
  readonly who?: readonly [username: unknown, password: unknown];
  readonly family?: 4 | 6;
  readonly socketPath?: string;
  readonly insecure?: boolean;
}

function read(url: string, options: RedisStoreOptions = {}): Read {
  const { endpoint, tls } = readSettings({ ...options, url });
  const { label, username, password, family, socketPath } = endpoint;
  return {
    label,
    ...(password === undefined ? {} : { who: [username, password] as const }),
    ...(family === undefined ? {} : { family }),
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(tls.rejectUnauthorized === false ? { insecure: true } : {}),
  };
}

const URLS: readonly (readonly [from: string, url: string, expected: Read])[] = [
  ["Heroku", "redis://h:pw@ec2-1-2-3-4.compute-1.amazonaws.com:16379", {
    label: "redis://ec2-1-2-3-4.compute-1.amazonaws.com:16379/0",
    who: ["h", "pw"],
  }],
  ["Heroku with Celery", "rediss://:pw@ec2.example:6380/0?ssl_cert_reqs=none", {
    label: "rediss://ec2.example:6380/0",
    who: ["default", "pw"],
    insecure: true,
  }],
  ["Celery", "rediss://h?ssl_cert_reqs=CERT_REQUIRED", { label: "rediss://h:6379/0" }],
  ["Railway", "redis://default:pw@redis.railway.internal:6379?family=0", {
    label: "redis://redis.railway.internal:6379/0",
    who: ["default", "pw"],
  }],
  ["Fly", "redis://default:pw@fly-app.upstash.io:6379?family=6", {
    label: "redis://fly-app.upstash.io:6379/0",
    who: ["default", "pw"],
    family: 6,
  }],
  ["Render", "redis://red-abc123:6379", { label: "redis://red-abc123:6379/0" }],
  ["Upstash", "rediss://default:AX-x@eu1-a-1.upstash.io:6379", {
    label: "rediss://eu1-a-1.upstash.io:6379/0",
    who: ["default", "AX-x"],
  }],
  ["Azure", "rediss://:a/b+c==@name.redis.cache.windows.net:6380", {
    label: "rediss://name.redis.cache.windows.net:6380/0",
    who: ["default", "a/b+c=="],
  }],
  ["Aiven", "valkeys://default:pw@v.aivencloud.com:28551", {
    label: "valkeys://v.aivencloud.com:28551/0",
    who: ["default", "pw"],
  }],
  ["Valkey", "valkey://localhost:6379/2", { label: "valkey://localhost:6379/2" }],
  ["Docker Compose", "redis://my_redis:6379/", { label: "redis://my_redis:6379/0" }],
  ["redis-py", "redis://h:6379?db=3&protocol=3&username=u&password=p%26w", {
    label: "redis://h:6379/3",
    who: ["u", "p&w"],
  }],
  ["redis-py, a socket", "unix:///run/redis.sock?db=1", {
    label: "unix:///run/redis.sock?db=1",
    socketPath: "/run/redis.sock",
  }],
  ["redis-py, a socket with a password", "unix://:p/w@/run/my%20redis.sock", {
    label: "unix:///run/my redis.sock",
    who: ["default", "p/w"],
    socketPath: "/run/my redis.sock",
  }],
  ["Celery, a socket", "redis+socket:///run/redis.sock?virtual_host=2", {
    label: "unix:///run/redis.sock?db=2",
    socketPath: "/run/redis.sock",
  }],
  ["Flask-Limiter, a socket", "redis+unix:///run/a@b.sock", {
    label: "unix:///run/a@b.sock",
    socketPath: "/run/a@b.sock",
  }],
  ["a shell", "  REDIS://LocalHost:6379/0\n", { label: "redis://LocalHost:6379/0" }],
  ["a machine with IPv6", "redis://[2001:db8::1]:7000/1", { label: "redis://[2001:db8::1]:7000/1" }],
  ["a cluster", "rediss+cluster://:pw@a,b:7000?ssl_cert_reqs=none&family=4", {
    label: "rediss+cluster://a:6379,b:7000",
    who: ["default", "pw"],
    family: 4,
    insecure: true,
  }],
  ["Sentinels of Valkey", "valkey+sentinel://a,b/main/1?family=6", {
    label: "redis+sentinel://a:26379,b:26379/main/1",
    family: 6,
  }],
];

/** Passwords as generators make them, in a URL as they are. */
const PASSWORDS = [
  "a/b",
  "a#b",
  "a?b",
  "a%b",
  "a%zz",
  "p@ss",
  "a:b",
  "a b",
  "100%",
  "/",
  "#",
  "é😀",
  "a=b&c",
  "a\\b",
  "[x]",
];

const REFUSED: readonly (readonly [url: string, expected: RegExp, options?: RedisStoreOptions])[] = [
  ["", /^redis:\/\/\[\[user\]/],
  ["localhost:6379", /^redis:\/\/.* unix:\/\/\/path/],
  ["name.redis.cache.windows.net:6380,password=pw,ssl=True", /^redis:\/\//],
  ["redis:localhost", /^redis:\/\//],
  ["redis://", /`password`$/],
  ["redis:///0", /host/],
  ["redis:///run/redis.sock", /unix:\/\/\/path/],
  ["redis://h:port", /`password`$/],
  ["redis://h:0", /port from 1 to 65535/],
  ["redis://h:65536", /port from 1 to 65535/],
  ["redis://h/first", /a database number.*`password`$/],
  ["redis://h/0#x", /`password`$/],
  ["redis://h h", /`password`$/],
  ["redis://:a@b/c@h", /@ as %40.*`password`$/],
  ["redis://h:6379/0?password=p@ss", /@ as %40.*`password`$/],
  ["redis://u:p@h/0?password=q", /^one password in the URL.*`password`$/],
  ["redis://h/1?db=2", /^one db in the URL/],
  ["redis://h?family=5", /^4 or 6, or 0 for both as family/],
  ["redis://h?family=", /^4 or 6/],
  ["redis://h?protocol=1", /^2 or 3/],
  ["redis://h?db=one", /^a database number/],
  ["redis://h?ssl_cert_reqs=none", /^rediss:\/\/ along with ssl_cert_reqs$/],
  ["rediss://h?ssl_cert_reqs=maybe", /^none, optional or required/],
  ["redis://h?famly=6", /did you mean "family"\?/],
  ["redis://h?ssl_cert_req=none", /did you mean "ssl_cert_reqs"\?/],
  ["redis://h?socket_timeout=5", /did you mean "socketTimeoutMs", an option of Redis stores\?/],
  ["redis://h?max_connections=5", /did you mean "poolMaxSize", an option of Redis stores\?/],
  ["rediss://h?ssl_ca_certs=/ca.pem", /did you mean "tlsCa", an option of Redis stores\?/],
  [
    "redis://h?decode_responses=True",
    /^nothing but db, username, password, family, ssl_cert_reqs, protocol in its query/,
  ],
  ["redis://h?__proto__=1", /^nothing but/],
  ["unix://redis.sock", /path of a socket/],
  ["unix://", /path of a socket/],
  ["redis://pw@h", /redis:\/\/:password@host/],
  ["rediss://h?ssl_cert_reqs=none", /^true, as ssl_cert_reqs of the url says/, { tlsInsecure: false }],
  ["rediss://h?ssl_cert_reqs=required", /^false, as ssl_cert_reqs of the url says/, { tlsInsecure: true }],
  ["redis://u:p@h", /^the same username/, { username: "v" }],
  ["redis://u:p@h", /^the same password/, { password: () => "p" }],
];

describe("The URL of a Redis store", () => {
  for (const [from, url, expected] of URLS) {
    it(`is read as ${from} writes it: ${url.trim()}`, () => assert.deepEqual(read(url), expected));
  }

  for (const password of PASSWORDS) {
    it(`may hold the password ${JSON.stringify(password)} as it is, and percent-encoded`, () => {
      const expected = { label: "redis://127.0.0.1:6379/0", who: ["default", password] };
      assert.deepEqual(read(`redis://:${password}@127.0.0.1:6379/0`), expected);
      assert.deepEqual(read(`redis://:${encodeURIComponent(password)}@127.0.0.1`), expected);
    });
  }

  for (const [url, expected, options] of REFUSED) {
    it(`is refused, and not repeated: ${JSON.stringify(url)} beside ${inspect(options)}`, () => {
      assert.throws(() => read(url, options), (error) => {
        assert.ok(error instanceof ConfigError, inspect(error));
        assert.match(error.expected, expected);
        assert.notEqual(error.received, "");
        assert.ok(url.length < 10 || !error.message.includes(url), error.message);
        return true;
      });
    });
  }

  it("may say the same as the options beside it", () => {
    const options = { db: 1, username: "u", password: "p", tlsInsecure: true };
    assert.equal(read("rediss://u:p@h/1?ssl_cert_reqs=none", options).label, "rediss://h:6379/1");
  });
});
