/**
 * Words of other packages, and which of ours means the same. Messages about unknown options and values name ours.
 *
 * @module
 */

import { editDistance, nearest } from "./nearest.ts";
import { show } from "./text.ts";

export { nearest };

/**
 * Our words with those of others, for one place: `ours:other,other ours:other`. A word with `()` at its end is a method;
 * `none` stands for what this package does not need.
 */
export type WordTable = readonly [place: string, words: string];

/**
 * What options of limiters, calls and stores, and their values, are called elsewhere. Case, `_`, `-` and units at the
 * end do not count. HTTP guards add their own: see `didYouMean`.
 */
const WORDS: readonly WordTable[] = [
  [
    "limiters",
    "limit:max,points,quota,maxRequests,tokensPerInterval,reservoir,intervalCap,requestsPerUnit,reservoirRefreshAmount,reservoirIncreaseAmount " +
    "windowMs:duration,interval,period,per,ttl,timeWindow,windowSize,refillInterval,reservoirRefreshInterval,reservoirIncreaseInterval " +
    "ratePerSecond:rate,rps,qps,refillRate,minTime,execEvenly,execEvenlyMinDelay burst:capacity,bucketSize,maxTokens,reservoirIncreaseMaximum",
  ],
  [
    "limiters",
    "maxConcurrent:concurrency,permits maxWaiters:highWater,maxPending,maxQueueSize,queueLimit leaseTtlMs:expiration " +
    "denyCacheMs:ephemeralCache,inMemoryBlockOnConsumed,inMemoryBlockDuration store " +
    "onStoreError:passOnStoreError,skipOnError,fallbackOnError,insuranceLimiter,failOpen algorithm:strategy,type",
  ],
  [
    "each call",
    "key:keyGenerator,keyFunc,keyFn,identifier,id,user,ip cost:weight,points,tokens,amount,count,rate timeoutMs:maxWait",
  ],
  [
    "Redis stores",
    "engine:backend,adapter,driver,datastore,type,strategy client:storeClient,redis,redisClient,sendCommand,connection,clientOptions " +
    "url:uri,host,port,tls,socket,path,address,connectionString,storageUri keyPrefix:prefix,nameSpace db:database " +
    "password:pass,auth,credentialsProvider username:user masterName:name cluster:nodes,rootNodes,startupNodes,clusterNodes",
  ],
  [
    "Redis stores",
    "clusterNodeAddresses:natMap,nodeAddressMap tlsCa:ca,sslCaCerts tlsCert:cert,sslCertfile tlsKey:sslKeyfile tlsServerName:servername " +
    "tlsKeyPassphrase:passphrase tlsInsecure:rejectUnauthorized,sslCertReqs,skipVerify socketTimeoutMs:commandTimeout " +
    "socketConnectTimeoutMs:connectTimeout poolMaxSize:maxConnections,poolSize",
  ],
  [
    "instances",
    "block():blockDuration,blockOnConsumed,penalty metrics():analytics configureLimiter():dynamicLimits,setDynamicLimit reset():clearDatastore logger",
  ],
  ["HTTP guards", "block:enableProtection,denyListThreshold"],
  [
    "",
    "none:validate,enableTelemetry,retryStrategy,maxRetriesPerRequest,enableOfflineQueue,lazyConnect " +
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
 * @returns `did you mean "limit"?`, with the place where an option of another place belongs; what to do with a word that
 * has no counterpart; undefined if nothing is near.
 */
export function didYouMean(
  word: string,
  known: readonly string[],
  more: readonly WordTable[] = [],
): string | undefined {
  const written = fold(word);
  let elsewhere: string | undefined;
  let isOurs = false;
  for (const [place, words] of [...more, ...WORDS]) {
    for (const entry of words.split(" ")) {
      const meant = entry.split(/[:,]/).map(fold);
      if (!meant.includes(written)) continue;
      const here = known.find((each) => fold(each) === meant[0]);
      if (here !== undefined) return `did you mean ${show(here)}?`;
      isOurs ||= place !== "" && meant[0] === written;
      elsewhere ??= wayTo(entry.split(":")[0]!, place);
    }
  }
  const near = nearest(word, known);
  // a word that is right in another place was hardly misspelt, unless one letter makes it right here
  if (near === undefined || (isOurs && editDistance(written, fold(near)) > 1)) return elsewhere;
  return `did you mean ${show(near)}?`;
}

/** What to do with a word that is not known here: where it belongs, if it is an option. */
function wayTo(ours: string, place: string): string | undefined {
  if (ours === "none") return "leave it out: it has no counterpart";
  if (place === "") return undefined;
  return `did you mean ${show(ours)}, ${ours.endsWith("()") ? "a method" : "an option"} of ${place}?`;
}

/** Without what a spelling may add: units, `_`, `-` and case. */
function fold(word: string): string {
  return word.toLowerCase().replace(/(?:ms|_?seconds|_file)$|[_-]/g, "");
}
