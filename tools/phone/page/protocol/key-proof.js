/** Whether a private key belongs to a certificate, tried out: sign with the one, verify with the other. */

import { concat, unhex, utf8 } from "./bytes.js";
import { OCTET_STRING, SEQUENCE } from "./der.js";

const ECDSA = { name: "ECDSA", hash: "SHA-256" };
// What PKCS#8 has before a key of SEC1: version 0; then the algorithm, id-ecPublicKey on a curve (RFC 5958, RFC 5480).
const VERSION = unhex("020100");
const ALGORITHMS = {
  "EC P-256": unhex("06072a8648ce3d020106082a8648ce3d030107"),
  "EC P-384": unhex("06072a8648ce3d020106052b81040022"),
  "EC P-521": unhex("06072a8648ce3d020106052b81040023"),
};

/** True, false, or null where the browser cannot tell. Only EC keys need it: an RSA key holds its public half. */
export async function proves(certificate, key) {
  if (!(key.kind in ALGORITHMS)) return null;
  const curve = { name: "ECDSA", namedCurve: key.kind.slice("EC ".length) };
  const challenge = utf8("does this key belong to this certificate?");
  try {
    const secret = await crypto.subtle.importKey("pkcs8", asPkcs8(key), curve, false, ["sign"]);
    const open = await crypto.subtle.importKey("spki", certificate.spki, curve, false, ["verify"]);
    return await crypto.subtle.verify(ECDSA, open, await crypto.subtle.sign(ECDSA, secret, challenge), challenge);
  } catch (error) {
    if (error.name === "DataError" || error.name === "NotSupportedError") return null; // TLS will find out
    throw error;
  }
}

function asPkcs8({ kind, form, der }) {
  if (form === "PRIVATE KEY") return der;
  return element(SEQUENCE, concat(VERSION, element(SEQUENCE, ALGORITHMS[kind]), element(OCTET_STRING, der)));
}

function element(tag, contents) {
  const size = contents.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return concat(Uint8Array.of(tag, ...length), contents);
}
