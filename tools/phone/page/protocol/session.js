/**
 * The encrypted session, the phone's side: keys from an X25519 secret and the setup code, messages sealed and opened.
 *
 *     counter u32 | AES-256-CTR ciphertext | tag, 16 bytes        a payload of type 2
 *
 * The scheme, byte by byte, is in docs/ble-protocol.md.
 */

import { concat, equal, hex, text, u32, unhex, utf8 } from "./bytes.js";
import { LARGEST } from "./framing.js";
import { keyPair } from "./x25519.js";

const LABEL = utf8("awsesp-ble-1");
const COUNTER = 4;
const TAG = 16;
const KEY = 32;

export const LARGEST_TEXT = LARGEST - COUNTER - TAG; // bytes of JSON in a sealed message

/** The device has another setup code, or is another device. */
export class WrongCode extends Error {}

/** A message was not made by the device of this session. */
export class Forged extends Error {}

/** The phone's side of HELLO. */
export class Handshake {
  #pair;
  #setupCode;
  #name;

  constructor(pair, setupCode, name) {
    this.#pair = pair;
    this.#setupCode = setupCode;
    this.#name = name;
  }

  /** With a new key pair; `setupCode`: 10 bytes, `name`: the device's, as INFO has it. */
  static async begin(setupCode, name) {
    return new Handshake(await keyPair(), setupCode, name);
  }

  /** The dat of HELLO. */
  get dat() {
    return { pub: hex(this.#pair.publicKey) };
  }

  /** The Session that the dat of the device's ACK leads to. Throws WrongCode, UnsafeKey. */
  async finish({ pub, confirm }) {
    const devicePublic = unhex(pub);
    if (devicePublic?.length !== KEY) throw new WrongCode("the device's public key is not one");
    const secret = await this.#pair.agree(devicePublic);
    const th = await sha256(concat(this.#pair.publicKey, devicePublic, utf8(this.#name)));
    const keys = await derive(secret, this.#setupCode, th);
    const [encP, macP, encD, macD] = [0, 1, 2, 3].map((place) => keys.subarray(place * KEY, (place + 1) * KEY));
    const proof = await tagOf(await hmacKey(macD), concat(utf8("device"), th));
    if (!equal(proof, unhex(confirm) ?? [])) throw new WrongCode("the device does not know this setup code");
    return Session.of({ encP, macP, encD, macD });
  }
}

/** 128 bytes: enc_p, mac_p, enc_d, mac_d. p is from phone to device, d from device to phone. */
export async function derive(secret, setupCode, th) {
  const material = await crypto.subtle.importKey("raw", concat(secret, setupCode), "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: LABEL, info: concat(LABEL, th) };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 8 * 4 * KEY));
}

/** The phone's end of a session: messages are sealed and opened in the order of the calls. */
export class Session {
  #sent = 0;
  #received = 0;
  #keys;

  constructor(keys) {
    this.#keys = keys;
  }

  /** `keys`: encP, macP, encD, macD, 32 bytes each. */
  static async of({ encP, macP, encD, macD }) {
    const [sealKey, sealMac, openKey, openMac] = [aesKey(encP), hmacKey(macP), aesKey(encD), hmacKey(macD)];
    return new Session({
      sealKey: await sealKey,
      sealMac: await sealMac,
      openKey: await openKey,
      openMac: await openMac,
    });
  }

  /** The payload of a type 2 message; `counter` only to start from elsewhere. */
  async seal(json, counter = this.#sent + 1) {
    this.#sent = counter;
    const body = concat(u32(counter), await ctr(this.#keys.sealKey, counter, utf8(json)));
    return concat(body, await tagOf(this.#keys.sealMac, body));
  }

  /** The JSON text; null for a counter that is not above the last: drop it. Throws Forged. */
  async open(payload) {
    if (payload.length < COUNTER + TAG) throw new Forged("too short");
    const body = payload.subarray(0, -TAG);
    if (!equal(await tagOf(this.#keys.openMac, body), payload.subarray(-TAG))) throw new Forged("wrong tag");
    const counter = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    if (counter <= this.#received) return null;
    this.#received = counter;
    return text(await ctr(this.#keys.openKey, counter, body.subarray(COUNTER)));
  }
}

const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));

const aesKey = (bytes) => crypto.subtle.importKey("raw", bytes, "AES-CTR", false, ["encrypt"]);

const hmacKey = (bytes) => crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

const tagOf = async (key, data) => new Uint8Array(await crypto.subtle.sign("HMAC", key, data)).subarray(0, TAG);

// Encrypting and decrypting are the same. The block is: counter u32, 8 zero bytes, block index u32.
async function ctr(key, counter, data) {
  const parameters = { name: "AES-CTR", counter: concat(u32(counter), new Uint8Array(12)), length: 32 };
  return new Uint8Array(await crypto.subtle.encrypt(parameters, key, data));
}
