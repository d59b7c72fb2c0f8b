/** Files as people have them (PEM, DER, base64 of DER) into blocks of DER. */

import { hex } from "./bytes.js";
import { Malformed } from "./der.js";

export const CERTIFICATE = "certificate";
export const PRIVATE_KEY = "private key";
export const PUBLIC_KEY = "public key";
export const ENCRYPTED =
  "it is encrypted with a password; write it without one: openssl pkcs8 -topk8 -nocrypt -in FILE";

export const MAX_INPUT = 65536; // bytes

const KINDS = {
  CERTIFICATE: CERTIFICATE,
  "X509 CERTIFICATE": CERTIFICATE,
  "PRIVATE KEY": PRIVATE_KEY,
  "EC PRIVATE KEY": PRIVATE_KEY,
  "RSA PRIVATE KEY": PRIVATE_KEY,
  "PUBLIC KEY": PUBLIC_KEY,
  "RSA PUBLIC KEY": PUBLIC_KEY,
};
const PKCS7 = "it is a PKCS#7 file; convert it: openssl pkcs7 -print_certs -in FILE";
const PKCS12 =
  "it is a PKCS#12 store; take certificate and key out of it: openssl pkcs12 -nodes -in FILE (an older one: -legacy, too)";
const HINTS = {
  PKCS7,
  PKCS12,
  "ENCRYPTED PRIVATE KEY": ENCRYPTED,
  "OPENSSH PRIVATE KEY": "it is a key of OpenSSH; convert it: ssh-keygen -p -m PKCS8 -f FILE",
  "CERTIFICATE REQUEST": "it is a request for a certificate, not the certificate",
  "TRUSTED CERTIFICATE": "it has OpenSSL's trust settings; write it again: openssl x509 -in FILE",
};
const ZIP = [0x50, 0x4b, 0x03, 0x04];
const BLOCK = /-----BEGIN ([^\n-]{1,64})-----([\s\S]*?)-----END \1-----/g;

/** The blocks of a file (bytes): [{kind, der}]; `kind` is null for a bare DER. Throws Malformed. */
export function blocks(bytes) {
  if (starts(bytes, ZIP)) throw new Malformed("it is a zip archive; unpack it, and give the files in it");
  if (!bytes.length) throw new Malformed("it is empty");
  if (bytes.length > MAX_INPUT) throw new Malformed(`it has ${bytes.length} bytes, at most ${MAX_INPUT} are possible`);
  if (bytes[0] === 0x30) return [{ kind: null, der: notAStore(bytes) }];
  const text = new TextDecoder(encoding(bytes)).decode(bytes).replaceAll("\\r", "").replaceAll("\\n", "\n");
  if (!text.includes("-----BEGIN ")) return [{ kind: null, der: notAStore(base64(text)) }];
  const whole = [...text.matchAll(BLOCK)];
  if (whole.length < text.split("-----BEGIN ").length - 1) {
    throw new Malformed("its END line is missing: it was cut off");
  }
  const found = whole.map(([, label, body]) => block(label, body));
  // Curve parameters stand before the key in OpenSSL's own files, and are in it, too.
  return found.some(({ kind }) => kind === PRIVATE_KEY) ? found.filter(({ kind }) => kind !== "ec parameters") : found;
}

/** PEM without anything around it, lines of 64 characters. */
export function armour(label, der) {
  const digits = btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join(""));
  return `-----BEGIN ${label}-----\n${digits.match(/.{1,64}/g).join("\n")}\n-----END ${label}-----\n`;
}

// Both begin alike: a sequence, then a version of 3 and a sequence, or the name of a kind of PKCS#7.
function notAStore(der) {
  const head = hex(der.subarray(0, 32));
  if (/^30.{2,8}02010330/.test(head)) throw new Malformed(PKCS12);
  if (/^30.{2,8}06092a864886f70d0107/.test(head)) throw new Malformed(PKCS7);
  return der;
}

const starts = (bytes, mark) => mark.every((byte, at) => bytes[at] === byte);

// Windows' PowerShell writes UTF-16 where it is told to write into a file.
const encoding = (bytes) => (starts(bytes, [0xff, 0xfe]) ? "utf-16le" : starts(bytes, [0xfe, 0xff]) ? "utf-16be" : "utf-8");

function block(label, body) {
  if (label in HINTS) throw new Malformed(HINTS[label]);
  if (body.includes(",ENCRYPTED")) throw new Malformed(ENCRYPTED);
  // What is not base64 (quotes, say, of a program) is passed over, as on the device.
  return { kind: KINDS[label] ?? label.toLowerCase(), der: notAStore(base64(body.replace(/[^A-Za-z0-9+/=]/g, ""))) };
}

function base64(text) {
  const digits = text.replace(/\s+/g, "");
  try {
    const raw = digits && atob(digits);
    if (raw) return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  } catch {
    // said below
  }
  throw new Malformed("it is neither PEM, nor DER, nor base64: give the files as AWS made them");
}
