/**
 * `ratesync dashboard`
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { onAbort } from "../../base/abort.ts";
import { createDashboard, type Dashboard } from "../../dashboard/dashboard.ts";
import { createRateSync } from "../../registry/rate_sync.ts";
import { Access } from "../../serve/access.ts";
import { isLoopback } from "../../serve/options.ts";
import { Problem } from "../../serve/problem.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../exit.ts";
import { UsageError } from "../failure.ts";
import { tokenOf } from "../token.ts";

/** Serves the dashboard. */
export const command: Command = defineCommand({
  about: "It serves a live page of the fleet: requests and denials, times, permits, stores, the keys that come most " +
    "often, and a box that explains a key. It asks all processes that use the stores of the configuration to report while " +
    "a page is open. Limiters in the memory of a process are seen only by a dashboard in that process: createDashboard().\n\n" +
    "It listens on loopback unless --host says otherwise. Beyond loopback, and with --allow-changes, visitors need a " +
    "token: the one of RATESYNC_TOKEN, or a new one that is printed with the address.",
  arguments: {},
  options: {
    host: { kind: "text", value: "ADDRESS", about: "Where to listen; 127.0.0.1 if left out" },
    port: { kind: "count", value: "PORT", min: 0, max: 65_535, about: "The port, 0 for a free one; 4291 if left out" },
    title: { kind: "text", value: "TEXT", about: "The title of the page" },
    "token-env": {
      kind: "text",
      value: "NAME",
      about: "The environment variable with the token; RATESYNC_TOKEN if left out",
    },
    "allow-changes": { kind: "flag", about: "Let visitors block, unblock and reset keys" },
  },
  endsItself: true,
  exits: { 0: "it was stopped by SIGTERM or SIGINT" },
  examples: [
    ["ratesync dashboard", "serves on http://127.0.0.1:4291"],
    ["ratesync dashboard --host 0.0.0.0 --allow-changes", "serves other machines, with a token"],
  ],
  async run(context, { host = "127.0.0.1", port = 4_291, title, "allow-changes": allowChanges, ...values }) {
    const isTokenNeeded = allowChanges || !isLoopback(host);
    const token = tokenOf(context.io.env, values["token-env"]) ?? (isTokenNeeded ? newToken() : undefined);
    const { config: { stores, limiters, http }, warnings } = await context.config();
    for (const warning of warnings) context.warn(warning);
    // Not context.open(): the page shows the failure policies as the file has them.
    await using rs = createRateSync({ stores, limiters, http });
    const dashboard = createDashboard(rs, { allowChanges, token, ...(title === undefined ? {} : { title }) });
    const server = createServer((request, response) =>
      void answer(dashboard, new Access(token, false), request, response)
    );
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        reject(new UsageError(`Cannot listen: ${error.message}`, "--port and --host name another place"));
      });
      server.listen(port, host, resolve);
    });
    const { address, family, port: taken } = server.address() as AddressInfo;
    const url = `http://${family === "IPv6" ? `[${address}]` : address}:${taken}/`;
    const link = token === undefined ? url : `${url}#token=${token}`;
    context.io.stdout.write(context.json ? `${JSON.stringify({ url: link })}\n` : `Open ${link}\n`);
    await new Promise<void>((resolve) => onAbort(context.signal, resolve));
    dashboard.close();
    server.close();
    server.closeAllConnections();
    return { exit: EXIT.done };
  },
});

/** Without a token, only a visitor who meant this machine is let in: see `Access.checkHost`. */
async function answer(
  dashboard: Dashboard,
  access: Access,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    access.checkHost(request.headers.host);
  } catch (error) {
    response.writeHead(403, { "Content-Type": "application/problem+json" });
    response.end(JSON.stringify(error instanceof Problem ? error : {}));
    return;
  }
  await dashboard.node(request, response);
}

function newToken(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
