/**
 * Certificates of one test run, made by the program `openssl`.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a signed certificate says. */
export interface CertificateOptions {
  /** What it is for: `IP:127.0.0.1`, `DNS:redis.test`. */
  readonly name: string;
  /** How many days from now it is valid; below 0, it has expired. @default {2} */
  readonly days?: number;
}

/** A certificate authority whose files lie in one folder: `<id>.pem` and `<id>.key`. */
export class Authority {
  readonly #folder: string;
  readonly #id: string;

  /** A new one, and its files. */
  constructor(folder: string, id: string) {
    this.#folder = folder;
    this.#id = id;
    this.#makeKey(id);
    this.#openssl("req", "-x509", "-new", "-key", `${id}.key`, "-subj", `/CN=${id}`, "-days", "2", "-out", `${id}.pem`);
  }

  /** Signs a certificate with a new key. */
  sign(id: string, { name, days = 2 }: CertificateOptions): void {
    this.#makeKey(id);
    writeFileSync(join(this.#folder, `${id}.ext`), `subjectAltName=${name}\n`);
    this.#openssl("req", "-new", "-key", `${id}.key`, "-subj", `/CN=${id}`, "-out", `${id}.csr`);
    const signer = ["-CA", `${this.#id}.pem`, "-CAkey", `${this.#id}.key`, "-CAcreateserial"];
    const about = ["-days", String(days), "-extfile", `${id}.ext`];
    this.#openssl("x509", "-req", "-in", `${id}.csr`, ...signer, ...about, "-out", `${id}.pem`);
  }

  /** Encrypts the key of a certificate into `<id>.encrypted.key`. */
  encrypt(id: string, passphrase: string): void {
    const to = ["-passout", `pass:${passphrase}`, "-out", `${id}.encrypted.key`];
    this.#openssl("pkcs8", "-topk8", "-in", `${id}.key`, ...to);
  }

  /** The path of a file. */
  path(file: string): string {
    return join(this.#folder, file);
  }

  /** The text of a file. */
  read(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }

  #makeKey(id: string): void {
    this.#openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${id}.key`);
  }

  #openssl(...args: string[]): void {
    const { status, stderr, error } = spawnSync("openssl", args, { cwd: this.#folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`Cannot run openssl ${args[0]}: ${error?.message ?? stderr}`);
  }
}
