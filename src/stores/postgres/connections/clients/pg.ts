/**
 * A `Pool` of the npm package `pg` that the application has made.
 *
 * @module
 */

import { startTimer } from "../../../../base/deadline.ts";
import { randomId } from "../../random_id.ts";
import type { ChannelListener, Row, Statement } from "../connection.ts";
import { type ClientAdapter, type Lent, transactOn } from "./adapter.ts";
import type { PgClientLike, PgPoolLike } from "./postgres_client.ts";

/** Names of statements by their text: a connection of a pool may serve several stores, with other tables. */
const names = new Map<string, string>();
const NAME_PREFIX = `ratesync_${randomId()}_`;

/** How long after a lost session the next one is tried, in milliseconds. */
const RETRY_MS = 500;

/** What the store uses of it. */
export function adaptPg(pool: PgPoolLike, prepare: boolean): ClientAdapter {
  const lend = async (): Promise<Lent> => {
    const client = await pool.connect();
    // An error of a connection that is lent has no other listener, and would end the process.
    const ignore = () => {};
    client.on("error", ignore);
    return {
      run: (statement) => run(client, statement, prepare),
      release(isBroken) {
        client.removeListener("error", ignore);
        client.release(isBroken);
      },
    };
  };
  return {
    async query(statement) {
      const lent = await lend();
      let isBroken = true;
      try {
        const rows = await lent.run(statement);
        isBroken = false;
        return rows;
      } catch (error) {
        isBroken = (error as { readonly severity?: unknown }).severity !== "ERROR";
        throw error;
      } finally {
        lent.release(isBroken);
      }
    },
    transaction: async (...work) => await transactOn(await lend(), ...work),
    // With one connection, nothing would be left for decisions.
    ...((pool.options?.max ?? 2) < 2 ? {} : { listen: (...args) => listen(pool, ...args) }),
  };
}

async function run(client: PgClientLike, { text, values, name }: Statement, prepare: boolean): Promise<readonly Row[]> {
  const named = prepare && name !== undefined ? { name: nameOf(text) } : {};
  const result = await client.query({ text, values: [...values] as string[], ...named });
  return (result as { readonly rows: readonly Row[] }).rows;
}

function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, name = NAME_PREFIX + names.size);
  return name;
}

/** Takes a connection of the pool for a channel, and another one when it is lost. */
async function listen(pool: PgPoolLike, channel: string, listener: ChannelListener): Promise<() => void> {
  let end = () => {};
  let isEnded = false;
  const open = async (): Promise<void> => {
    const client = await pool.connect();
    let isLost = false;
    end = () => {
      if (!isLost) client.release(true);
      isLost = true;
    };
    const lost = () => {
      if (isLost) return;
      end();
      const again = (): void =>
        void startTimer(RETRY_MS, () => {
          if (!isEnded && pool.ended !== true) open().then(() => listener.missed(), again);
        });
      again();
    };
    client.on("error", lost);
    client.on("end", lost);
    client.on("notification", (message) => {
      const { channel: of, payload = "" } = message as { readonly channel: string; readonly payload?: string };
      if (of === channel) listener.message(payload);
    });
    await client.query({ text: `listen "${channel}"`, values: [] });
    client.unref?.();
    if (isEnded) end();
  };
  await open();
  return () => {
    isEnded = true;
    end();
  };
}
