/**
 * What an operator does with the program nats: JetStream's API over a connection of its own.
 *
 * @module
 */

import { connect } from "@nats-io/transport-node";

/** What is used of an answer about a stream. */
export interface StreamAnswer {
  /** What went wrong. */
  readonly error?: { readonly description: string };
  /** What the stream holds. */
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly last_seq: number;
  };
  /** Where it is kept, in a cluster. */
  readonly cluster?: { readonly leader?: string };
}

/** Asks JetStream: `STREAM.INFO.name`, `STREAM.DELETE.name` and so on. */
export async function askJetStream<Answer = StreamAnswer>(
  url: string,
  subject: string,
  body: object = {},
): Promise<Answer> {
  const client = await connect({ servers: url.replace(/^nats:\/\//, "").split(","), timeout: 2_000 });
  try {
    return (await client.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 2_000 })).json<Answer>();
  } finally {
    await client.close();
  }
}

/** Deletes all consumers of a stream, as if the server had lost them. */
export async function deleteConsumers(url: string, stream: string): Promise<number> {
  const { consumers } = await askJetStream<{ consumers: string[] }>(url, `CONSUMER.NAMES.${stream}`);
  for (const name of consumers) await askJetStream(url, `CONSUMER.DELETE.${stream}.${name}`);
  return consumers.length;
}
