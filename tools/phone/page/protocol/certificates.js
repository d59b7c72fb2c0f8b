/**
 * Certificates and private keys, read and checked before they travel: lib/certificates.py accepts the same, a test
 * compares. Read is RFC 5280 (certificates), RFC 5915 (SEC1 keys), RFC 8017 (PKCS#1 keys), RFC 5958 (PKCS#8 keys).
 */

import { equal, hex, text } from "./bytes.js";
import {
  BIT_STRING,
  GENERALIZED_TIME,
  INTEGER,
  Malformed,
  OBJECT,
  OCTET_STRING,
  Reader,
  SEQUENCE,
  SET,
  UTC_TIME,
  explicit,
} from "./der.js";
import { ENCRYPTED } from "./pem.js";

export const RSA = "RSA";

const RSA_BITS = [2048, 4096];
const OID_EC = "2a8648ce3d0201";
const OID_RSA = "2a864886f70d010101";
// By its name: bits, and what the order of the group lacks of 2 ** bits (FIPS 186-4, D.1.2).
const CURVES = {
  "2a8648ce3d030107": { size: 256, lack: 0xffffffff00000000000000004319055258e8617b0c46353d039cdaafn },
  "2b81040022": { size: 384, lack: 0x389cb27e0bc8d220a7e5f24db74f58851313e695333ad68dn },
  "2b81040023": { size: 521, lack: 0x5ae79787c40d069948033feb708f65a2fc44a36477663b851449048e16ec79bf7n },
};
const OID_COMMON_NAME = "550403";
const UNUSABLE = {
  "2b6570": "Ed25519",
  "2b6571": "Ed448",
  "2a864886f70d01010a": "RSA-PSS",
  "2a8648ce380401": "DSA",
  "2b8104000a": "EC secp256k1",
};
const USABLE = "EC P-256, P-384 or P-521, or RSA of 2048 to 4096 bits";

/**
 * A certificate: {der, subject (common name), selfSigned, notBefore, notAfter (Date), spki, publicKey()}. Throws
 * Malformed; `publicKey()` throws it for a kind that the device cannot use as its own.
 */
export function readCertificate(der) {
  const outer = new Reader(der).enter(SEQUENCE);
  const whole = new Reader(der);
  whole.whole(SEQUENCE);
  whole.finish();
  const signed = outer.enter(SEQUENCE);
  outer.enter(SEQUENCE);
  outer.enter(BIT_STRING).bits();
  outer.finish();
  signed.skip(explicit(0)); // the version
  signed.enter(INTEGER);
  signed.enter(SEQUENCE);
  const issuer = signed.whole(SEQUENCE);
  const validity = signed.enter(SEQUENCE);
  const subject = signed.whole(SEQUENCE);
  const spki = signed.whole(SEQUENCE);
  const [notBefore, notAfter] = [time(validity), time(validity)];
  validity.finish();
  const publicKey = () => readPublicKey(new Reader(spki).enter(SEQUENCE));
  return {
    der,
    subject: commonName(subject),
    selfSigned: equal(issuer, subject),
    notBefore,
    notAfter,
    spki,
    publicKey,
  };
}

/** A private key: {der, kind: RSA or "EC P-256", form: its PEM label, public: point, modulus or null}. Throws Malformed. */
export function readKey(der) {
  const whole = new Reader(der);
  const outer = whole.enter(SEQUENCE);
  whole.finish();
  if (outer.nextIs(SEQUENCE)) throw notAKey(outer);
  const version = outer.enter(INTEGER).unsigned();
  if (outer.nextIs(OCTET_STRING)) return { der, form: "EC PRIVATE KEY", ...readSec1(outer, null) };
  if (version.length) throw new Malformed("it is of a newer version of PKCS#8, or an RSA key with more than two primes");
  if (outer.nextIs(SEQUENCE)) return { der, form: "PRIVATE KEY", ...readPkcs8(outer) };
  return { der, form: "RSA PRIVATE KEY", ...readPkcs1(outer) };
}

/**
 * Whether the key belongs to the certificate: true, false, or null where neither says. Throws Malformed for a
 * certificate of a kind that no device can use as its own.
 */
export function fits(certificate, key) {
  const { kind, value } = certificate.publicKey();
  if (kind !== key.kind) return false;
  return key.public === null ? null : equal(key.public, value);
}

/** What the certificate's dates say against it, "" for nothing. */
export function datesProblem(certificate, now = new Date()) {
  const day = (date) => date.toISOString().slice(0, 10);
  if (now > certificate.notAfter) return `it expired on ${day(certificate.notAfter)}`;
  if (now < certificate.notBefore) return `it is not valid before ${day(certificate.notBefore)}`;
  return "";
}

/** The certificates in DER: a stored list of roots is one behind the other. */
export function split(der) {
  const reader = new Reader(der);
  const found = [];
  while (reader.any) found.push(reader.whole(SEQUENCE));
  return found;
}

