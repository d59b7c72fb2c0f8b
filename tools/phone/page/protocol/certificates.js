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

export const EC = "EC P-256";
export const RSA = "RSA";

const RSA_BITS = [2048, 4096];
const OID_EC = "2a8648ce3d0201";
const OID_RSA = "2a864886f70d010101";
const OID_P256 = "2a8648ce3d030107";
const OID_ENCRYPTION = "2a864886f70d0105"; // the arc of PKCS#5, password-based encryption
const OID_COMMON_NAME = "550403";
const UNUSABLE = {
  "2b6570": "Ed25519",
  "2b6571": "Ed448",
  "2a864886f70d01010a": "RSA-PSS",
  "2b81040022": "EC P-384",
  "2b81040023": "EC P-521",
  "2b8104000a": "EC secp256k1",
};
const P256_ORDER = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

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

/** A private key: {der, kind: EC or RSA, form: its PEM label, public: point, modulus or null}. Throws Malformed. */
export function readKey(der) {
  const whole = new Reader(der);
  const outer = whole.enter(SEQUENCE);
  whole.finish();
  if (outer.nextIs(SEQUENCE)) throw notAKey(outer.enter(SEQUENCE));
  const version = outer.enter(INTEGER).unsigned();
  if (outer.nextIs(OCTET_STRING)) return { der, form: "EC PRIVATE KEY", ...readSec1(outer, false) };
  if (outer.nextIs(SEQUENCE)) return { der, form: "PRIVATE KEY", ...readPkcs8(outer) };
  if (version.length) throw new Malformed("RSA keys with more than two primes cannot be used");
  return { der, form: "RSA PRIVATE KEY", ...readPkcs1(outer) };
}

/**
 * Whether the key belongs to the certificate: true, false, or null where neither says. Never throws.
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
  checkCurve(algorithm);
  return { kind: EC, value: point(bits) };
}

function readPkcs8(outer) {
  const algorithm = outer.enter(SEQUENCE);
  const kind = hex(algorithm.enter(OBJECT).contents);
  const wrapped = outer.enter(OCTET_STRING);
  if (kind !== OID_EC && kind !== OID_RSA) throw unusable(kind);
  if (kind === OID_EC) checkCurve(algorithm);
  const inner = wrapped.enter(SEQUENCE);
  inner.enter(INTEGER);
  return kind === OID_EC ? readSec1(inner, true) : readPkcs1(inner);
}

function readSec1(inner, curveIsKnown) {
  const secret = BigInt(`0x0${hex(inner.enter(OCTET_STRING).contents)}`);
  if (inner.nextIs(explicit(0))) checkCurve(inner.enter(explicit(0)));
  else if (!curveIsKnown) throw new Malformed("the EC key does not name its curve; convert it to PKCS#8");
  if (secret <= 0n || secret >= P256_ORDER) throw new Malformed("its secret number is not one of P-256");
  const known = inner.nextIs(explicit(1)) ? point(inner.enter(explicit(1)).enter(BIT_STRING).bits()) : null;
  return { kind: EC, public: known };
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
  throw new Malformed(`its RSA key has about ${bits} bits: use 2048 to 4096, or EC P-256`);
}

function point(bits) {
  const value = bits.contents;
  if (value.length === 65 && value[0] === 4) return value;
  throw new Malformed("its EC point is not an uncompressed one of P-256");
}

function checkCurve(reader) {
  const curve = hex(reader.enter(OBJECT).contents);
  if (curve !== OID_P256) throw unusable(curve);
}

function unusable(kind) {
  const name = UNUSABLE[kind] ?? "unknown";
  return new Malformed(`its kind (${name}) is not one the device can use: EC P-256, or RSA of 2048 to 4096 bits`);
}

function notAKey(first) {
  if (first.nextIs(OBJECT) && hex(first.enter(OBJECT).contents).startsWith(OID_ENCRYPTION)) {
    return new Malformed(ENCRYPTED);
  }
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
