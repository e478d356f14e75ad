/**
 * What can be wrong with a store, in words that programs can compare.
 *
 * @module
 */

/**
 * Which kind of failure a store had.
 *
 * - `STORE_UNAVAILABLE`: It was not reached, or the connection broke.
 * - `STORE_REFUSED`: It answered with an error: password, database number, permission, wrong kind of value.
 * - `STORE_TIMEOUT`: No answer came in time. The command may have run, so it is not sent again.
 * - `STORE_OVERLOADED`: Too many requests wait to be sent already. It was not sent.
 */
export type StoreErrorCode = "STORE_UNAVAILABLE" | "STORE_REFUSED" | "STORE_TIMEOUT" | "STORE_OVERLOADED";

/**
 * Why a store could not decide, as far as it is known. `not_redis`, `not_postgres`, `not_nats`, `driver_missing`,
 * `authentication`, `wrong_database`, `cluster_node`, `not_cluster`, `not_sentinel`, `primary_unknown`,
 * `version_unsupported`, `schema_missing`, `no_jetstream` and `wrong_stream` are permanent: waiting does not help, the
 * configuration or the server has to change.
 *
 * - `connection_refused`: Not sent: nothing listens at the address.
 * - `host_unknown`: Not sent: the host name does not resolve.
 * - `connect_timeout`: Not sent: opening the connection took too long.
 * - `not_redis`: Not sent: the server speaks another protocol than Redis.
 * - `not_postgres`: Not sent: the server speaks another protocol than PostgreSQL.
 * - `not_nats`: Not sent: the server speaks another protocol than NATS.
 * - `tls`: Not sent: the handshake failed, or the server does not offer TLS.
 * - `driver_missing`: Not sent: the npm package of the driver, such as `@redis/client` or `postgres`, cannot be loaded.
 * - `disconnected`: Not sent: there is no connection at the moment.
 * - `overloaded`: Not sent: the queue is full.
 * - `connection_broke`: Sent, and the connection ended. Whether the command ran is not known.
 * - `no_answer`: Sent, and no answer came in time. Whether the command ran is not known.
 * - `authentication`: Refused: wrong user or password.
 * - `permission`: Refused: the user may not run the command, or not on these keys.
 * - `wrong_database`: Refused: the server has no such database.
 * - `cluster_node`: Refused: the server belongs to a Redis Cluster, but is configured as a single server.
 * - `not_cluster`: Refused: the server is a single server, but is configured as a node of a Redis Cluster.
 * - `not_sentinel`: Refused: the server is no Sentinel, but is configured as one.
 * - `primary_unknown`: Refused: the Sentinels do not know a primary of this name.
 * - `version_unsupported`: Refused: the version of the server is too old.
 * - `schema_missing`: Refused: the schema, a table or a function of the store is missing.
 * - `command_missing`: Refused: the server does not know the command, or has it renamed.
 * - `read_only`: Refused: the server is a replica.
 * - `loading`: Refused: the server reads its data after a start.
 * - `busy`: Refused: a script of any client runs, or other sessions hold what the statement needs.
 * - `out_of_memory`: Refused: the server has too little memory, or `maxmemory` is reached.
 * - `not_writable`: Refused: the server cannot save its data, or has too few replicas.
 * - `too_many_clients`: Refused: the server has as many connections as it allows.
 * - `too_many_requests`: Refused: a REST service limits its callers.
 * - `cluster_down`: Refused: the cluster does not serve all hash slots.
 * - `primary_down`: Refused: a replica has lost its primary.
 * - `foreign_state`: Refused: the key holds what this version does not write, and nothing was changed.
 * - `no_jetstream`: Refused: the NATS server, or the account, has no JetStream.
 * - `wrong_stream`: Refused: a stream of NATS exists, and is kept in a way that would lose requests; or the server
 *   cannot make it as the options say.
 * - `stream_missing`: Refused: a stream of NATS does not exist.
 * - `stream_full`: Refused: a stream, the account or the server of NATS takes no more.
 * - `invalid_answer`: The answer is none that the server gives.
 */
export type StoreErrorReason =
  | "connection_refused"
  | "host_unknown"
  | "connect_timeout"
  | "not_redis"
  | "not_postgres"
  | "not_nats"
  | "tls"
  | "driver_missing"
  | "disconnected"
  | "overloaded"
  | "connection_broke"
  | "no_answer"
  | "authentication"
  | "permission"
  | "wrong_database"
  | "cluster_node"
  | "not_cluster"
  | "not_sentinel"
  | "primary_unknown"
  | "version_unsupported"
  | "schema_missing"
  | "command_missing"
  | "read_only"
  | "loading"
  | "busy"
  | "out_of_memory"
  | "not_writable"
  | "too_many_clients"
  | "too_many_requests"
  | "cluster_down"
  | "primary_down"
  | "foreign_state"
  | "no_jetstream"
  | "wrong_stream"
  | "stream_missing"
  | "stream_full"
  | "invalid_answer";