function time(reader) {
  const short = reader.nextIs(UTC_TIME);
  const written = String.fromCharCode(...reader.enter(short ? UTC_TIME : GENERALIZED_TIME).contents);
  if (!(short ? /^\d{12}Z$/ : /^\d{14}Z$/).test(written)) throw new Malformed("a date in it is not one");
  const digits = short ? (written < "50" ? "20" : "19") + written : written;
  const [year, rest] = [digits.slice(0, 4), digits.slice(4, 14).match(/../g)];
  const iso = `${year}-${rest[0]}-${rest[1]}T${rest[2]}:${rest[3]}:${rest[4]}.000Z`;
  const date = new Date(iso);
  // Date takes 31 February for 2 March: then it is written otherwise than it was read.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== iso || year < "1950") {
    throw new Malformed("a date in it does not exist");
  }
  return date;
}

function readPublicKey(info) {
  const algorithm = info.enter(SEQUENCE);
  const kind = hex(algorithm.enter(OBJECT).contents);
  const bits = info.enter(BIT_STRING).bits();
  if (kind === OID_RSA) return { kind: RSA, value: modulus(bits.enter(SEQUENCE)) };
  if (kind !== OID_EC) throw unusable(kind);
  const curve = readCurve(algorithm);
  return { kind: nameOf(curve), value: point(bits, curve) };
}

function readPkcs8(outer) {
  const algorithm = outer.enter(SEQUENCE);
  const kind = hex(algorithm.enter(OBJECT).contents);
  if (kind !== OID_EC && kind !== OID_RSA) throw unusable(kind);
  const curve = kind === OID_EC ? readCurve(algorithm) : null;
  const inner = outer.enter(OCTET_STRING).enter(SEQUENCE);
  inner.enter(INTEGER);
  return curve ? readSec1(inner, curve) : readPkcs1(inner);
}

// `curve`: that of the form around it, or null.
function readSec1(inner, curve) {
  const secret = BigInt(`0x0${hex(inner.enter(OCTET_STRING).contents)}`);
  if (inner.nextIs(explicit(0))) {
    const own = readCurve(inner.enter(explicit(0)));
    if (curve && curve !== own) throw new Malformed("it names two curves");
    curve = own;
  } else if (!curve) throw new Malformed("the EC key does not name its curve; convert it to PKCS#8");
  if (secret <= 0n || secret >= 2n ** BigInt(curve.size) - curve.lack) {
    throw new Malformed(`its secret number is not one of P-${curve.size}`);
  }
  const known = inner.nextIs(explicit(1)) ? point(inner.enter(explicit(1)).enter(BIT_STRING).bits(), curve) : null;
  return { kind: nameOf(curve), public: known };
}

function readPkcs1(inner) {
  const value = modulus(inner);
  for (let rest = 0; rest < 7; rest++) inner.enter(INTEGER);
  inner.finish();
  return { kind: RSA, public: value };
}

function modulus(numbers) {
  const value = numbers.enter(INTEGER).unsigned();
  const bits = 8 * value.length;
  if (bits >= RSA_BITS[0] && bits <= RSA_BITS[1]) return value;
  throw new Malformed(`its RSA key has about ${bits} bits: use ${USABLE}`);
}

function point(bits, { size }) {
  const value = bits.contents;
  if (value.length === 2 * Math.ceil(size / 8) + 1 && value[0] === 4) return value;
  throw new Malformed(`its point is not one of P-${size}, or compressed (openssl ec -conv_form uncompressed)`);
}

function readCurve(reader) {
  if (reader.nextIs(SEQUENCE)) {
    throw new Malformed("its curve is written out; name it: openssl ec -param_enc named_curve -in FILE");
  }
  const name = hex(reader.enter(OBJECT).contents);
  if (!(name in CURVES)) throw unusable(name);
  return CURVES[name];
}

const nameOf = ({ size }) => `EC P-${size}`;

function unusable(kind) {
  const name = UNUSABLE[kind] ?? "unknown";
  return new Malformed(`its kind (${name}) is not one the device can use: ${USABLE}`);
}

function notAKey(outer) {
  // Encrypted by PKCS#5 or PKCS#12: an algorithm, and bytes.
  if (outer.enter(SEQUENCE).nextIs(OBJECT) && outer.nextIs(OCTET_STRING)) return new Malformed(ENCRYPTED);
  return new Malformed("it is no private key");
}

// For people only: a name that cannot be read is "".
function commonName(subject) {
  try {
    const names = new Reader(subject).enter(SEQUENCE);
    while (names.any) {
      const entry = names.enter(SET).enter(SEQUENCE);
      if (hex(entry.enter(OBJECT).contents) !== OID_COMMON_NAME) continue;
      const tag = [0x0c, 0x13, 0x14, 0x16].find((one) => entry.nextIs(one));
      return tag ? text(entry.enter(tag).contents) : "";
    }
  } catch (error) {
    if (!(error instanceof Malformed || error instanceof TypeError)) throw error;
  }
  return "";
}
