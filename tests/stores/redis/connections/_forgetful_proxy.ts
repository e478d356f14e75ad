/**
 * A way to Redis that forgets connections, as load balancers, firewalls and address translation do: what is sent on a
 * forgotten one goes nowhere, without an error, and new connections work.
 *
 * @module
 */

import { connect } from "node:net";

import { startServer } from "../_servers.ts";

interface Way {
  isForgotten: boolean;
  /** How often something was sent through it. */
  messages: number;
  readonly hangUp: () => void;
}

/** The proxy. Disposing it closes it. */
export interface ForgetfulProxy extends AsyncDisposable {
  /** Where to connect to. */
  readonly port: number;
  /** The URL of the Redis behind it. */
  readonly url: string;
  /** How many connections it has that are not forgotten. */
  readonly open: number;
  /** How many connections were ever made. */
  readonly accepted: number;
  /** Forgets every connection that there is. */
  forgetAll(): void;
  /** Forgets the connection that has carried most. */
  forgetBusiest(): void;
  /** Forgets every other one. */
  forgetOthers(): void;
  /** Closes every connection from the server's side, with a goodbye. */
  hangUp(): void;
}

/** Starts one in front of a Redis. */
export async function startForgetfulProxy(port: number): Promise<ForgetfulProxy> {
  const ways = new Set<Way>();
  const server = await startServer((socket) => {
    const back = connect(port, "127.0.0.1");
    const way: Way = { isForgotten: false, messages: 0, hangUp: () => socket.end() };
    ways.add(way);
    const end = () => {
      ways.delete(way);
      back.destroy();
      socket.destroy();
    };
    // One that is forgotten stays open on both sides.
    for (const side of [socket, back]) side.on("close", () => way.isForgotten || end()).on("error", () => {});
    socket.on("data", (data) => {
      way.messages++;
      if (!way.isForgotten) back.write(data);
    });
    back.on("data", (data) => way.isForgotten || socket.write(data));
  });
  const remembered = () => [...ways].filter((way) => !way.isForgotten);
  const busiest = () => remembered().reduce((most, way) => way.messages > most.messages ? way : most);
  const forget = (some: readonly Way[]) => some.forEach((way) => way.isForgotten = true);
  return {
    port: server.port,
    url: `redis://127.0.0.1:${server.port}`,
    get open() {
      return remembered().length;
    },
    get accepted() {
      return server.accepted;
    },
    forgetAll: () => forget(remembered()),
    forgetBusiest: () => forget([busiest()]),
    forgetOthers: () => forget(remembered().filter((way) => way !== busiest())),
    hangUp: () => remembered().forEach((way) => way.hangUp()),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
