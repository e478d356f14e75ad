import { guardHandler } from "@ratesync/core/http/fetch";

/** Answers five requests in ten seconds to each address: `[limiters.api]` of rate-sync.toml. */
export const GET = guardHandler(() => Response.json({ hello: "world" }), {
  limiter: "api",
  addressHeader: "x-forwarded-for",
});
