/**
 * `ratesync reset`
 *
 * @module
 */

import { type ListedKey, listKeys } from "../../limiter/list_keys.ts";
import { type Command, type Context, defineCommand, type Outcome } from "../command.ts";
import {
  keyOptions,
  keyWords,
  LIMITER_ARGUMENT,
  type SharedLimiter,
  sharedLimiter,
  sharedPlace,
  standingOf,
  standingText,
} from "../limiters.ts";
import { UsageError } from "../failure.ts";
import { counted } from "../output/words.ts";

/** How many keys are reset together. */
const TOGETHER = 512;

/** Starts keys anew. */
export const command: Command = defineCommand({
  about: "After it, limits are whole, permits are free and blocks are gone. Permits that are held now are lost: the " +
    "`lost` signal of each is aborted.\n\n" +
    "With a key, it resets that key. Without one, it resets every key of the limiter, in steps. Without a limiter, it " +
    "deletes every key of the store, of all limiters and of all services that use the same key prefix, schema or stream " +
    "prefix; that needs --all.",
  arguments: {
    limiter: { ...LIMITER_ARGUMENT, optional: true },
    key: {
      kind: "text",
      optional: true,
      about: "The key; an empty one ('') is the limiter as a whole, for calls without a key. Without it, every key",
    },
  },
  options: { all: { kind: "flag", about: "Reset every key of every limiter, where no limiter is named" } },
  changes: "what has been counted, and which permits are held",
  examples: [
    ["ratesync reset login 203.0.113.7", "lets an address try again"],
    ["ratesync reset login", "resets every key of the limiter login"],
    ["ratesync reset --all --store main --yes", "deletes every key of the store main"],
  ],
  async run(context, { limiter: id, key, all }) {
    if (id === undefined) return await resetStores(context, all);
    if (all) throw new UsageError("Option --all goes without a limiter: reset LIMITER resets every key of one");
    const shared = await sharedLimiter(context, id);
    return key === undefined ? await resetLimiter(context, shared) : await resetKey(context, shared, key);
  },
});

async function resetKey(context: Context, { limiter, place }: SharedLimiter, key: string): Promise<Outcome> {
  const what = keyWords(limiter.id, key);
  await context.confirm(`This resets ${what} (${place})`);
  await limiter.reset(keyOptions(key));
  const now = standingOf(await limiter.peek(keyOptions(key)));
  return {
    json: { limiter: limiter.id, key, reset: 1, now },
    text: `Reset ${what}.\n${standingText(now, context.paint)}`,
  };
}

async function resetLimiter(context: Context, { limiter, place }: SharedLimiter): Promise<Outcome> {
  const name = `limiter ${JSON.stringify(limiter.id)}`;
  await context.confirm(`This resets every key of ${name} (${place})`);
  let reset = 0;
  const seen = new Set<string>();
  let waiting: ListedKey[] = [];
  const go = async () => {
    await Promise.all(waiting.map((listed) => listed.reset()));
    reset += waiting.length;
    waiting = [];
    context.progress(`${counted(reset, "key")} reset`);
  };
  for await (const listed of listKeys(limiter)) {
    context.signal.throwIfAborted();
    const { key, hash } = listed;
    const name = key === undefined ? hash ?? "" : `=${key}`;
    if (seen.has(name)) continue;
    seen.add(name);
    waiting.push(listed);
    if (waiting.length === TOGETHER) await go();
  }
  await go();
  return { json: { limiter: limiter.id, reset }, text: `Reset ${counted(reset, "key")} of ${name}.` };
}

async function resetStores(context: Context, all: boolean): Promise<Outcome> {
  if (!all) {
    throw new UsageError(
      "Missing argument LIMITER, or --all",
      "ratesync reset --all deletes every key of every limiter",
    );
  }
  const rs = await context.open();
  const shared = Object.entries(rs.listStores()).filter(([, { engine }]) => engine !== "memory").map(([id]) => id);
  const [first = Object.keys(rs.listStores())[0] ?? ""] = shared;
  // Where no store is shared, this refuses the first one.
  const places = [first, ...shared.slice(1)].map((id) => sharedPlace(rs, id, `store ${JSON.stringify(id)}`));
  await context.confirm(`This deletes every key of every limiter (${places.join("; ")})`);
  await rs.resetAll();
  return { json: { stores: shared }, text: `Deleted every key of ${places.join("; ")}.` };
}
