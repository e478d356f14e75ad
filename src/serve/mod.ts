/**
 * A server that decides for programs in other languages: JSON over HTTP. The command `ratesync serve` starts it.
 *
 * @module
 */

export type { ServeOptions } from "./options.ts";
export { type ServeServer, startServer } from "./server.ts";
