/** Whether a private key belongs to a certificate, tried out: sign with the one, verify with the other. */

import { concat, unhex, utf8 } from "./bytes.js";
import { EC } from "./certificates.js";
import { OCTET_STRING, SEQUENCE } from "./der.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const ECDSA = { name: "ECDSA", hash: "SHA-256" };
// Version 0, then the algorithm: id-ecPublicKey on prime256v1 (RFC 5958, RFC 5480).
const EC_HEAD = unhex("020100301306072a8648ce3d020106082a8648ce3d030107");

/** True, false, or null where the browser cannot tell. Only EC keys need it: an RSA key holds its public half. */
export async function proves(certificate, key) {
  if (key.kind !== EC) return null;
  const challenge = utf8("does this key belong to this certificate?");
  try {
    const secret = await crypto.subtle.importKey("pkcs8", asPkcs8(key), CURVE, false, ["sign"]);
    const open = await crypto.subtle.importKey("spki", certificate.spki, CURVE, false, ["verify"]);
    return await crypto.subtle.verify(ECDSA, open, await crypto.subtle.sign(ECDSA, secret, challenge), challenge);
  } catch (error) {
    if (error.name === "DataError" || error.name === "NotSupportedError") return null; // TLS will find out
    throw error;
  }
}

const asPkcs8 = ({ form, der }) =>
  form === "PRIVATE KEY" ? der : element(SEQUENCE, concat(EC_HEAD, element(OCTET_STRING, der)));

function element(tag, contents) {
  const size = contents.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return concat(Uint8Array.of(tag, ...length), contents);
}
