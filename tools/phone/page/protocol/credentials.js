/**
 * The files a person drops in, sorted out: which is the device's certificate, which its key, which the trusted roots.
 *
 *     const credentials = new Credentials();
 *     credentials.add("device.pem.crt", bytes);
 *     const { identity, roots, problems } = await credentials.assemble();
 */

import { fits, datesProblem, readCertificate, readKey, split } from "./certificates.js";
import { equal, utf8 } from "./bytes.js";
import { Malformed, SEQUENCE, Reader, INTEGER, OCTET_STRING } from "./der.js";
import { proves } from "./key-proof.js";
import { CERTIFICATE, PRIVATE_KEY, PUBLIC_KEY, armour, blocks } from "./pem.js";

const MOST_ITEMS = 20;

export class Credentials {
  /** [{id, file, kind: "certificate" | "key", title, problem, read, files: all that it came in}] */
  items = [];
  #lastId = 0;

  /**
   * Take a file, `bytes` null for one that cannot be read; returns what was left out of it and why: [sentence]. Nothing
   * of it is kept then.
   */
  add(file, bytes) {
    if (!bytes) return [`${file} cannot be read: give files, not folders.`];
    try {
      return blocks(bytes).flatMap((block) => this.#take(file, block));
    } catch (error) {
      if (error instanceof Malformed) return [`${file} cannot be used: ${error.message}.`];
      throw error;
    }
  }

  /** Take text that was pasted. */
  addText(text) {
    return this.add("What you pasted", utf8(text));
  }

  remove(id) {
    this.items = this.items.filter((item) => item.id !== id);
  }

  clear() {
    this.items = [];
  }

  /** {identity: {cert, key} items or null, roots: [items], problems: [sentence]}; sets each item's `role`. */
  async assemble() {
    const certificates = this.items.filter((item) => item.kind === "certificate");
    const keys = this.items.filter((item) => item.kind === "key");
    const problems = [];
    const identity = await this.#pair(certificates, keys, problems);
    const roots = certificates.filter((item) => item !== identity?.cert && isRoot(item, identity));
    for (const item of this.items) item.role = roleOf(item, identity, roots);
    return { identity: identity?.cert && identity?.key ? identity : null, roots, problems };
  }

  #take(file, { kind, der }) {
    if (kind === PUBLIC_KEY) return [`${file} is the public key: the device does not need it.`];
    if (kind === CERTIFICATE) return split(der).flatMap((one) => this.#put(file, "certificate", readCertificate(one)));
    if (kind === PRIVATE_KEY) return this.#put(file, "key", readKey(der));
    if (kind !== null) return [`${file}: a block \u201c${kind}\u201d was left out.`];
    if (looksLikeKey(der)) return this.#put(file, "key", readKey(der));
    return split(der).flatMap((one) => this.#put(file, "certificate", readCertificate(one)));
  }

  #put(file, kind, read) {
    const known = this.items.find((item) => equal(item.read.der, read.der));
    known?.files.push(file);
    if (known) return [`${file} is there already.`];
    if (this.items.length >= MOST_ITEMS) return [`${file} was left out: ${MOST_ITEMS} parts are the most.`];
    const id = ++this.#lastId;
    const title = kind === "key" ? `Private key, ${read.kind}` : read.subject || "Certificate";
    const problem = kind === "key" ? "" : datesProblem(read);
    this.items.push({ id, file, kind, title, problem, role: "", read, files: [file] });
    return [];
  }

  async #pair(certificates, keys, problems) {
    if (keys.length > 1) problems.push("There are two private keys: remove the one that is not this device\u2019s.");
    const key = keys.at(-1) ?? null;
    const candidates = certificates.filter((item) => !item.read.selfSigned || (key && isOwn(item, key)));
    if (!key) return candidates.length ? { cert: candidates[0], key: null } : null;
    const unusable = []; // an authority may have a key of a kind that no device has
    for (const cert of candidates) {
      if (await belongs(cert, key, unusable)) return { cert, key };
    }
    if (unusable.length < candidates.length) {
      problems.push("The private key does not belong to the certificate: give both of one pair.");
    } else problems.push(...new Set(unusable));
    return { cert: null, key };
  }
}

/** The PEM that CERT carries, as small as it gets. */
export const certificatePem = (items) => items.map((item) => armour("CERTIFICATE", item.read.der)).join("");

export const keyPem = (item) => armour(item.read.form, item.read.der);

async function belongs(cert, key, unusable) {
  try {
    return (fits(cert.read, key.read) ?? (await proves(cert.read, key.read))) !== false;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    unusable.push(`The certificate in ${cert.file} cannot be used: ${error.message}.`);
    return false;
  }
}

// A certificate that signed itself is a root, unless the key at hand is its own.
function isOwn(item, key) {
  try {
    return fits(item.read, key.read) === true;
  } catch (error) {
    if (error instanceof Malformed) return false; // of a kind that no device has: a root with Ed25519
    throw error;
  }
}

// What came in one file with the device's certificate and did not sign itself is the rest of its chain.
const isRoot = (item, identity) =>
  item.read.selfSigned ||
  (identity?.cert && identity.key && !item.files.some((file) => identity.cert.files.includes(file)));

function roleOf(item, identity, roots) {
  if (item === identity?.cert) return "certificate";
  if (item === identity?.key) return "key";
  if (roots.includes(item)) return "root";
  return identity?.key && !identity.cert && item.kind === "certificate" ? "stranger" : "unused";
}

// A key begins with its version, or (PKCS#8, encrypted) with an algorithm and bytes; a certificate with a sequence.
function looksLikeKey(der) {
  const inside = new Reader(der).enter(SEQUENCE);
  if (inside.nextIs(INTEGER)) return true;
  return inside.skip(SEQUENCE) && inside.nextIs(OCTET_STRING);
}
