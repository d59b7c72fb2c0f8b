/**
 * X25519 (RFC 7748), by WebCrypto where the browser has it, else on BigInt.
 *
 * The one on BigInt is not constant in time. That is why it is the second choice, and why every session has a new key.
 */

const SIZE = 32;
const P = 2n ** 255n - 19n;
const A24 = 121665n;
const BASE = Uint8Array.of(9, ...new Uint8Array(SIZE - 1));

/** The other side's public key is of low order: it was not made honestly. */
export class UnsafeKey extends Error {}

/**
 * A new key pair: {publicKey: 32 bytes, agree(peer): the 32 shared bytes}. `agree` throws UnsafeKey.
 * `crypto` is the browser's, or one without X25519.
 */
export async function keyPair(crypto = globalThis.crypto) {
  return (await nativePair(crypto)) ?? ownPair(crypto.getRandomValues(new Uint8Array(SIZE)));
}

/** A key pair of given private bytes, computed here. */
export function ownPair(privateKey) {
  return {
    publicKey: multiply(privateKey, BASE),
    agree: async (peer) => checked(multiply(privateKey, peer)),
  };
}

async function nativePair(crypto) {
  let pair, publicKey;
  try {
    pair = await crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]);
    publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  } catch {
    return null; // older browsers know no X25519; which error they say so by differs
  }
  const agree = async (peer) => {
    try {
      const key = await crypto.subtle.importKey("raw", peer, { name: "X25519" }, false, []);
      const secret = await crypto.subtle.deriveBits({ name: "X25519", public: key }, pair.privateKey, 8 * SIZE);
      return checked(new Uint8Array(secret));
    } catch {
      throw new UnsafeKey(); // WebCrypto refuses a secret of zeros with an OperationError
    }
  };
  return { publicKey, agree };
}

function checked(secret) {
  if (secret.every((byte) => byte === 0)) throw new UnsafeKey();
  return secret;
}

/** RFC 7748 section 5, "X25519(k, u)": 32 bytes each, little-endian. */
export function multiply(scalar, point) {
  const k = Uint8Array.from(scalar);
  k[0] &= 248;
  k[31] = (k[31] & 127) | 64;
  const u = (toNumber(point) & (2n ** 255n - 1n)) % P;
  const x = [1n, u];
  const z = [0n, 1n];
  for (let position = 254; position >= 0; position--) step(x, z, (k[position >> 3] >> (position & 7)) & 1, u);
  return toBytes(modulo(x[0] * power(z[0], P - 2n)));
}

// The point that `bit` names is doubled, the other becomes the sum of both: choosing by index needs no swap.
function step(x, z, bit, u) {
  const other = 1 - bit;
  const a = x[bit] + z[bit];
  const b = x[bit] - z[bit];
  const da = modulo((x[other] - z[other]) * a);
  const cb = modulo((x[other] + z[other]) * b);
  x[other] = modulo((da + cb) ** 2n);
  z[other] = modulo(modulo((da - cb) ** 2n) * u);
  const aa = modulo(a * a);
  const bb = modulo(b * b);
  const e = aa - bb;
  x[bit] = modulo(aa * bb);
  z[bit] = modulo(e * (aa + A24 * e));
}

function modulo(value) {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base, exponent) {
  let result = 1n;
  for (let bits = exponent; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = modulo(result * base);
    base = modulo(base * base);
  }
  return result;
}

const toNumber = (bytes) => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

function toBytes(value) {
  return Uint8Array.from({ length: SIZE }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
}
