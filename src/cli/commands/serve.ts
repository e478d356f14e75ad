/**
 * `ratesync serve`
 *
 * @module
 */

import { onAbort } from "../../base/abort.ts";
import { createRateSync } from "../../registry/rate_sync.ts";
import { openApi } from "../../serve/openapi/document.ts";
import { serveSettings } from "../../serve/options.ts";
import { DRAIN_MS, startServer } from "../../serve/server.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../exit.ts";
import { UsageError } from "../failure.ts";
import { tokenOf } from "../token.ts";

/** Serves decisions. */
export const command: Command = defineCommand({
  about:
    "It serves decisions of the limiters to programs in other languages: JSON over HTTP, on loopback unless --host " +
    "says otherwise. Beyond loopback it needs a token, which clients send as Authorization: Bearer TOKEN. " +
    "GET /openapi.json describes every call.\n\n" +
    "The failure policies of the configuration hold. On SIGTERM it refuses new decisions, and waits up to --drain for " +
    "clients to release their permits.",
  arguments: {},
  options: {
    host: { kind: "text", value: "ADDRESS", about: "Where to listen; 127.0.0.1 if left out" },
    port: { kind: "count", value: "PORT", min: 0, max: 65_535, about: "The port, 0 for a free one; 4290 if left out" },
    socket: { kind: "text", value: "PATH", completes: "file", about: "Listen on a Unix socket instead" },
    "token-env": {
      kind: "text",
      value: "NAME",
      about: "The environment variable with the token; RATESYNC_TOKEN if left out",
    },
    "max-connections": {
      kind: "count",
      value: "COUNT",
      min: 1,
      about: "The most connections at a time; 1024 if left out",
    },
    "max-body": { kind: "count", value: "BYTES", min: 1, about: "The longest body; 1048576 if left out" },
    "max-batch": { kind: "count", value: "COUNT", min: 1, about: "The most items of a batch; 256 if left out" },
    "max-wait": { kind: "duration", value: "TIME", min: 0, about: "The longest wait of a decision; 60s if left out" },
    drain: {
      kind: "duration",
      value: "TIME",
      min: 0,
      about: "How long to wait for clients at the end; 25s if left out",
    },
    openapi: { kind: "flag", about: "Write the OpenAPI file and end" },
  },
  endsItself: true,
  exits: { 0: "it was stopped by SIGTERM or SIGINT, and has closed in order" },
  examples: [
    ["ratesync serve", "serves on http://127.0.0.1:4290"],
    ["RATESYNC_TOKEN=$(cat token) ratesync serve --host 0.0.0.0", "serves other machines"],
    ["ratesync serve --socket /run/ratesync.sock", "serves programs of this machine through a socket"],
  ],
  async run(context, values) {
    const { host, port, socket: socketPath } = values;
    const options = {
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(values["max-connections"] === undefined ? {} : { maxConnections: values["max-connections"] }),
      ...(values["max-body"] === undefined ? {} : { maxBodyBytes: values["max-body"] }),
      ...(values["max-batch"] === undefined ? {} : { maxBatch: values["max-batch"] }),
      ...(values["max-wait"] === undefined ? {} : { maxWaitMs: values["max-wait"] }),
      token: tokenOf(context.io.env, values["token-env"]),
      onError: (error: unknown) => context.warn(error instanceof Error ? error.stack ?? error.message : String(error)),
    };
    if (values.openapi) {
      const file = openApi(serveSettings(options));
      return { json: file, text: JSON.stringify(file, null, 2) };
    }
    const { config, warnings } = await context.config();
    for (const warning of warnings) context.warn(warning);
    // Not context.open(): a server answers by the failure policies, as any process of the fleet does.
    await using rs = createRateSync({ stores: config.stores, limiters: config.limiters, http: config.http });
    const server = await startServer(rs, options).catch((error: Error & { readonly code?: string }) => {
      if (error.code !== "EADDRINUSE" && error.code !== "EACCES") throw error;
      throw new UsageError(`Cannot listen: ${error.message}`, "--port and --socket name another place");
    });
    const started = context.json ? JSON.stringify({ url: server.url }) : `Serving ${server.url}`;
    context.io.stdout.write(`${started}\n`);
    await new Promise<void>((resolve) => onAbort(context.signal, resolve));
    const { drain: drainMs = DRAIN_MS } = values;
    if (server.unfinished > 0 && drainMs > 0) {
      context.io.stderr.write(
        `Stopping: no new decisions; ${server.unfinished} calls and permits are unfinished, and get up to ${
          drainMs / 1_000
        } s; ` +
          "a second signal ends it at once\n",
      );
    }
    await server.close({ drainMs });
    return { exit: EXIT.done };
  },
});
