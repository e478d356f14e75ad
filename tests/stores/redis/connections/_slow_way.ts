/**
 * A way to a Redis that is there and gets too little processor time: it answers one connection late, after it has answered
 * others that were asked later.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { startServer } from "../_servers.ts";

/** What a connection is asked to find out whether it answers. */
const PROBE = "return 1";

/** How long this process may need to read an answer before it reads the next one, in milliseconds. */
const APART_MS = 30;

interface Way {
  readonly client: Socket;
  readonly back: Socket;
  messages: number;
  probes: number;
}

/** The proxy. Disposing it closes it. */
export interface SlowWay extends AsyncDisposable {
  /** Where to connect to. */
  readonly url: string;
  /**
   * Keeps the answers of the connection that has carried most, until another connection has been asked `probes` times
   * whether it answers: they arrive before the answer to the last of these. A probe of the slow connection itself is
   * answered last of all.
   */
  slowDown(probes: number): void;
  /** Whether the connection that was slowed down is still open. */
  readonly isSlowOneOpen: boolean;
}

/** Starts one in front of a Redis. */
export async function startSlowWay(port: number): Promise<SlowWay> {
  const ways: Way[] = [];
  let slow: Way | undefined;
  let mostProbes = 0;
  let keepsAnswers = false;
  const kept: Uint8Array[] = [];
  const keptProbes: Uint8Array[] = [];

  const release = async () => {
    keepsAnswers = false;
    for (const data of kept.splice(0)) slow?.client.write(data);
    await sleep(APART_MS);
  };
  const server = await startServer((client) => {
    const back = connect(port, "127.0.0.1");
    const way: Way = { client, back, messages: 0, probes: 0 };
    ways.push(way);
    const end = () => void (client.destroy(), back.destroy());
    for (const side of [client, back]) side.on("close", end).on("error", end);
    client.on("data", async (data) => {
      way.messages++;
      const isProbe = data.includes(PROBE);
      if (way === slow && isProbe) return void keptProbes.push(data);
      if (isProbe && ++way.probes === mostProbes) await release();
      back.write(data);
    });
    back.on("data", (data) => way === slow && keepsAnswers ? kept.push(data) : client.write(data));
  });
  return {
    url: `redis://127.0.0.1:${server.port}`,
    slowDown(probes) {
      slow = ways.reduce((most, way) => way.messages > most.messages ? way : most);
      [mostProbes, keepsAnswers] = [probes, true];
    },
    get isSlowOneOpen() {
      return slow !== undefined && !slow.client.destroyed;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
