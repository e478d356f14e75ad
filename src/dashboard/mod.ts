/**
 * A live page of what limiters do, to mount in a server of your own: {@link createDashboard}. The command
 * `ratesync dashboard` serves it too.
 *
 * @module
 */

export { createDashboard, type Dashboard } from "./dashboard.ts";
export type { NodeDashboardRequest, NodeDashboardResponse, NodeHandler } from "./node_handler.ts";
export type { DashboardOptions } from "./options.ts";
