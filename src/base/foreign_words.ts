/**
 * Words of other packages, and which of ours means the same. Messages about unknown options and values name ours.
 *
 * @module
 */

import { nearest } from "./nearest.ts";
import { show } from "./text.ts";

export { nearest };

/** Our words with those of others, for one place: `ours:other,other ours:other`. */
export type WordTable = readonly [place: string, words: string];

/**
 * What options of limiters, calls and stores, and their values, are called elsewhere. Case, `_`, `-` and units at the
 * end do not count. HTTP guards add their own: see `didYouMean`.
 */
const WORDS: readonly WordTable[] = [
  [
    "limiters",
    "limit:max,points,quota,maxRequests,tokensPerInterval,reservoir,intervalCap,requestsPerUnit " +
    "windowMs:duration,interval,period,per,ttl,timeWindow,refillInterval,reservoirRefreshInterval " +
    "ratePerSecond:rate,rps,qps,refillRate,minTime burst:capacity,bucketSize,maxTokens " +
    "maxConcurrent:concurrency,permits maxWaiters:highWater,maxPending,queueLimit leaseTtlMs:expiration denyCacheMs:ephemeralCache,inMemoryBlockOnConsumed " +
    "onStoreError:passOnStoreError,skipOnError,fallbackOnError,insuranceLimiter,failOpen algorithm:strategy,type",
  ],
  ["each call", "key:keyGenerator,keyFunc,keyFn,identifier,id cost:weight,points,tokens,amount timeoutMs:maxWait"],
  [
    "Redis stores",
    "engine:backend,adapter,driver,datastore,type,strategy client:storeClient,redis,redisClient,sendCommand " +
    "url:uri,host,port,socket,path,address,connectionString,storageUri keyPrefix:prefix,nameSpace db:database " +
    "password:pass,auth,credentialsProvider username:user masterName:name cluster:nodes,rootNodes,startupNodes " +
    "clusterNodeAddresses:natMap,nodeAddressMap tlsCa:ca,sslCaCerts tlsCert:cert,sslCertfile tlsKey:sslKeyfile tlsServerName:servername " +
    "tlsKeyPassphrase:passphrase tlsInsecure:rejectUnauthorized,sslCertReqs,skipVerify socketTimeoutMs:commandTimeout " +
    "socketConnectTimeoutMs:connectTimeout poolMaxSize:maxConnections,poolSize",
  ],
  [
    "",
    "redis:valkey,keydb,dragonfly,upstash,elasticache memory:inMemory,map,local postgres:pg,psql,pgsql nats:jetstream token_bucket:gcra,leaky_bucket " +
    "sliding_window:sliding_log,rolling_window,rolling local:memory allow:fail_open deny:fail_closed throw:error,raise",
  ],
];

/**
 * Says which word was probably meant: the one that other packages call so, or else the nearest one.
 *
 * @param word What was written.
 * @param known What could have been written.
 * @param more Words of a place that is not one of limiters, calls and stores; they come first.
 * @returns `did you mean "limit"?`, with the place where an option of another place belongs; undefined if nothing is near.
 */
export function didYouMean(
  word: string,
  known: readonly string[],
  more: readonly WordTable[] = [],
): string | undefined {
  const written = fold(word);
  let elsewhere: string | undefined;
  for (const [place, words] of [...more, ...WORDS]) {
    for (const entry of words.split(" ")) {
      const meant = entry.split(/[:,]/).map(fold);
      if (!meant.includes(written)) continue;
      const here = known.find((each) => fold(each) === meant[0]);
      if (here !== undefined) return `did you mean ${show(here)}?`;
      if (place !== "") elsewhere ??= `did you mean ${show(entry.split(":")[0])}, an option of ${place}?`;
    }
  }
  const near = nearest(word, known);
  return near === undefined ? elsewhere : `did you mean ${show(near)}?`;
}

/** Without what a spelling may add: units, `_`, `-` and case. */
function fold(word: string): string {
  return word.toLowerCase().replace(/(?:ms|_?seconds|_file)$|[_-]/g, "");
}
