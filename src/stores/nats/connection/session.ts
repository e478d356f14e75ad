/**
 * One connection of a store to NATS, from its opening to its loss.
 *
 * @module
 */

import { startTimer } from "../../../base/deadline.ts";
import type { NatsClient, NatsSubscription } from "./client.ts";

/** How long closing may take, in milliseconds: a server that hangs answers nothing. */
const CLOSE_MS = 200;

/** The time from one connection to its loss. */
export interface Session {
  /** The client. */
  readonly client: NatsClient;
  /** What the subjects of answers begin with. */
  readonly inbox: string;
  /** Takes the answers. */
  readonly answers: NatsSubscription;
}

/**
 * Ends a session. Never rejects.
 *
 * @param session The session.
 * @param isOwn Whether the client is closed with it.
 */
export async function endSession({ client, answers }: Session, isOwn: boolean): Promise<void> {
  answers.unsubscribe();
  if (!isOwn) return;
  const closed = client.close().catch(() => {});
  await Promise.race([closed, new Promise<void>((done) => startTimer(CLOSE_MS, done))]);
}
