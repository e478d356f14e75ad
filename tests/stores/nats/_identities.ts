/**
 * Users of NATS that are known by keys: NKeys, and JSON web tokens signed by the account of a server's operator.
 *
 * @module
 */

import { nkeys } from "@nats-io/transport-node";

const { createAccount, createOperator, createUser } = nkeys;

/** The seed and the public key of a user. */
export function newUserSeed(): { readonly seed: string; readonly publicKey: string } {
  const user = createUser();
  return { seed: new TextDecoder().decode(user.getSeed()), publicKey: user.getPublicKey() };
}

/** The configuration of a server with an operator and an account, and the file of credentials of a user of it. */
export function newCreds(): { readonly config: string; readonly creds: string } {
  const [operator, account, system, user] = [createOperator(), createAccount(), createAccount(), createUser()];
  const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const jetstream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const systemKey = system.getPublicKey();
  const operatorJwt = sign(operator, operator.getPublicKey(), {
    type: "operator",
    version: 2,
    system_account: systemKey,
  });
  const ofAccount = { type: "account", version: 2, limits: { ...unlimited, ...jetstream } };
  const accountJwt = sign(operator, account.getPublicKey(), ofAccount);
  const systemJwt = sign(operator, systemKey, { type: "account", version: 2, limits: unlimited });
  const userJwt = sign(account, user.getPublicKey(), {
    type: "user",
    version: 2,
    subs: -1,
    data: -1,
    payload: -1,
    pub: {},
    sub: {},
  });
  const config = `operator: ${operatorJwt}\nsystem_account: ${systemKey}\nresolver: MEMORY\n` +
    `resolver_preload { ${account.getPublicKey()}: ${accountJwt}, ${systemKey}: ${systemJwt} }`;
  const seed = new TextDecoder().decode(user.getSeed());
  const creds = `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n` +
    `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
  return { config, creds };
}

function sign(issuer: ReturnType<typeof createUser>, subject: string, nats: object): string {
  const claims = {
    jti: crypto.randomUUID(),
    iat: 1_700_000_000,
    iss: issuer.getPublicKey(),
    name: "test",
    sub: subject,
    nats,
  };
  const encoded = [{ typ: "JWT", alg: "ed25519-nkey" }, claims].map((part) => base64url(JSON.stringify(part))).join(
    ".",
  );
  const signature = issuer.sign(new TextEncoder().encode(encoded));
  return `${encoded}.${base64url(signature)}`;
}

function base64url(data: string | Uint8Array): string {
  return btoa(String.fromCharCode(...typeof data === "string" ? new TextEncoder().encode(data) : data))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
