import { startCluster, startSentinels } from "../_topologies.ts";
import { describeEnds } from "../../../_support/process_end.ts";

describeEnds("a Redis Cluster", async () => {
  const cluster = await startCluster();
  return {
    store: { engine: "redis", cluster: cluster.urls },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
});

describeEnds("Redis behind Sentinels", async () => {
  const sentinels = await startSentinels();
  const { urls, masterName } = sentinels;
  return {
    store: { engine: "redis", sentinels: urls, masterName },
    [Symbol.asyncDispose]: () => sentinels[Symbol.asyncDispose](),
  };
});
